"""What kind of thing a column holds, which decides how it is profiled and compared."""

from collections.abc import Sequence
from datetime import date
from numbers import Number
from typing import Any, Literal

import numpy as np
import pandas as pd

Kind = Literal["numeric", "categorical", "boolean", "datetime", "text", "embedding"]

LOOKED_AT = 1_000  # values that a kind is told from, spread over the column
WORDS = 3.0  # on average, above which strings are text and no names of categories
LONG = 40  # characters on average, above which strings that hardly repeat are text
HARDLY_REPEAT = 0.95  # distinct values per value
REPEATS = 5  # of a value on average, from which long strings are names of categories


def kind_of(series: pd.Series) -> Kind:
    """Tell what kind of thing a column holds.

    Parameters
    ----------
    series
        Of any dtype: numpy's, nullable, pyarrow's, categorical, strings or objects.

    Returns
    -------
    str
        ``numeric``, ``categorical``, ``boolean``, ``datetime``, ``text`` (strings of more than
        three words on average, or long ones that hardly repeat) or ``embedding`` (cells that are
        equally long lists of numbers). Strings that come five times each on average are
        categories, however long they are. A column of mixed types is categorical, and so is one
        of objects that are all missing.

    Examples
    --------
    >>> kind_of(pd.Series([1.5, None])), kind_of(pd.Series(["a", "b"]))
    ('numeric', 'categorical')
    >>> kind_of(pd.Series([[0.1, 0.2], [0.3, 0.4]]))
    'embedding'
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return "numeric"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "numeric"
    return _kind_of_cells(some_of(series))


def some_of(series: pd.Series, most: int = LOOKED_AT) -> list[Any]:
    """Return values that are there, at most so many, spread evenly over the column.

    Examples
    --------
    >>> some_of(pd.Series([None, 1.0, 2.0]))
    [1.0, 2.0]
    """
    there = np.flatnonzero(series.notna().to_numpy())
    step = max(1, -(-len(there) // most))
    return list(series.iloc[there[::step]])


def _kind_of_cells(cells: Sequence[Any]) -> Kind:
    """Tell the kind from the values themselves, where the dtype says nothing."""
    if not cells:
        return "categorical"
    if all(_is_vector(each) for each in cells) and len({len(each) for each in cells}) == 1:
        return "embedding"
    if all(isinstance(each, bool | np.bool_) for each in cells):
        return "boolean"
    if all(isinstance(each, Number) and not isinstance(each, complex) for each in cells):
        return "numeric"
    if all(isinstance(each, date | np.datetime64) for each in cells):
        return "datetime"
    return (
        "text"
        if all(isinstance(each, str) for each in cells) and _is_prose(cells)
        else ("categorical")
    )


def _is_vector(cell: object) -> bool:
    if isinstance(cell, np.ndarray):
        return cell.ndim == 1 and cell.dtype.kind in "fiu" and cell.size > 0
    if not isinstance(cell, list | tuple) or not cell:
        return False
    numbers = [each for each in cell if each is not None]
    return bool(numbers) and all(isinstance(each, int | float | np.number) for each in numbers)


def _is_prose(texts: Sequence[str]) -> bool:
    distinct = len(set(texts))
    if distinct * REPEATS <= len(texts):  # a range of salaries has many words and few values
        return False
    if np.mean([len(each.split()) for each in texts]) > WORDS:
        return True
    is_long = np.mean([len(each) for each in texts]) > LONG
    return bool(is_long and distinct > HARDLY_REPEAT * len(texts))
