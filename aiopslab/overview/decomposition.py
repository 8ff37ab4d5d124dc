"""The decomposition of a shift: how much of it goes through each layer, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Interval
from aiopslab.overview.causes import CauseLayer
from aiopslab.overview.decomposition_features import (
    ORDER,
    call_features,
    observation_features,
)
from aiopslab.overview.decomposition_paths import contributions
from aiopslab.overview.shift import Outcome, Shift
from aiopslab.wording import listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = [
    *("layer", "share", "low", "high", "contribution", "contribution_low", "contribution_high"),
    "how",
]
ENOUGH = 20  # rows on each side
LITTLE = 0.1  # share of what is not separable, up to which it may be left aside
UNEXPLAINED = "unexplained"
MEASURES: Mapping[str, str] = {
    "helpful answers": "feedback",
    "grounded answers": "groundedness",
    "score of the answers": "score",
    "cost a query": "cost_usd",
}
THROUGH: Mapping[str, str] = {
    "questions": "the mix of what is asked",
    "infrastructure": "what came too late, or not at all",
    "classifier": "predictions that were right, and how sure",
    "index": "the documents that were found",
    "prompt": "the version of the prompt and its length",
    "language model": "the version of the model and the length of its answers",
    UNEXPLAINED: "what is not recorded of a call",
}


@dataclass(frozen=True)
class Part:
    """What went through one layer.

    Parameters
    ----------
    layers
        One, or several that cannot be told apart since they changed at one time.
    effect
        Of the outcome, in its unit; the interval of the resamples.
    how
        Through what.
    """

    layers: tuple[str, ...]
    effect: Effect
    how: str

    @property
    def name(self) -> str:
        """As it is shown."""
        told = listed(self.layers)
        return f"{told} (not separable)" if len(self.layers) > 1 else told


@dataclass(frozen=True, repr=False)
class Decomposition:
    """A shift as a sum over layers.

    Parameters
    ----------
    outcome
        Which.
    total
        The whole difference that is decomposed; ``None`` where it cannot be.
    parts
        The largest first; they add up to the total.
    notes
        What a reader should know; why not, where it is not decomposed.
    """

    outcome: Outcome
    total: Effect | None
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    def share(self, layer: CauseLayer) -> Effect | None:
        """Return the share of the shift that goes through a layer; ``None`` where not known.

        What it cannot be told apart from, and more than a tenth goes through, may be its own.
        """
        shared = [part for part in self.parts if layer in part.layers and len(part.layers) > 1]
        if any(abs(self._share(part).value) > LITTLE for part in shared):
            return None
        own = next((part for part in self.parts if part.layers == (layer,)), None)
        return None if own is None else self._share(own)

    def table(self) -> pd.DataFrame:
        """Return one row a part: shares of the whole, and the same in the unit of the outcome."""
        rows = []
        for part in self.parts:
            share, own = self._share(part), part.effect.interval
            within = share.interval
            assert own is not None and within is not None
            bounds = (within.low, within.high, part.effect.value, own.low, own.high)
            rows.append((part.name, share.value, *bounds, part.how))
        return pd.DataFrame(rows, columns=COLUMNS)

    def figure(self) -> "go.Figure":
        """Draw how the parts lead from what was to what is."""
        from aiopslab.overview.decomposition_drawing import waterfall

        return waterfall(self)

    def _share(self, part: Part) -> Effect:
        assert self.total is not None and part.effect.interval is not None
        whole = self.total.value
        ends = sorted(
            each / whole for each in (part.effect.interval.low, part.effect.interval.high)
        )
        interval = Interval(ends[0], ends[1], part.effect.interval.confidence)
        return Effect(
            f"share of the change of {self.outcome}", part.effect.value / whole, "", interval
        )

    def __repr__(self) -> str:
        told = [f"{part.name} {self._share(part).value:.2f}" for part in self.parts[:3]]
        return f"Decomposition({self.outcome}: {', '.join(told) or 'none'})"

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, border=0)


def decompose(
    shift: Shift,
    calls: pd.DataFrame,
    observations: pd.DataFrame,
    onset: pd.Timestamp,
    gap: pd.Timedelta,
    confidence: float = 0.95,
    seed: int = 0,
    few: CauseLayer = "index",
) -> Decomposition:
    """Split the shift of an outcome over the layers that a question goes through.

    Parameters
    ----------
    shift
        That moved.
    calls, observations
        As `call_rows` and `observation_rows` return them.
    onset, gap
        When, and the time about it that is left out.
    confidence
        Of the intervals.
    seed
        Of the resampling.
    few
        Layer that fewer documents are told of, see `call_features`.

    Notes
    -----
    See `aiopslab.overview.decomposition_paths.contributions`. It holds as far as the layers act
    one after the other, linearly, and what is not recorded did not move with what is: a version
    that was replaced at the onset cannot be told from anything else that came then, nor from a
    second such version, which is said.
    """
    rows, values, features, switched = _prepared(shift, calls, observations, onset, gap, few)
    if features is None or rows is None or values is None:
        why = f"No single rows tell of {shift.measure}: time, topology and changes have to speak."
        return Decomposition(shift.outcome, None, notes=(why,))
    late = (rows["timestamp"] >= onset).to_numpy()
    if min(late.sum(), (~late).sum()) < ENOUGH:
        why = (
            f"Not enough data to decompose: {int((~late).sum())} rows before and "
            f"{int(late.sum())} after, at least {ENOUGH} each would be enough."
        )
        return Decomposition(shift.outcome, None, notes=(why,))
    layers = features.columns.get_level_values(0).to_numpy()
    place = np.array([ORDER.index(each) for each in layers], dtype=int)
    order = np.argsort(place, kind="stable")
    told, drawn = contributions(features.to_numpy()[:, order], values, late, seed)
    total = float(values[late].mean() - values[~late].mean())
    if not total:
        return Decomposition(shift.outcome, None, notes=("The two sides have the same mean.",))
    names = [*(str(each) for each in layers[order]), UNEXPLAINED]
    groups, notes = _groups(names, switched, shift.outcome)
    parts = [
        _part(each, groups, told, drawn, shift.unit, confidence) for each in dict.fromkeys(groups)
    ]
    parts.sort(key=lambda each: -abs(each.effect.value))
    whole = Effect(f"change of {shift.measure}", total, shift.unit)
    return Decomposition(shift.outcome, whole, tuple(parts), notes)


def _prepared(
    shift: Shift,
    calls: pd.DataFrame,
    observations: pd.DataFrame,
    onset: pd.Timestamp,
    gap: pd.Timedelta,
    few: CauseLayer,
) -> tuple[pd.DataFrame | None, np.ndarray | None, pd.DataFrame | None, set[CauseLayer]]:
    """Return the rows, what they came to, what they met, and the layers that switched."""
    if shift.outcome == "accuracy":
        column, rows = "right", observations
    elif shift.measure in MEASURES:
        column, rows = MEASURES[shift.measure], calls
    else:
        return None, None, None, set()
    if column not in rows:
        return None, None, None, set()
    rows = rows[(rows["timestamp"] - onset).abs() > gap]
    known = pd.to_numeric(rows[column], errors="coerce").astype(float)
    rows = rows[known.notna()].reset_index(drop=True)
    values = known[known.notna()].to_numpy()
    if shift.outcome == "accuracy":
        return rows, values, observation_features(rows), set()
    late = (rows["timestamp"] >= onset).to_numpy()
    if column == "score":
        rows = rows.drop(columns="score")
    features, switched = call_features(rows, late, few)
    return rows, values, features, switched


def _groups(
    names: Sequence[str], switched: set[CauseLayer], outcome: Outcome
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the layers that each column counts for, and what to say of it."""
    if outcome == "accuracy":
        # With the same questions, what the predictions came to is the model's own.
        return [("classifier",) if each == UNEXPLAINED else (each,) for each in names], ()
    if not switched:
        return [(each,) for each in names], ()
    both = tuple(each for each in ORDER if each in switched)
    # The version cannot be told from the time: what is left with all else as it was is its own,
    # and so is the length of an answer.
    lengths = {"language model"} if {"prompt", "language model"} & switched else set()
    own = {UNEXPLAINED, *lengths, *switched}
    notes = [
        f"Of the {listed(both)} all was replaced at the onset: what that did cannot be told from "
        "anything else that came with it and is not recorded."
    ]
    if len(both) > 1:
        notes.append(f"{listed(both).capitalize()} changed at one time and are not separable.")
    return [both if each in own else (each,) for each in names], tuple(notes)


def _part(
    layers: tuple[str, ...],
    groups: Sequence[tuple[str, ...]],
    told: np.ndarray,
    drawn: np.ndarray,
    unit: str,
    confidence: float,
) -> Part:
    columns = [place for place, each in enumerate(groups) if each == layers]
    value = float(told[columns].sum())
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.quantile(drawn[:, columns].sum(axis=1), tails)
    interval = Interval(min(float(low), value), max(float(high), value), confidence)
    how = "; ".join(THROUGH[each] for each in layers)
    return Part(layers, Effect(f"through {listed(layers)}", value, unit, interval), how)
