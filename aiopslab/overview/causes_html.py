"""The ranking of causes as a page shows it: each with its chance, its share and its evidence."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from aiopslab.overview.written import chance_of, interval_of, value_of
from aiopslab.wording import named

if TYPE_CHECKING:
    from aiopslab.overview.causes import Cause

_BAR = "display:inline-block;height:.6em;border-radius:2px;background:#2f7fc1"
WIDEST_EM = 9.0
SHOWN = 4


def causes_html(causes: Sequence["Cause"]) -> str:
    """Return the likeliest causes as a list in HTML; a sentence where there is none.

    Examples
    --------
    >>> causes_html([])
    '<p>Nothing shifted, so that there is no cause to look for.</p>'
    """
    if not causes:
        return "<p>Nothing shifted, so that there is no cause to look for.</p>"
    items = "".join(f"<li>{_cause(each)}</li>" for each in causes[:SHOWN])
    return f'<ol class="aiopslab-causes">{items}</ol>'


def _cause(cause: "Cause") -> str:
    where = "" if cause.subject == cause.layer else f" · {escape(named(cause.subject))}"
    change = f" · change <code>{escape(named(cause.change))}</code>" if cause.change else ""
    since = "" if cause.since is None else f" · since {cause.since:%Y-%m-%d %H:%M:%S} UTC"
    width = max(WIDEST_EM * cause.probability, 0.1)
    chance = (
        f'<div><span style="{_BAR};width:{width:.1f}em" aria-hidden="true"></span> '
        f"{escape(chance_of(cause.probability))}{_share(cause)}</div>"
    )
    said = (("For", cause.speaks_for), ("Against", cause.speaks_against))
    told = "".join(
        f"<div><small><b>{word}:</b> {escape('; '.join(claims))}.</small></div>"
        for word, claims in said
        if claims
    )
    return f"<b>{escape(cause.layer)}</b>{where}{change}{since}{chance}{told}"


def _share(cause: "Cause") -> str:
    effect = cause.effect
    if effect is None:
        return ""
    interval = "" if effect.interval is None else f" ({interval_of(effect.interval, '')})"
    return escape(f", share of the shift {value_of(effect.value, '')}{interval}")
