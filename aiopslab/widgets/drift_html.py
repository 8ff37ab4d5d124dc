"""What the drift explorer says in HTML, every text of the evidence escaped."""

import math
from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from aiopslab.drift.branches import branches
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.feature import FeatureDrift, Margins
from aiopslab.drift.replay import Replay
from aiopslab.drift.segments import Segment, Segments

ALARMS = 5  # that are listed
_BOXED = "border: 1px solid var(--jp-border-color1, currentColor); padding: 0.4em 0.7em"
_MUTED = "color: var(--jp-ui-font-color2, currentColor)"


def features_frame(comparison: Comparison) -> pd.DataFrame:
    """Return the rows of the table of features, in the order of the comparison.

    Examples
    --------
    >>> import numpy as np
    >>> from aiopslab.drift.profiles import profile
    >>> from aiopslab.drift.screening import screen
    >>> good = profile(pd.DataFrame({"plan": ["a", "b"] * 400}))
    >>> now = profile(pd.DataFrame({"plan": ["a", "b", "b", "b"] * 200}), like=good)
    >>> features_frame(screen(good, now))[["feature", "drift"]].values.tolist()
    [['plan', 'yes']]
    """
    rows = [
        {
            "feature": each.feature,
            "kind": each.kind,
            "effect": _effect(each),
            "margins": _margins(each),
            "in": each.measure,
            "drift": _drift(each),
            "what moved": each.direction,
        }
        for each in comparison.features
    ]
    return pd.DataFrame(
        rows, columns=["feature", "kind", "effect", "margins", "in", "drift", "what moved"]
    )


def feature_html(drift: FeatureDrift) -> str:
    """Say how far one feature moved."""
    told = f"{drift.feature}: {_effect(drift)} {drift.measure}; drift: {_drift(drift)}"
    return f'<p role="status">{escape(told)}. {escape(drift.direction)}</p>'


def features_html(frame: pd.DataFrame) -> str:
    """Return the table of features for where no kernel runs."""
    return str(frame.to_html(index=False, border=0, na_rep=""))


def alarms_html(replay: Replay, threshold: float, margins: Margins) -> str:
    """Say which alarms a threshold would have raised on history, and what it stands for."""
    size = (
        f"{threshold * margins.sds:.2g} reference SDs of a number, "
        f"{100 * threshold * margins.share:.3g} % of the rows of a category or missing"
    )
    told = replay.told(threshold)
    alarms = replay.alarms(threshold)
    items = "".join(
        f"<li>{each['raised']:%Y-%m-%d %H:%M} UTC: {escape(each['feature'])}, "
        f"{each['size']:.3g} margins at most, over {each['windows']:,} "
        f"window{'s' if each['windows'] > 1 else ''}</li>"
        for each in alarms.head(ALARMS).to_dict("records")
    )
    more = f"<li>and {len(alarms) - ALARMS:,} more</li>" if len(alarms) > ALARMS else ""
    told = told[0].upper() + told[1:]
    return (
        f"<p><b>{escape(told)}.</b> <span style='{_MUTED}'>The threshold is {size}.</span></p>"
        f"<ul>{items}{more}</ul>"
    )


def segments_html(segments: Segments) -> str:
    """Return segments as a tree, in a table whose first column is indented."""
    if not segments.found:
        told = str(segments)
        return f"<p>{escape(told[0].upper() + told[1:])}.</p>"
    rows = []
    for branch in branches(segments.found):
        indent = f"padding-left: {0.5 + 1.5 * branch.depth:.1f}em; text-align: left"
        name = f"{'↳ ' if branch.depth else ''}{escape(str(branch.condition))}"
        first = f"<th scope='row' style='{indent}; font-weight: normal'>{name}</th>"
        cells = [_segment(each) for each in branch.segments] or ["<td colspan='4'></td>"]
        rows += [f"<tr>{first}{each}</tr>" for each in cells]
    heads = ("segment", "what differs", "reference → current", "elsewhere", "rows, current")
    head = "".join(f"<th scope='col' style='text-align: left'>{each}</th>" for each in heads)
    left = ", ".join(segments.left_out)
    note = f"<p style='{_MUTED}'>Not searched: {escape(left)}.</p>" if left else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{note}"


def notes_html(notes: Iterable[str], role: str = "status") -> str:
    """Return sentences that a screen reader tells as they come."""
    items = "".join(f"<div>⚠ {escape(each)}</div>" for each in notes)
    return f'<div role="{role}" style="{_BOXED}">{items}</div>' if items else ""


def command_html(command: str) -> str:
    """Return a command that can be copied."""
    style = f"{_BOXED}; white-space: pre-wrap; overflow-wrap: anywhere"
    head = "The same windows as a report that runs without a person:"
    return f'<p>{head}</p><pre tabindex="0" style="{style}">{escape(command)}</pre>'


def _effect(drift: FeatureDrift) -> str:
    value, low, high = (drift.effect.value, drift.effect.low, drift.effect.high)
    if math.isnan(value):
        return "not enough data"
    if math.isnan(low):
        return f"{value:.3g} (observed)"
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def _margins(drift: FeatureDrift) -> float | None:
    """Return how many margins the effect is; nothing is known where there is too little data."""
    size = drift.effect.value / drift.margin
    return None if math.isnan(size) else round(size, 2)


def _drift(drift: FeatureDrift) -> str:
    is_unsure = drift.significant and not drift.drifted and math.isnan(drift.effect.low)
    return "the interval tells" if is_unsure else "yes" if drift.drifted else "no"


def _segment(segment: Segment) -> str:
    size: Any = segment.estimate
    cells = (
        segment.what,
        f"{size.reference:.3g} → {size.current:.3g}",
        f"{size.elsewhere:+.3g}",
        f"{segment.rows_current:,} ({segment.share_current:.1%})",
    )
    return "".join(f"<td style='text-align: left'>{escape(each)}</td>" for each in cells)
