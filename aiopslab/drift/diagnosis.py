"""Why it drifted: the causes that explain it, each with what speaks for it and against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import pandas as pd

from aiopslab.drift.comparison import Comparison
from aiopslab.drift.conditional import ENOUGH, ConditionalShift, conditional_shift
from aiopslab.drift.history import DriftHistory
from aiopslab.drift.multivariate import Multivariate
from aiopslab.drift.observations import Roles
from aiopslab.drift.performance import Performance
from aiopslab.drift.quality import Break
from aiopslab.findings import Effect

CauseName = Literal[
    "data quality", "another model", "concept", "labels", "season", "covariates", "no drift"
]
Action = Literal["ignore", "watch", "fix the data", "recalibrate", "retrain", "roll back", "keep"]

ALPHA = 0.01  # of a test of what an outcome means; there are up to three in a diagnosis
FELT = 0.03  # shift of an outcome from which it matters: of the rows, or SDs
# Breaks that leave the values of the features as they are, so that they explain no other drift.
HARMLESS = {"column is new", "duplicate rows", "order leaks"}

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


@dataclass(frozen=True)
class Diagnosis:
    """The causes of drift and what to do about it.

    Parameters
    ----------
    causes
        All of them, the one that explains most first.
    action
        What to do.
    because
        Why that, in a sentence.
    untested
        What could not be told, and what it would take.
    """

    causes: tuple[Cause, ...]
    action: Action
    because: str
    untested: tuple[str, ...]

    @property
    def cause(self) -> Cause:
        """The one that explains most."""
        return self.causes[0]

    def table(self) -> pd.DataFrame:
        """Return one row a cause: ``cause, holds, what it means, for it, against it``."""
        rows = [
            (
                each.name,
                "yes" if each.holds else "no",
                each.meaning,
                "; ".join(each.evidence_for),
                "; ".join(each.evidence_against),
            )
            for each in self.causes
        ]
        columns = ["cause", "holds", "what it means", "for it", "against it"]
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        untested = "".join(f"<li>{escape(each)}</li>" for each in self.untested)
        table = self.table().to_html(index=False, border=0)
        return (
            f'<section class="aiopslab-diagnosis"><p><strong>{escape(self.action)}</strong>: '
            f"{escape(self.because)}.</p>{table}"
            + (f"<h4>Could not be told</h4><ul>{untested}</ul>" if untested else "")
            + "</section>"
        )


def diagnose(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    comparison: Comparison,
    together: Multivariate,
    breaks: tuple[Break, ...],
    history: DriftHistory,
    performance: Performance | None,
    roles: Roles | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Find what explains the drift.

    Parameters
    ----------
    reference, current
        Observations; with a season, the reference is best of the same season.
    comparison
        Of their features, prediction, score and target, see `aiopslab.drift.compare`.
    together
        All features at once, see `aiopslab.drift.compare_jointly`.
    breaks
        See `aiopslab.drift.quality_breaks`.
    history
        See `aiopslab.drift.drift_over_time`; tells what is only the season.
    performance
        Measured by labels, against the reference; ``None`` without any.
    roles
        Which column is what.
    seed
        Of subsamples and folds.

    Returns
    -------
    Diagnosis

    Notes
    -----
    Causes are looked for in the order in which they explain one another away: broken data move
    features and outcomes; a model that was exchanged moves predictions; a changed concept or
    changed shares of the labels move outcomes given the features; the season moves features, and
    so do new cases.
    """
    named = roles or Roles()
    features = [each for each in named.features(reference) if each in current]
    broken = {each.feature for each in breaks if each.kind != "order leaks"}
    seasonal = {each.feature for each in history.features if each.season == "only the season"}
    drifted = set(comparison.drifted)
    moved = [each for each in features if each in drifted - seasonal - broken]
    sound = [each for each in features if each not in broken]
    outcome = conditional_shift(reference, current, named.target, sound, seed)
    model = conditional_shift(reference, current, named.prediction, sound, seed)
    labels_moved = named.target in drifted - seasonal
    data = _data_quality(breaks)
    another = _another_model(model, len(sound) < len(features))
    concept = _concept(outcome, labels_moved)
    labels = _labels(outcome, labels_moved)
    covariates = _covariates(moved, together, broken, outcome)
    only_season = _season(features, drifted & seasonal, moved, history)
    found = [data, another, concept, labels, covariates, only_season]
    if all(each.kind in HARMLESS for each in breaks):
        found = [*found[1:], data]
    none = _no_drift([each for each in found if each.holds])
    # What holds goes first; the order of the list is that of explaining away.
    ranked = sorted([*found, none], key=lambda each: not each.holds)
    change = None if performance is None else performance.better
    action, because = _action(ranked[0].name, change, outcome)
    return Diagnosis(tuple(ranked), action, because, _untested(named, outcome, model, current))


def _data_quality(breaks: tuple[Break, ...]) -> Cause:
    telling = [each.words for each in breaks if each.kind != "order leaks"]
    against = () if telling else ("no column, type, unit or share of missing values broke",)
    return Cause("data quality", bool(telling), tuple(telling[:5]), against)


