"""The page of a difference: one file, with the figures of both runs side by side."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiopslab.comparison.difference import FOUND, GIVEN, Difference
from aiopslab.reports.kept import Picture
from aiopslab.reports.markup import asset, csp_hash, environment, safe
from aiopslab.reports.record import Record
from aiopslab.reports.render import GLYPHS, self_contained, series_of, state

PARTS = (*FOUND, *GIVEN, "duration")
SIDES = ("before", "after")
_MARKUP = re.compile(r"[`*_]")


@dataclass(frozen=True)
class _Pair:
    """A figure of both runs; where one has none, its anchor is empty."""

    title: str
    sides: tuple[tuple[str, str], ...]


def page(
    difference: Difference, before: Sequence[Picture] = (), after: Sequence[Picture] = ()
) -> str:
    """Render a difference.

    Parameters
    ----------
    difference
        Of two runs.
    before, after
        Their figures.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    matched = list(pairs(before, after))
    drawn = [
        (f"{side}-{number}", _plain(picture))
        for number, pair in enumerate(matched, start=1)
        for side, picture in zip(SIDES, pair, strict=True)
        if picture is not None
    ]
    script = f'"use strict";\nconst PLOTLY = {{"src": ""}};{_script()}'
    now = state(difference.after)
    html = (
        environment()
        .get_template("difference.html.j2")
        .render(
            difference=difference,
            title=f"{difference.before.id} and {difference.after.id}",
            level=now,
            glyph=GLYPHS[now],
            runs=list(_runs(difference.before, difference.after)),
            parts=[(part, _rows(difference, part)) for part in PARTS],
            pairs=[_shown(number, *pair) for number, pair in enumerate(matched, start=1)],
            figures=[(anchor, safe(figure)) for anchor, figure in drawn],
            style=safe(f"{asset('style.css')}\n{asset('difference.css')}"),
            script=safe(script),
            script_hash=safe(csp_hash(script)),
        )
    )
    return self_contained(html) if drawn else html


def pairs(
    before: Sequence[Picture], after: Sequence[Picture]
) -> Iterator[tuple[Picture | None, Picture | None]]:
    """Match figures: in the same section by their title, the rest of a section by their order."""
    sections = dict.fromkeys(_section(each) for each in (*after, *before))
    for section in sections:
        old = [each for each in before if _section(each) == section]
        new = [each for each in after if _section(each) == section]
        rest = [each for each in old if each.title not in {other.title for other in new}]
        for each in new:
            same = next((other for other in old if other.title == each.title), None)
            if same is not None:
                old.remove(same)
            elif rest:
                same = rest.pop(0)
                old.remove(same)
            yield same, each
        for each in old:
            yield each, None


def _section(picture: Picture) -> str:
    """Return the heading above a figure, as it is on a page: without marks of Markdown."""
    return _MARKUP.sub("", picture.section).strip()


def _script() -> str:
    return asset("report.js").removeprefix('"use strict";')


def _plain(picture: Picture) -> str:
    layout = {name: each for name, each in picture.figure["layout"].items() if name != "width"}
    plain = json.dumps({"data": picture.figure["data"], "layout": layout}, ensure_ascii=False)
    return plain.replace("<", "\\u003c")


def _shown(number: int, before: Picture | None, after: Picture | None) -> _Pair:
    either = after or before
    section, title = (_section(either), either.title) if either else ("", "")
    sides = tuple(
        (f"{side}-{number}" if picture else "", picture.title if picture else side)
        for side, picture in zip(SIDES, (before, after), strict=True)
    )
    return _Pair(" · ".join(filter(None, (section, title))), sides)


def _runs(before: Record, after: Record) -> Iterator[tuple[str, str, str]]:
    yield "run", before.id, after.id
    yield "series", series_of(before), series_of(after)
    yield "started", _time(before), _time(after)


def _time(record: Record) -> str:
    return f"{record.started[:19].replace('T', ' ')} UTC"


def _rows(difference: Difference, part: str) -> dict[str, Any]:
    every = [each for each in difference.changes if each.part == part]
    changed = [each for each in every if each.differs]
    return {
        "changed": changed,
        "noted": any(each.note for each in changed),
        "same": [each.name for each in every if not each.differs],
    }
