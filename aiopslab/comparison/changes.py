"""Changes: one thing of two runs after the other, in words."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiopslab.comparison.contrast import contrast
from aiopslab.findings import Finding
from aiopslab.reports.record import Record
from aiopslab.reports.render import readable_number, state

SAME_TO = 1e-9  # relative: what a sum in another order may differ by
NOTHING = "–"


@dataclass(frozen=True)
class Change:
    """One thing of two runs.

    Parameters
    ----------
    part
        One of `aiopslab.comparison.difference.GIVEN` or `FOUND`, or ``duration``.
    name
        Of the thing.
    before, after
        In words; a dash where there is none.
    differs
        Whether it is not the same.
    note
        What else is to be said, e.g. how far apart two estimates are.
    """

    part: str
    name: str
    before: str
    after: str
    differs: bool
    note: str = ""


def template(before: Record, after: Record) -> Iterator[Change]:
    """Yield what of the template changed."""
    pairs = {
        "name": (before.template, after.template),
        "digest": (before.template_digest[:12], after.template_digest[:12]),
    }
    same = before.template_digest == after.template_digest
    for name, (one, other) in pairs.items():
        yield Change("template", name, one, other, not same if name == "digest" else one != other)


def mapping(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield each name of two mappings: parameters or versions."""
    for name in dict.fromkeys([*before, *after]):
        one, other = (_text(each, name) for each in (before, after))
        yield Change(part, name, one, other, one != other)


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return NOTHING
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def data(before: Record, after: Record) -> Iterator[Change]:
    """Yield each source; the same one is known by its URL."""
    pairs = _matched(before.evidence, after.evidence, lambda each: (str(each["source"]),))
    for one, other in pairs:
        name = str((one or other or {})["source"])
        differs = one is None or other is None or one["digest"] != other["digest"]
        yield Change("data", name, _said(one), _said(other), differs)


def _said(evidence: Mapping[str, Any] | None) -> str:
    if evidence is None:
        return NOTHING
    rows = ", ".join(f"{name} {count:,}" for name, count in evidence["frames"].items())
    window = f"{evidence['start']} to {evidence['end']}" if evidence.get("start") else "no times"
    return f"sha256 {evidence['digest'][:12]}; {window}; rows: {rows}"


def verdict(before: Record, after: Record) -> Iterator[Change]:
    """Yield level, headline and failure."""
    levels = state(before), state(after)
    yield Change("verdict", "level", *levels, levels[0] != levels[1])
    said = [each.verdict.headline if each.verdict else NOTHING for each in (before, after)]
    yield Change("verdict", "headline", said[0], said[1], said[0] != said[1])
    if before.failure or after.failure:
        why = [str(each.failure) if each.failure else NOTHING for each in (before, after)]
        yield Change("verdict", "failure", why[0], why[1], why[0] != why[1])


def metrics(before: Record, after: Record) -> Iterator[Change]:
    """Yield each headline figure."""
    one, other = (dict(each.verdict.metrics) if each.verdict else {} for each in (before, after))
    for name in dict.fromkeys([*one, *other]):
        values = one.get(name), other.get(name)
        texts = [NOTHING if each is None else readable_number(each) for each in values]
        note = ""
        if values[0] is not None and values[1] is not None and not _equal(*values):
            note = _step(values[0], values[1])
        differs = None in values or not _equal(values[0], values[1])
        yield Change("metrics", name, texts[0], texts[1], differs, note)


def _step(before: float, after: float) -> str:
    if not (math.isfinite(before) and math.isfinite(after)):
        return ""
    share = f" ({(after - before) / abs(before):+.1%})" if before else ""
    return f"{after - before:+.4g}{share}; a figure without an interval"


def _equal(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is after
    both_missing = math.isnan(before) and math.isnan(after)
    return both_missing or math.isclose(before, after, rel_tol=SAME_TO)


def findings(before: Record, after: Record, dependence: str) -> Iterator[Change]:
    """Yield each finding, known by its subject, the name of its effect and its evidence."""
    one, other = (each.verdict.findings if each.verdict else () for each in (before, after))
    for old, new in _matched(one, other, _claim):
        either = new or old
        name = f"{either.subject}: {either.effect.name if either.effect else either.evidence}"
        texts = [NOTHING if each is None else _finding(each) for each in (old, new)]
        if old is None or new is None:
            note = "new" if old is None else "gone"
            yield Change("findings", name, texts[0], texts[1], True, note)
            continue
        note = ""
        is_other = not _equal_effects(old, new)
        if is_other and old.effect and new.effect and old.effect.unit == new.effect.unit:
            note = str(contrast(old.effect, new.effect, dependence))
        differs = old.severity != new.severity or is_other
        differs |= old.effect is None and old.claim != new.claim
        yield Change("findings", name, texts[0], texts[1], differs, note)


def _claim(finding: Finding) -> tuple[str, ...]:
    """Tell one claim from another; what it says may hold its figures, and is left out."""
    return finding.subject, finding.effect.name if finding.effect else "", finding.evidence


def _finding(finding: Finding) -> str:
    effect = f"; {finding.effect}" if finding.effect else ""
    return f"{finding.severity}: {finding.claim}{effect}"


def _equal_effects(old: Finding, new: Finding) -> bool:
    if old.effect is None or new.effect is None:
        return old.effect is new.effect
    one, other = (
        (each.value, *((each.interval.low, each.interval.high) if each.interval else ()))
        for each in (old.effect, new.effect)
    )
    same = len(one) == len(other) and all(map(_equal, one, other))
    return same and old.effect.unit == new.effect.unit


def durations(before: Record, after: Record) -> Iterator[Change]:
    """Yield what took how long."""
    texts = [f"{each.duration_s:.1f} s" if each.ended else NOTHING for each in (before, after)]
    yield Change("duration", "whole", texts[0], texts[1], texts[0] != texts[1])
    for name in dict.fromkeys([*before.seconds, *after.seconds]):
        pair = [
            f"{each.seconds[name]:.1f} s" if name in each.seconds else NOTHING
            for each in (before, after)
        ]
        yield Change("duration", name, pair[0], pair[1], pair[0] != pair[1])


def _matched(
    before: Sequence[Any], after: Sequence[Any], key: Callable[[Any], Any]
) -> Iterator[tuple[Any, Any]]:
    """Yield pairs of what has the same key, in order; alone what has no other."""
    left = list(before)
    for new in after:
        old = next((each for each in left if key(each) == key(new)), None)
        if old is not None:
            left.remove(old)
        yield old, new
    for old in left:
        yield old, None
