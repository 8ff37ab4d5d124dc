"""What segments of a drift and of a loss of performance are to differ in."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.contrast import Contrast, MeanContrast, ShareContrast
from aiopslab.drift.observations import Roles, task_of
from aiopslab.errors import FrameError

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

CLASSES = 10  # that predictions may have to be followed one by one, else they are numbers
NEEDED = 200  # rows of each side, to search and to confirm


def known_rows(contrast: Contrast) -> float:
    """Return how many rows have an outcome, of the side that has fewer and has any."""
    if isinstance(contrast, ShareContrast):
        return math.inf
    known = ~np.isnan(contrast.outcome)
    counts = [int(known[side].sum()) for side in (~contrast.is_current, contrast.is_current)]
    return min(counts) if contrast.has_reference else counts[1]


def outcomes_of(frame: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Return the columns that say how the model did, as objects, so that dtypes may differ."""
    columns = [roles.prediction, roles.score, roles.target]
    return frame[[each for each in columns if each in frame]].astype(object)


def moves(rows: pd.DataFrame, is_current: Booleans, roles: Roles) -> Iterator[Contrast]:
    """Yield what may have moved in a segment: its share of rows, and the means of the outcomes."""
    yield ShareContrast(is_current)
    for column in (roles.prediction, roles.score, roles.target):
        if column not in rows:
            continue
        for what, outcome in _outcomes(rows[column].infer_objects(), column):
            known = ~np.isnan(outcome)
            scale = float(np.nanstd(outcome)) if known.any() else 0.0
            enough = min(int(known[side].sum()) for side in (is_current, ~is_current)) >= NEEDED
            if enough and scale > 0:
                yield MeanContrast(is_current, outcome, what, "SD", scale, False)


def _outcomes(values: pd.Series, column: str) -> Iterator[tuple[str, Floats]]:
    known = values.dropna()
    is_number = pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known)
    if is_number and known.nunique() > CLASSES:
        yield f"mean {column}", values.to_numpy(dtype=np.float64, na_value=np.nan)
        return
    spelled = _spelled(values)
    names = spelled.value_counts()
    # Of two classes one says it all; the rarest of more are not followed.
    followed = [max(names.index)] if len(names) == 2 else names.index[:CLASSES]
    for name in followed if len(names) > 1 else []:
        is_it = (spelled == name).to_numpy(dtype=np.float64)
        yield f"share of {column} {name}", np.where(values.isna(), np.nan, is_it)


def losses(rows: pd.DataFrame, is_current: Booleans, roles: Roles) -> Iterator[Contrast]:
    """Yield how wrong each row is, where that is known."""
    for column in (roles.prediction, roles.target):
        if column not in rows or not rows.loc[is_current, column].notna().any():
            raise FrameError(
                f"the current rows have no {column!r}, and a loss of performance cannot be told",
                "Give predictions and targets, or search with of='drift'.",
            )
    said, truth = (rows[each].infer_objects() for each in (roles.prediction, roles.target))
    unknown = (said.isna() | truth.isna()).to_numpy()
    if task_of(rows.assign(**{roles.prediction: said, roles.target: truth}), roles) == "regression":
        numbers = [pd.to_numeric(each, errors="coerce") for each in (said, truth)]
        error = np.abs((numbers[0] - numbers[1]).to_numpy(dtype=np.float64, na_value=np.nan))
        yield MeanContrast(is_current, error, "mean absolute error", "absolute error", 1.0, True)
        return
    differs = (_spelled(said) != _spelled(truth)).to_numpy(dtype=np.float64)
    wrong: Floats = np.where(unknown, np.nan, differs)
    yield MeanContrast(is_current, wrong, "error rate", "error rate", 1.0, True)


def _spelled(values: pd.Series) -> pd.Series:
    """Return classes in one spelling: 1, 1.0, True, "1" and "true" are the same."""
    known = values.dropna().unique()
    return values.map({each: _word(str(each)) for each in known})


def _word(name: str) -> str:
    truth = {"true": "1", "false": "0"}.get(name.casefold(), name)
    return truth.removesuffix(".0")
