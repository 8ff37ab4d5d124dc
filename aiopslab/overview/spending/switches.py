"""Switches: another model or another prompt, of those that were recorded, for the calls of one."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.saving import Kind
from aiopslab.overview.spending.stretches import Floats, Ints
from aiopslab.prompts.changes import ENOUGH

Bools = npt.NDArray[np.bool_]

KINDS: dict[str, Kind] = {"model": "cheaper model", "prompt_version": "shorter prompt"}
SUBJECTS, ALTERNATIVES, STRATA = 4, 8, 20  # at most, those with the most money and calls
_VERSION = re.compile(r"[-_/.:@ ]*v?[0-9][0-9.]*$", re.IGNORECASE)
LATELY = 0.1  # of the time: what was not called since is not in use


@dataclass(frozen=True)
class Switch:
    """Calls of one, answered by another.

    Parameters
    ----------
    column
        ``model`` or ``prompt_version``.
    before, after
        What is in use, and what would be.
    strata
        The number of what else was alike for each call, ``(calls,)``: prompt version or model, and
        route. Below 0 where the two were not both called in it.
    is_before, is_after
        Which calls are of either, in those strata.
    is_together
        Whether both were called in the same stretches of time, at least in part.
    """

    column: str
    before: str
    after: str
    strata: Ints
    is_before: Bools
    is_after: Bools
    is_together: bool

    @property
    def kind(self) -> Kind:
        """What it is called."""
        return KINDS[self.column]

    def sums(self, ledger: Ledger, spared: Bools) -> Floats:
        """Return what is needed to work out what it saves, by stretch of time.

        Parameters
        ----------
        spared
            Calls that something else spares, ``(calls,)``; they cannot be switched, too.

        Returns
        -------
        ndarray
            ``(stretches, strata, 4)``: calls and money of those in use, calls and money of the
            alternative; only of calls with a known cost.
        """
        size = int(self.strata.max()) + 1
        parts: list[Floats] = []
        for mask in (self.is_before & ~spared, self.is_after):
            groups = np.where(mask & ledger.known, self.strata, -1)
            parts += ledger.stretches.sums(ledger.cost, groups, size)
        return np.stack(parts, axis=-1)

    def totals(self, ledger: Ledger) -> Floats:
        """Return the same over all time, ``(strata, 4)``, without anything spared."""
        parts = []
        for mask in (self.is_before, self.is_after):
            at = np.flatnonzero(mask & ledger.known)
            size, strata = int(self.strata.max()) + 1, self.strata[at]
            parts += [
                np.bincount(strata, each, size) for each in (np.ones(len(at)), ledger.cost[at])
            ]
        return np.stack(parts, axis=-1).astype(np.float64)


def saved(means: Floats) -> Floats:
    """Return what a switch saves, ``(…, strata, 4)`` to ``(…)``, see `Switch.sums`.

    Examples
    --------
    >>> float(saved(np.array([[10.0, 5.0, 4.0, 1.0]])))
    2.5
    """
    calls, money, others, theirs = np.moveaxis(means, -1, 0)
    # A stratum that a sample has no call of says nothing about it.
    instead = np.divide(calls * theirs, others, out=np.full_like(calls, np.nan), where=others > 0)
    return np.asarray(np.where(calls > 0, money - instead, 0.0).sum(axis=-1), np.float64)


def switches(ledger: Ledger, column: str) -> tuple[tuple[Switch, ...], str]:
    """Find what could be switched to something cheaper that was recorded.

    Parameters
    ----------
    ledger
        The calls.
    column
        ``model`` or ``prompt_version``.

    Returns
    -------
    tuple
        Each in use with each that cost less a call where both were called, of prompts those of one
        name; and where there is none
        for want of records, the one in use that costs the most, else an empty text.
    """
    codes, names = ledger.codes(column)
    known = ledger.known
    if not known.any():
        return (), ""
    size = len(names)
    money = np.bincount(codes, np.nan_to_num(ledger.cost), minlength=size)
    counts = np.bincount(codes[known], minlength=size)
    last = ledger.stretches.number >= ledger.stretches.count * (1 - LATELY)
    used = np.bincount(codes[last], minlength=size) > 0
    subjects = [each for each in np.argsort(-money, kind="stable") if used[each] and money[each]]
    others = [each for each in np.argsort(-counts, kind="stable") if counts[each] >= ENOUGH]
    strata, _ = ledger.codes(*_beside(ledger, column))
    found, was_compared = [], False
    for one in subjects[:SUBJECTS]:
        for other in others[:ALTERNATIVES]:
            told = [str(names[column].iloc[each]) for each in (one, other)]
            if other == one or not _does_the_same(column, *told):
                continue
            switch = _switch(
                ledger, column, (told[0], told[1]), codes == one, codes == other, strata
            )
            if switch is None:
                continue
            was_compared = True
            if float(saved(switch.totals(ledger))) > 0:
                found.append(switch)
    lacking = str(names[column].iloc[subjects[0]]) if subjects and not was_compared else ""
    return tuple(found), lacking


def _does_the_same(column: str, one: str, other: str) -> bool:
    """Whether one could stand in for the other: a prompt for one of the same name only.

    A version is a name and a number, such as ``support/7``, ``answer-v3``, or a number alone.
    """
    return column == "model" or _VERSION.sub("", one) == _VERSION.sub("", other)


def _beside(ledger: Ledger, column: str) -> list[str]:
    others = ("model", "prompt_version", "route")
    return [each for each in others if each != column and each in ledger.dimensions]


def _switch(
    ledger: Ledger, column: str, names: tuple[str, str], one: Bools, other: Bools, strata: Ints
) -> Switch | None:
    """Return a switch over the strata with enough calls of both; ``None`` where none has."""
    size = int(strata.max()) + 1
    told = ledger.known
    counts = [np.bincount(strata[mask & told], minlength=size) for mask in (one, other)]
    weight = np.bincount(strata[one], np.nan_to_num(ledger.cost[one]), minlength=size)
    enough = np.flatnonzero(np.minimum(*counts) >= ENOUGH)
    chosen = enough[np.argsort(-weight[enough], kind="stable")][:STRATA]
    if not len(chosen):
        return None
    place = np.full(size, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    kept = place[strata]
    stretches = [np.unique(ledger.stretches.number[mask & (kept >= 0)]) for mask in (one, other)]
    is_together = bool(len(np.intersect1d(stretches[0], stretches[1])) > 1)
    return Switch(column, *names, kept, one & (kept >= 0), other & (kept >= 0), is_together)
