"""Rises: drift that climbs little by little, from one window to another."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHORTEST = 3  # windows that a rise takes; a shorter one looks like a step


def redate(
    fitted: Floats, shift: Floats, precision: Floats, first: int, resamples: int, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Return the windows at which a rise begins in series like the one it was fitted to.

    Parameters
    ----------
    fitted
        The shift of each window by the rise, ``(windows,)``.
    shift, precision, first
        What it was fitted to, see `aiopslab.drift.pattern.fit_shapes`.
    resamples
        How many series are drawn: the rise, and noise as great as what it leaves.
    seed
        Of the noise.

    Returns
    -------
    numpy.ndarray
        ``(resamples,)``.

    Examples
    --------
    >>> climb = np.clip((np.arange(40.0) - 20) / 10, 0, 1)
    >>> bool((abs(redate(climb, climb, np.full(40, 1e4), 10, 50) - 20) <= 2).all())
    True
    """
    used = np.flatnonzero(precision > 0)
    rest = float((precision[used] * (shift - fitted)[used] ** 2).mean())
    spread = np.sqrt(max(rest, 1.0) / precision[used])
    drawn = np.random.default_rng(seed).normal(size=(resamples, len(used)))
    table = Rises(np.sqrt(precision[used]), int(np.searchsorted(used, first)))
    starts: npt.NDArray[np.int64] = used[table.bounds[table.best(fitted[used] + spread * drawn), 0]]
    return starts


class Rises:
    """Every rise there may be, ready to be fitted to many series at once."""

    def __init__(self, weight: Floats, first: int) -> None:
        windows = len(weight)
        starts = range(first, windows - SHORTEST + 1)
        bounds = [(a, b) for a in starts for b in range(a + SHORTEST, windows + 1)]
        self.weight = weight
        self.bounds = np.array(bounds, dtype=np.int64).reshape(-1, 2)
        start, end = self.bounds[:, :1], self.bounds[:, 1:]
        self.rises = np.clip((np.arange(windows) + 0.5 - start) / (end - start), 0.0, 1.0)
        self.constant = weight / np.linalg.norm(weight)
        columns = self._without_constant(self.rises * weight)
        self.columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)

    def best(self, series: Floats) -> npt.NDArray[np.intp]:
        """Return which rise fits each series, ``(series, windows)``, best."""
        rest = self._without_constant(series * self.weight)
        best: npt.NDArray[np.intp] = np.abs(rest @ self.columns.T).argmax(axis=1)
        return best

    def _without_constant(self, rows: Floats) -> Floats:
        rest: Floats = rows - (rows @ self.constant)[:, None] * self.constant
        return rest
