"""Isotonic regression: the rising curve nearest to what came of scores."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A rising curve through points, level outside of them.

    Parameters
    ----------
    at, value
        Of the points, in order.
    """

    at: Floats
    value: Floats

    def __call__(self, scores: Floats) -> Floats:
        """Return its height at some scores."""
        return np.asarray(np.interp(scores, self.at, self.value), dtype=np.float64)


class Points:
    """Scores in order, to which rising curves are fitted, time and again with other weights.

    Examples
    --------
    >>> points = Points(np.array([0.1, 0.5, 0.3, 0.5]), np.array([0.0, 1.0, 1.0, 0.0]))
    >>> points.fitted(np.ones(4))(np.array([0.0, 0.5])).round(3).tolist()
    [0.0, 0.667]
    """

    def __init__(self, scores: Floats, hits: Floats) -> None:
        self.hits = hits
        self.scores, self.place = np.unique(scores, return_inverse=True)

    def fitted(self, weights: Floats) -> Curve:
        """Return the rising curve nearest to the hits, by weighted squares."""
        from scipy.optimize import isotonic_regression

        count = len(self.scores)
        total = np.bincount(self.place, weights, minlength=count)
        hits = np.bincount(self.place, weights * self.hits, minlength=count)
        there = total > 0
        if not there.any():
            return Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        fit = isotonic_regression(hits[there] / total[there], weights=total[there])
        return Curve(self.scores[there], np.asarray(fit.x, dtype=np.float64))
