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
    number = both.groupby(columns, observed=True).ngroup().fillna(-1).to_numpy().astype(np.int64)
    known = np.flatnonzero(number >= 0)
    first = known[np.unique(number[known], return_index=True)[1]]
    names = both.iloc[first].reset_index(drop=True).astype("str")
    return Places(names, number[: len(before)], number[len(before) :])
