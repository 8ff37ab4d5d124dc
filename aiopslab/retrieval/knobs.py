"""Knobs: what each field of a configuration does to the score, whatever the others are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.comparison import MARGIN, Contrast, Metric, compare
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.sweep import Sweep
from aiopslab.retrieval.trial import Trial

if TYPE_CHECKING:
    import plotly.graph_objects as go

Pair = tuple[Trial, Trial]

_UNTURNED = "as it is"


@dataclass(frozen=True)
class Effect:
    """What one value of a knob does against another.

    Parameters
    ----------
    knob
        The field of the configuration.
    value, against
        The two values.
    contrast
        By how much the score is better or worse with the first, over the questions.
    pairs
        Trials that differ in nothing else, of which the mean difference was taken. 0 where there
        are none: then it is between the means of all trials with either value, which may differ in
        other knobs too.
    """

    knob: str
    value: Any
    against: Any
    contrast: Contrast
    pairs: int


@dataclass(frozen=True)
class Knobs:
    """The effects of all knobs that were turned.

    Parameters
    ----------
    metric
        That they are measured in.
    questions
        How many were asked.
    effects
        The knob with the largest one first.
    """

    metric: Metric
    questions: int
    effects: tuple[Effect, ...]

    def table(self) -> pd.DataFrame:
        """Return one row an effect.

        Returns
        -------
        pandas.DataFrame
            ``knob, value, against, effect, low, high, q, pairs, outcome``; ``pairs`` of 0 says that
            other knobs may have a part in it.
        """
        columns = ["knob", "value", "against", "effect", "low", "high", "q", "pairs", "outcome"]
        rows = [
            (
                each.knob,
                _said(each.value),
                _said(each.against),
                each.contrast.difference,
                each.contrast.low,
                each.contrast.high,
                each.contrast.q,
                each.pairs,
                each.contrast.outcome,
            )
            for each in self.effects
        ]
        return pd.DataFrame(rows, columns=columns)

    def figure(self) -> "go.Figure":
        """Draw the effects with their intervals, a panel a knob."""
        from aiopslab.charts.knobs import knob_forest

        return knob_forest(
            self.table(),
            f"What each knob does to {self.metric.name}",
            self.metric.name,
            self.metric.margin,
        )


def knobs(sweep: Sweep, margin: float = MARGIN, confidence: float = 0.95, seed: int = 0) -> Knobs:
    """Measure what each knob does, out of the trials of a sweep.

    Parameters
    ----------
    sweep
        Whose trials were asked the same questions.
    margin
        The largest difference in the deciding score that does not matter.
    confidence
        Of the intervals; an effect is shown at one less this, over all effects together.
    seed
        Of the resampling.

    Returns
    -------
    Knobs
        For every field that takes several values among the trials, each value against that of the
        current configuration; where that one says nothing of the field, against the value that most
        trials have. Two trials are a pair where one becomes the other by that field alone.

    Raises
    ------
    RetrievalError
        If no knob was turned.

    Notes
    -----
    The mean over pairs is the main effect of a factorial design: where a knob does one thing with
    one value of another and something else with another, it is what they come to on average.
    Questions are the units: each gives the mean of its own differences over all pairs, and the
    interval and the correction by Holm's method are those of `compare`.
    """
    turned = list(_turned(sweep.trials))
    if not turned:
        raise RetrievalError(
            f"the sweep tried {len(sweep.trials)} configurations, and no field took two values",
            "Name a space with at least two values of a field.",
        )
    metric = Metric(sweep.metric, margin=margin)
    # Differences are compared with none at all, so that one correction is over all of them.
    differences = {str(at): each.differences(metric.name) for at, each in enumerate(turned)}
    table = pd.DataFrame({_UNTURNED: 0.0, **differences}).rename_axis("question").reset_index()
    scores = table.melt("question", var_name="configuration", value_name="score")
    scores = scores.assign(metric=metric.name)
    contrasts = compare(scores, _UNTURNED, [metric], confidence, seed).contrasts
    effects = [
        Effect(each.knob, each.value, each.against, contrast, len(each.pairs))
        for each, contrast in zip(turned, contrasts, strict=True)
    ]
    sizes: dict[str, float] = {}
    for effect in effects:
        size = abs(float(np.nan_to_num(effect.contrast.difference)))
        sizes[effect.knob] = max(size, sizes.get(effect.knob, 0.0))
    effects.sort(key=lambda each: -sizes[each.knob])
    return Knobs(metric, len(table), tuple(effects))


@dataclass(frozen=True)
class _Turn:
    """Trials with one value of a knob, those with the other, and which of them are pairs."""

    knob: str
    value: Any
    against: Any
    some: Sequence[Trial]
    others: Sequence[Trial]
    pairs: Sequence[Pair]

    def differences(self, metric: str) -> "pd.Series[float]":
        """Return the difference of each question."""
        some, others = zip(*self.pairs, strict=True) if self.pairs else (self.some, self.others)
        one, other = (
            pd.concat([each.scores[metric] for each in trials], axis=1).mean(axis=1)
            for trials in (some, others)
        )
        difference: pd.Series[float] = one - other
        return difference


def _turned(trials: Sequence[Trial]) -> Iterator[_Turn]:
    """Yield the values of each knob with the one that they are held against."""
    for name in (each.name for each in fields(Configuration)):
        groups = _by_value(trials, name)
        if len(groups) < 2:
            continue
        now = repr(getattr(trials[0].configuration, name))
        if trials[0].name not in [each.name for each in groups.get(now, [])]:
            now = max(groups, key=lambda each: len(groups[each]))
        others = groups.pop(now)
        against = getattr(others[0].configuration, name)
        for some in groups.values():
            value = getattr(some[0].configuration, name)
            pairs = _pairs(trials, name, some, others)
            yield _Turn(name, value, against, some, others, pairs)


def _by_value(trials: Sequence[Trial], name: str) -> dict[str, list[Trial]]:
    """Return the trials by the value of a knob, but for those in which it makes no difference."""
    values = {repr(value): value for value in (getattr(t.configuration, name) for t in trials)}
    groups: dict[str, list[Trial]] = {}
    for key in sorted(values, key=lambda each: _order(values[each])):
        some = [
            each
            for each in trials
            if repr(getattr(each.configuration, name)) == key
            and any(_with(each, name, other) != each.name for other in values.values())
        ]
        if some:
            groups[key] = some
    return groups


def _pairs(
    trials: Sequence[Trial], name: str, some: Sequence[Trial], others: Sequence[Trial]
) -> list[Pair]:
    """Return the trials that become one another by one knob, whichever of them it is turned in."""
    tried = {each.name: each for each in trials}
    value, against = (getattr(each[0].configuration, name) for each in (some, others))
    names = [(each.name, _with(each, name, against)) for each in some]
    names += [(_with(other, name, value), other.name) for other in others]
    return [
        (tried[one], tried[other])
        for one, other in dict.fromkeys(names)
        if one in tried and other in tried
    ]


def _with(trial: Trial, name: str, value: Any) -> str:
    """Return what the configuration is called with another value; nothing where it cannot be."""
    try:
        return trial.configuration.with_(**{name: value}).name
    except RetrievalError:
        return ""


def _order(value: Any) -> tuple[bool, Any]:
    """Sort numbers by size, and anything else as it came."""
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else 0


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in sorted(value.items())) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
