"""The conclusion of an overview: how it is, which layer it was, whether what was done helped."""

from dataclasses import replace
from typing import TYPE_CHECKING

from aiopslab.findings import LEVELS, Level, Verdict
from aiopslab.wording import listed

if TYPE_CHECKING:
    from aiopslab.overview.board import Overview
    from aiopslab.overview.investigation import Investigation
    from aiopslab.overview.recovery import Recovery


def conclusion(
    seen: "Overview", investigation: "Investigation", recovery: "Recovery | None" = None
) -> Verdict:
    """Join what was found into one verdict.

    Parameters
    ----------
    seen
        The tiles: how it is now decides the level, and leads.
    investigation
        Of the same evidence: which layer it was, and what to do about it.
    recovery
        Against an earlier time, if there is one.

    Examples
    --------
    >>> from aiopslab.overview import investigate, tiles
    >>> conclusion(tiles({}), investigate({})).level
    'watch'
    """
    health, cause = seen.verdict(), investigation.verdict()
    shifted = bool(investigation.shifts)
    parts = [health.headline, *([cause.headline] if shifted else [])]
    changed = () if recovery is None else recovery.findings()
    if recovery is not None:
        parts.append(_changed(recovery))
    actions = (*cause.actions, *health.actions) if shifted else health.actions
    told = replace(
        health,
        headline=" ".join(parts),
        findings=(*(cause.findings if shifted else ()), *health.findings, *changed),
        actions=tuple(dict.fromkeys(actions)),
    )
    levels: list[Level] = [told.level, *(each.severity for each in changed)]
    return replace(told, level=max(levels, key=LEVELS.index))


def _changed(recovery: "Recovery") -> str:
    better = [each.change.quantity.name for each in recovery.better]
    worse = [each.change.quantity.name for each in recovery.worse]
    if not better and not worse:
        return "Since then nothing surely changed."
    parts = [
        f"{listed(names)} {word}" for names, word in ((better, "better"), (worse, "worse")) if names
    ]
    return f"Since then: {', '.join(parts)}."
