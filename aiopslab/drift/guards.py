"""Guard rails: who would lose by a promotion that is good for all taken together."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.calibration import calibration_error
from aiopslab.drift.kinds import kind_of
from aiopslab.drift.metrics import Measured
from aiopslab.drift.observations import Roles
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.paired import mean_gain
from aiopslab.errors import FrameError, did_you_mean

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Row = dict[str, object]

GUARDS = ["part", "name", "rows", "champion", "challenger", "gain", "low", "high", "scale"]
LEAST = 30  # labelled rows, fewer of which are no segment or class to judge by
VALUES = 10  # of a feature, the most frequent, that are a segment each
QUARTILES = 4  # of a number
RESAMPLES = 200


def class_guards(old: Outcomes, new: Outcomes, confidence: float) -> list[Row]:
    """Return the recall of every class under both models; nothing for a regression."""
    masks = [(str(name), np.asarray(old.truth == code)) for code, name in enumerate(old.classes)]
    losses = _wrong(old), _wrong(new)
    return _judged("class", masks, *losses, confidence, share=True)


def segment_guards(
    frame: pd.DataFrame,
    roles: Roles,
    segments: Sequence[str] | None,
    old: Outcomes,
    new: Outcomes,
    costs: Floats | None,
    confidence: float,
) -> list[Row]:
    """Return the accuracy, cost, or mean absolute error of every segment under both models.

    Parameters
    ----------
    frame
        Of the same rows.
    roles
        Which columns are features.
    segments
        Features to cut by; all of them where ``None``.
    old, new
        Of the same labelled rows.
    costs
        ``(truths, predictions)``.
    confidence
        That all intervals hold together (Bonferroni).

    Raises
    ------
    FrameError
        If a segment is of no feature.
    """
    features = roles.features(frame)
    chosen = features if segments is None else list(segments)
    for unknown in (each for each in chosen if each not in features):
        raise FrameError(
            f"segments are to be cut by {unknown!r}, which is no feature",
            did_you_mean(unknown, features),
        )
    masks = [each for feature in chosen for each in _segments(frame[feature], feature)]
    losses = _losses(old, costs), _losses(new, costs)
    share = old.task != "regression" and costs is None
    return _judged("segment", masks, *losses, confidence, share)


def calibration_guard(old: Outcomes, new: Outcomes, confidence: float, seed: int) -> list[Row]:
    """Return the expected calibration error of both models, where both have scores.

    It is that of the score of the positive class, or of the prediction where there are many.
    """
    known = ~np.isnan(old.score) & ~np.isnan(new.score)
    if old.task == "regression" or known.sum() < LEAST:
        return []
    pairs = [(each.score[known], _meant(each)[known]) for each in (old, new)]
    before, after = (calibration_error(*each) for each in pairs)
    rng = np.random.default_rng(seed)
    rows = int(known.sum())
    drawn = []
    for _ in range(RESAMPLES):
        some = rng.integers(rows, size=rows)
        was, now = (calibration_error(score[some], meant[some]) for score, meant in pairs)
        drawn.append(was - now)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    gain = before - after
    found = Measured(gain, min(float(low), gain), max(float(high), gain))
    return [_row("calibration", "calibration error", rows, before, after, found, 1.0)]


def _segments(values: pd.Series, feature: str) -> Iterator[tuple[str, Mask]]:
    kind = kind_of(values)
    if kind in {"datetime", "text", "embedding"}:
        return
    plain = values.astype(object).where(values.notna(), None).reset_index(drop=True)
    if kind == "numeric" and plain.nunique() > VALUES:
        numbers = pd.to_numeric(plain, errors="coerce").replace([np.inf, -np.inf], np.nan)
        cut = pd.qcut(numbers, QUARTILES, duplicates="drop")
        for part in cut.cat.categories:
            name = f"{feature} {part.left:.4g} to {part.right:.4g}"
            yield name, (cut == part).to_numpy(dtype=bool)
    else:
        words = plain.map(str, na_action="ignore")
        for value in words.value_counts().index[:VALUES]:
            yield f"{feature} = {value}", (words == value).to_numpy(dtype=bool)
    if plain.isna().any():
        yield f"{feature} is missing", plain.isna().to_numpy(dtype=bool)


def _judged(
    part: str,
    masks: Sequence[tuple[str, Mask]],
    before: Floats,
    after: Floats,
    confidence: float,
    share: bool,
) -> list[Row]:
    """Return the gain of all masks with enough rows; losses become shares that are right."""
    large = [(name, mask) for name, mask in masks if mask.sum() >= LEAST]
    usual = float(np.abs(before).mean()) if len(before) else 0.0
    scale = 1.0 if share or not usual > 0 else usual
    jointly = 1 - (1 - confidence) / max(len(large), 1)
    rows = []
    for name, mask in large:
        gain = mean_gain(before[mask] - after[mask], jointly)
        was, now = float(before[mask].mean()), float(after[mask].mean())
        was, now = (1 - was, 1 - now) if share else (was, now)
        rows.append(_row(part, name, int(mask.sum()), was, now, gain, scale))
    return rows


def _row(
    part: str, name: str, rows: int, was: float, now: float, gain: Measured, scale: float
) -> Row:
    values = (part, name, rows, was, now, gain.value, gain.low, gain.high, scale)
    return dict(zip(GUARDS, values, strict=True))


def _losses(outcomes: Outcomes, costs: Floats | None) -> Floats:
    if outcomes.task == "regression":
        return np.abs(outcomes.predicted - outcomes.truth)
    if costs is None:
        return _wrong(outcomes)
    paid: Floats = costs[outcomes.truth.astype(np.intp), outcomes.predicted.astype(np.intp)]
    return paid


def _wrong(outcomes: Outcomes) -> Floats:
    return np.asarray(outcomes.truth != outcomes.predicted, dtype=np.float64)


def _meant(outcomes: Outcomes) -> Mask:
    """Return whether what the score is the probability of came true."""
    if outcomes.task == "binary":
        return np.asarray(outcomes.truth == 1)
    return np.asarray(outcomes.truth == outcomes.predicted)
