"""Why it drifted: the cause that explains most, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import pandas as pd

from aiopslab.drift import causes
from aiopslab.drift.causes import ALPHA, Cause, CauseName
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.conditional import ENOUGH, ConditionalShift, conditional_shift
from aiopslab.drift.history import DriftHistory
from aiopslab.drift.multivariate import Multivariate
from aiopslab.drift.observations import Roles
from aiopslab.drift.performance import Performance
from aiopslab.drift.quality import ORDERED, Break
from aiopslab.drift.units import is_natural

Action = Literal["ignore", "watch", "fix the data", "recalibrate", "retrain", "roll back", "keep"]


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
    features and outcomes, and rows that repeat make chance look certain; a model that was exchanged
    moves predictions; a changed concept or changed shares of the labels move outcomes given the
    features; the season moves features, and so do new cases.
    """
    named = roles or Roles()
    features = [each for each in named.features(reference) if each in current]
    moved, seasonal = _movement(comparison, history)
    telling = tuple(each for each in breaks if not _is_standing(each))
    by_season = tuple(each for each in telling if each.feature in seasonal and _is_of_values(each))
    telling = tuple(each for each in telling if each not in by_season)

    def explained(column: str, breaks: tuple[Break, ...]) -> ConditionalShift:
        broken = {each.feature for each in breaks}
        sound = [each for each in features if each not in broken]
        # Only of a shift of the target is it asked whether the labels alone explain it.
        restoring = column == named.target
        return conditional_shift(reference, current, column, sound, seed, restoring)

    outcome = explained(named.target, telling)
    others = tuple(each for each in telling if not _may_be_natural(each))
    if len(others) < len(telling):
        # Numbers that grew look like another unit. A unit moves one feature and not the others,
        # and only real numbers explain what came true.
        alone = moved.isdisjoint(set(features) - {each.feature for each in telling})
        if not alone or causes.is_certain(outcome.p, outcome.shift):
            real = explained(named.target, others)
            if not alone or not causes.is_certain(real.p, real.shift):
                telling, outcome = others, real
    model = explained(named.prediction, telling)
    broken = {each.feature for each in telling}
    is_broken = not broken.isdisjoint(named.features(reference))
    others_moved = [each for each in features if each in moved - broken]
    labels_moved = named.target in moved
    found = [
        causes.data_quality(telling, by_season),
        causes.another_model(model, is_broken),
        causes.concept(outcome, labels_moved),
        causes.labels(outcome, labels_moved),
        causes.covariates(others_moved, together, is_broken, outcome),
        causes.season([each for each in features if each in seasonal], others_moved, history),
    ]
    if all(each.kind == "column is new" for each in telling):
        # It leaves the other columns as they were, so that it explains no other drift.
        found = [*found[1:], found[0]]
    none = causes.no_drift([each for each in found if each.holds])
    # What holds goes first; the order of the list is that of explaining away.
    ranked = sorted([*found, none], key=lambda each: not each.holds)
    change = None if performance is None else performance.better
    action, because = _action(ranked[0].name, change, outcome)
    return Diagnosis(tuple(ranked), action, because, _untested(named, outcome, model, current))


def _movement(comparison: Comparison, history: DriftHistory) -> tuple[set[str], set[str]]:
    """Return which features moved, and which only against other seasons.

    Where the reference holds the season, a feature moved if it did against the same season.
    """
    certain = {each.feature for each in comparison.features if each.drifted and each.q <= ALPHA}
    known = {each.feature: each for each in history.features if each.season}
    beyond = {name for name, each in known.items() if each.drifted and each.q <= ALPHA}
    return beyond | (certain - set(known)), certain & set(known) - beyond


def _is_standing(each: Break) -> bool:
    """Tell whether a break was there before: it is worth a word, and explains no drift."""
    return each.kind == "order leaks" and each.before >= ORDERED


def _may_be_natural(each: Break) -> bool:
    return each.kind == "unit changed" and is_natural(each.after)


def _is_of_values(each: Break) -> bool:
    """Tell whether a break is one of values, which the season may bring."""
    return each.feature != "" and each.kind not in ("column is missing", "type changed")


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
        of_both = known >= ENOUGH and max(outcome.rows) > 0
        known, of = (
            (min(outcome.rows), " of cases that both sides have") if of_both else (known, "")
        )
        said.append(
            f"Whether the concept or the labels drifted: {known} outcomes{of} are known, at least "
            f"{ENOUGH} on either side are needed."
        )
    if model.shift is None:
        said.append(
            f"Whether another model answers: at least {ENOUGH} predictions on either side are "
            "needed."
        )
    return tuple(said)
