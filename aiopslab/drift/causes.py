"""The causes that drift may have, each with what speaks for it and against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiopslab.drift.conditional import ConditionalShift
from aiopslab.drift.history import DriftHistory
from aiopslab.drift.multivariate import Multivariate
from aiopslab.drift.quality import Break
from aiopslab.findings import Effect
from aiopslab.wording import listed

CauseName = Literal[
    "data quality", "another model", "concept", "labels", "season", "covariates", "no drift"
]

ALPHA = 0.01  # of one test; there are several in a diagnosis, and any of them may name a cause
SHOWN = 4  # features and breaks that are named
FELT = 0.03  # shift of an outcome from which it matters: of the rows, or SDs

MEANING: Mapping[CauseName, str] = {
    "data quality": "the data broke, not the world that they describe",
    "another model": "the same features get another prediction than before",
    "concept": "the same features mean another outcome than before",
    "labels": "outcomes are more or less frequent, and otherwise as before",
    "season": "it is what this time of the season looks like",
    "covariates": "other cases come in, which mean what such cases always meant",
    "no drift": "nothing moved by more than chance and more than matters",
}


@dataclass(frozen=True)
class Cause:
    """One explanation.

    Parameters
    ----------
    name
        Which.
    holds
        Whether the evidence is for it.
    evidence_for, evidence_against
        Sentences.
    """

    name: CauseName
    holds: bool
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """What it means, in words."""
        return MEANING[self.name]


def data_quality(breaks: tuple[Break, ...], seasonal: tuple[Break, ...] = ()) -> Cause:
    """Judge breaks of the data, those left out that the season explains."""
    against = tuple(f"{each.words}, as in this season before" for each in seasonal[:SHOWN])
    if not breaks:
        against += ("no column, type, unit or share of missing values broke",)
    return Cause(
        "data quality", bool(breaks), tuple(each.words for each in breaks[:SHOWN]), against
    )


def another_model(model: ConditionalShift, is_broken: bool) -> Cause:
    """Judge predictions given the features."""
    if model.shift is None:
        return Cause("another model", False, (), ("too few predictions to tell",))
    if not is_certain(model.p, model.shift):
        return Cause("another model", False, (), (_none(model),))
    said = f"for the same features the prediction differs by {_size(model.shift)}"
    if is_broken:
        return Cause("another model", False, (said,), ("the features that broke explain it",))
    return Cause("another model", True, (said,), ())


def concept(outcome: ConditionalShift, labels_moved: bool) -> Cause:
    """Judge outcomes given the features."""
    if outcome.shift is None:
        return Cause("concept", False, (), ("too few outcomes are known to tell",))
    if not is_certain(outcome.p, outcome.shift):
        return Cause("concept", False, (), (_none(outcome),))
    if labels_moved and _is_of_labels(outcome):
        gone = "with the shares of the outcomes restored nothing differs"
        return Cause("concept", False, (), (gone,))
    said = f"for the same features the outcome differs by {_size(outcome.shift)}"
    return Cause("concept", True, (said,), ())


def _is_of_labels(outcome: ConditionalShift) -> bool:
    """Tell whether what differs vanishes with the shares restored, and each class is as before."""
    return not _felt(outcome.adjusted_p, outcome.adjusted) and not _felt(
        outcome.within_p, outcome.within
    )


def labels(outcome: ConditionalShift, labels_moved: bool) -> Cause:
    """Judge the shares of the outcomes."""
    if outcome.shift is None:
        return Cause("labels", False, (), ("too few outcomes are known to tell",))
    if not labels_moved:
        return Cause("labels", False, (), ("the shares of the outcomes did not move",))
    moved = "the shares of the outcomes moved"
    if not is_certain(outcome.p, outcome.shift):
        return Cause("labels", False, (moved,), ("the features explain it",))
    if _is_of_labels(outcome):
        return Cause("labels", True, (f"{moved}, and that alone explains what changed",), ())
    if _felt(outcome.adjusted_p, outcome.adjusted) and outcome.adjusted:
        rest = f"with the shares restored outcomes still differ by {_size(outcome.adjusted)}"
    else:
        rest = "the rows of one outcome are not what such rows were"
    return Cause("labels", False, (moved,), (rest,))


def season(seasonal: list[str], moved: list[str], history: DriftHistory) -> Cause:
    """Judge what against all seasons moved, and against the same one did not."""
    if seasonal:
        said = f"against the same season nothing moved in {listed(seasonal, SHOWN)}"
        against = (f"{listed(moved, SHOWN)} moved beyond it",) if moved else ()
        return Cause("season", not moved, (said,), against)
    if all(not each.season for each in history.features):
        return Cause("season", False, (), ("no season was given to compare with",))
    return Cause("season", False, (), ("what moved, moved against the same season too",))


def covariates(
    moved: list[str], together: Multivariate, is_broken: bool, outcome: ConditionalShift
) -> Cause:
    """Judge the features, each and together."""
    jointly = [str(each) for each in together.measures if each.p <= ALPHA and each.matters]
    if not moved and is_broken and jointly:
        why = "no other feature moved than those that broke"
        return Cause("covariates", False, (), (why,))
    if not moved and not jointly:
        return Cause(
            "covariates", False, (), ("no feature moved by more than matters, beyond doubt",)
        )
    said = (
        [f"{listed(moved, SHOWN)} moved"]
        if moved
        else [f"together the features moved: {jointly[0]}"]
    )
    if outcome.shift is not None and not is_certain(outcome.p, outcome.shift):
        said.append("the same features mean the same outcome")
    return Cause("covariates", True, tuple(said), ())


def no_drift(held: list[Cause]) -> Cause:
    """Conclude that nothing drifted where no other cause holds."""
    against = tuple(f"{each.name}: {each.evidence_for[0]}" for each in held)
    return Cause("no drift", not held, () if held else ("every test is quiet",), against)


def is_certain(p: float, shift: Effect | None) -> bool:
    """Tell whether it matters, at the least that it may be.

    Trees are never quite right, and what they miss differs a little where other cases come in.
    """
    if shift is None or shift.interval is None or p >= ALPHA:
        return False
    return min(abs(shift.interval.low), abs(shift.interval.high)) >= FELT


def _felt(p: float, shift: Effect | None) -> bool:
    return shift is not None and p < ALPHA and abs(shift.value) >= FELT


def _size(shift: Effect) -> str:
    assert shift.interval is not None
    low, high = shift.interval.low, shift.interval.high
    if shift.unit == "of the rows":
        return f"{100 * shift.value:.1f} points ({100 * low:.1f} to {100 * high:.1f})"
    return f"{shift.value:.2f} SD ({low:.2f} to {high:.2f})"


def _none(outcome: ConditionalShift) -> str:
    assert outcome.shift is not None
    return f"for the same features nothing differs by more than {_size(outcome.shift)}"