def _another_model(model: ConditionalShift, is_broken: bool) -> Cause:
    if model.shift is None:
        return Cause("another model", False, (), ("too few predictions to tell",))
    if not _is_certain(model.p, model.shift):
        return Cause("another model", False, (), (_none(model),))
    said = f"for the same features the prediction differs by {_size(model.shift)}"
    if is_broken:
        return Cause("another model", False, (said,), ("the features that broke explain it",))
    return Cause("another model", True, (said,), ())


def _concept(outcome: ConditionalShift, labels_moved: bool) -> Cause:
    if outcome.shift is None:
        return Cause("concept", False, (), ("too few outcomes are known to tell",))
    if not _is_certain(outcome.p, outcome.shift):
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


def _labels(outcome: ConditionalShift, labels_moved: bool) -> Cause:
    if outcome.shift is None:
        return Cause("labels", False, (), ("too few outcomes are known to tell",))
    if not labels_moved:
        return Cause("labels", False, (), ("the shares of the outcomes did not move",))
    moved = "the shares of the outcomes moved"
    if not _is_certain(outcome.p, outcome.shift):
        return Cause("labels", False, (moved,), ("the features explain it",))
    if _is_of_labels(outcome):
        return Cause("labels", True, (f"{moved}, and that alone explains what changed",), ())
    if _felt(outcome.adjusted_p, outcome.adjusted) and outcome.adjusted:
        rest = f"with the shares restored outcomes still differ by {_size(outcome.adjusted)}"
    else:
        rest = "the rows of one outcome are not what such rows were"
    return Cause("labels", False, (moved,), (rest,))


def _season(
    features: list[str], seasonal: set[str], moved: list[str], history: DriftHistory
) -> Cause:
    named = [each for each in features if each in seasonal]
    if named:
        said = f"against the same season nothing moved in {_listed(named)}"
        against = (f"{_listed(moved)} moved beyond it",) if moved else ()
        return Cause("season", not moved, (said,), against)
    if all(not each.season for each in history.features):
        return Cause("season", False, (), ("no season was given to compare with",))
    return Cause("season", False, (), ("what moved, moved against the same season too",))


def _covariates(
    moved: list[str], together: Multivariate, broken: set[str], outcome: ConditionalShift
) -> Cause:
    jointly = [str(each) for each in together.measures if each.drifted]
    if not moved and broken and jointly:
        why = "no other feature moved than those that broke"
        return Cause("covariates", False, (), (why,))
    if not moved and not jointly:
        return Cause("covariates", False, (), ("no feature moved by more than matters",))
    said = [f"{_listed(moved)} moved"] if moved else [f"together the features moved: {jointly[0]}"]
    if outcome.shift is not None and not _is_certain(outcome.p, outcome.shift):
        said.append("the same features mean the same outcome")
    return Cause("covariates", True, tuple(said), ())


def _no_drift(held: list[Cause]) -> Cause:
    against = tuple(f"{each.name}: {each.evidence_for[0]}" for each in held)
    return Cause("no drift", not held, () if held else ("every test is quiet",), against)


REMEDIES: Mapping[CauseName, tuple[Action, str]] = {
    "season": ("ignore", "it is the season, and comes back every time"),
    "another model": (
        "roll back",
        "the model answers otherwise than it did, on the same features",
    ),
    "concept": ("retrain", "what the model learnt is no longer so"),
    "labels": ("recalibrate", "only the shares of the outcomes moved, which shifts every score"),
}


def _action(cause: CauseName, change: bool | None, outcome: ConditionalShift) -> tuple[Action, str]:
    """Say what to do about a cause, given whether performance is better (True) or worse (False)."""
    if cause == "data quality":
        return "fix the data", "the data broke; no model can mend that"
    if change and cause not in ("season", "no drift"):
        return "keep", "the model does better than on the reference"
    if cause in REMEDIES:
        return REMEDIES[cause]
    if cause == "no drift":
        fell = "performance fell, and nothing that was tested explains it"
        quiet = "nothing moved by more than matters"
        return ("watch", fell) if change is False else ("ignore", quiet)
    if change is False:
        return "retrain", "the model does worse on the cases that come in now"
    known = "on which the model does as well as before"
    unknown = "and without outcomes nobody knows how the model does on them"
    return "watch", f"other cases come in, {known if outcome.shift is not None else unknown}"


def _untested(
    roles: Roles, outcome: ConditionalShift, model: ConditionalShift, current: pd.DataFrame
) -> tuple[str, ...]:
    said = []
    if outcome.shift is None:
        known = int(current[roles.target].notna().sum()) if roles.target in current else 0
        said.append(
            f"Whether the concept or the labels drifted: {known} outcomes are known, at least "
            f"{ENOUGH} on either side are needed."
        )
    if model.shift is None:
        said.append(
            f"Whether another model answers: at least {ENOUGH} predictions on either side are "
            "needed."
        )
    return tuple(said)


def _is_certain(p: float, shift: Effect | None) -> bool:
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


def _listed(names: list[str], shown: int = 4) -> str:
    if len(names) > shown:
        return f"{', '.join(names[:shown])} and {len(names) - shown} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
