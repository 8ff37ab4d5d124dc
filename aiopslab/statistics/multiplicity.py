"""Multiplicity: p-values of many comparisons at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p: Sequence[float] | Floats) -> Floats:
    """Correct p-values so that any false alarm at all is as rare as one was.

    Parameters
    ----------
    p
        Of the comparisons, ``(comparisons,)``.

    Returns
    -------
    ndarray
        At least as large, and at most 1, in the same order.

    Notes
    -----
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979. The one of statsmodels collects garbage at each call, a third of a second in
    a process that holds much.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps * values[order]), 1)
    return corrected
