"""Events: what of a run is worth a message, given what was told before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aiopslab.reports.record import Record
from aiopslab.reports.render import state

Event = Literal["change", "failure", "recovery"]
Occasion = Literal["change", "failure", "recovery", "reminder"]
STANDING = ("failed", "act")  # what is told again while it lasts


@dataclass(frozen=True)
class Standing:
    """How a series stood when its last run was seen.

    Parameters
    ----------
    state
        ``ok``, ``watch``, ``act`` or ``failed``.
    key
        Tells one failure from another; the state itself for a verdict.
    since
        When it came to that.
    told
        When that was last told; ``None`` where it was not, since nobody wanted to know.
    """

    state: str
    key: str
    since: datetime
    told: datetime | None = None


def standing(record: Record) -> Standing:
    """Return how a series stands after a run."""
    now = state(record)
    failure = record.failure
    # What a failure says may hold times and numbers that are new in every run of the same one.
    key = f"failed {failure.name} {failure.cell}" if failure else now
    return Standing(now, key, datetime.fromisoformat(record.ended or record.started))


def events(before: Standing | None, after: Standing) -> frozenset[Event]:
    """Say what happened between two runs of a series.

    Parameters
    ----------
    before
        ``None`` where `after` is of the first run: then ``ok`` is no news.

    Examples
    --------
    >>> now = datetime.fromisoformat("2026-03-01T10:00:00Z")
    >>> sorted(events(Standing("act", "act", now), Standing("ok", "ok", now)))
    ['change', 'recovery']
    """
    was = before.state if before else "ok"
    if after.state == "failed":
        is_new = before is None or before.key != after.key
        return frozenset({"failure"} if is_new else ())
    if was == after.state:
        return frozenset()
    if was == "failed":
        # What it said before it failed is not known here: only ok is taken for nothing new.
        return frozenset({"recovery"} if after.state == "ok" else {"recovery", "change"})
    return frozenset({"change", "recovery"} if after.state == "ok" else {"change"})


def occasion(
    before: Standing | None,
    after: Standing,
    wanted: tuple[Event, ...],
    levels: tuple[str, ...],
    remind: timedelta | None,
) -> Occasion | None:
    """Say why somebody is to be told, or ``None`` where there is no need.

    Parameters
    ----------
    before, after
        How the series stood and stands.
    wanted
        The kinds of event that somebody wants to know of.
    levels
        The verdicts that matter: one that is reached or left.
    remind
        After how long what still stands is told again; ``None`` for never.
    """
    happened = events(before, after) & set(wanted)
    through_failure = "failed" in {after.state, before.state if before else ""}
    matters = bool({after.state, before.state if before else after.state} & set(levels))
    if happened and (matters or through_failure):
        order: tuple[Event, ...] = ("failure", "recovery", "change")
        return next(each for each in order if each in happened)
    is_same = before is not None and before.key == after.key
    if is_same and after.state in STANDING and remind and before and before.told:
        return "reminder" if after.since - before.told >= remind else None
    return None
