"""Places: rows numbered by what stands in some columns, so that numpy counts and sums them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]


class Places(NamedTuple):
    """What stands in some columns of two tables, each of it once.

    Parameters
    ----------
    names
        One row a place, sorted, with those columns.
    before, after
        The number of the place of each row of the two tables; -1 where a column has nothing.
    """

    names: pd.DataFrame
    before: Ints
    after: Ints


def places(before: pd.DataFrame, after: pd.DataFrame, columns: list[str]) -> Places:
    """Number the rows of two tables by what stands in some columns.

    Examples
    --------
    >>> found = places(pd.DataFrame({"a": ["y", "x"]}), pd.DataFrame({"a": ["y", None]}), ["a"])
    >>> found.names["a"].tolist(), found.before.tolist(), found.after.tolist()
    (['x', 'y'], [1, 0], [1, -1])
    """
    both = pd.concat([before[columns], after[columns]], ignore_index=True)
    code = np.zeros(len(both), dtype=np.int64)
    for column in columns:
        own, texts = pd.factorize(both[column], sort=True)
        code = np.where((code < 0) | (own < 0), -1, code * len(texts) + own)
    known = np.flatnonzero(code >= 0)
    _, first, place = np.unique(code[known], return_index=True, return_inverse=True)
    number = np.full(len(both), -1, dtype=np.int64)
    number[known] = place
    names = both.iloc[known[first]].reset_index(drop=True).astype("str")
    return Places(names, number[: len(before)], number[len(before) :])
