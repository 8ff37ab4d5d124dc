"""Pareto: what nothing else beats in all that counts."""

import numpy as np
import numpy.typing as npt


def undominated(costs: npt.ArrayLike, alike: npt.ArrayLike = 0.0) -> list[bool]:
    """Return which choices no other is as good as in everything, and better than in something.

    Parameters
    ----------
    costs
        Less is better, ``(choices, criteria)``. What is NaN is beaten by nothing.
    alike
        Differences up to which two are taken for equal, ``(criteria,)`` or of all.

    Examples
    --------
    >>> undominated([[1, 5], [2, 3], [2, 4]])
    [True, True, False]
    """
    values, slack = np.asarray(costs, dtype=np.float64), np.asarray(alike, dtype=np.float64)
    no_worse = (values[None] <= values[:, None] + slack).all(axis=2)
    better = (values[None] < values[:, None] - slack).any(axis=2)
    beaten: list[bool] = np.any(no_worse & better, axis=1).tolist()
    return [not each for each in beaten]
