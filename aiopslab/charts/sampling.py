"""Sampling: as many points of a long line as a screen shows, so that it looks the same."""

from typing import Any

import numpy as np
import pandas as pd

POINTS = 4_000  # four a pixel of a figure as wide as a notebook


def sampled(
    trace: Any, window: tuple[Any, Any] | None = None, points: int = POINTS
) -> dict[str, Any]:
    """Choose of a long line the points that make its shape.

    Parameters
    ----------
    trace
        Of a plotly figure; left as it is.
    window
        The range of x that is looked at; ``None`` for all of it.
    points
        How many are kept.

    Returns
    -------
    dict
        ``x`` and ``y`` of a line that has more points in the window than are kept: the first, the
        last, the lowest and the highest of each stretch, so that no spike is lost. Empty for a
        trace that is shown as it is.

    References
    ----------
    Jugel, Jerzak, Hackenbroich, Markl (2014): M4: A Visualization-Oriented Time Series Data
    Aggregation. PVLDB 7(10). Computed by tsdownsample.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> spike = np.zeros(100_000)
    >>> spike[54_321] = 1
    >>> kept = sampled(go.Scatter(y=spike, mode="lines"))
    >>> len(kept["y"]) <= 4000, float(max(kept["y"])), int(kept["x"][np.argmax(kept["y"])])
    (True, 1.0, 54321)
    """
    # What is clicked or read has texts of its own, which go by the number of the point.
    if trace.type != "scatter" or trace.mode != "lines" or trace.y is None:
        return {}
    if len(trace.y) <= points or trace.customdata is not None or isinstance(trace.text, tuple):
        return {}
    from tsdownsample import M4Downsampler

    x = np.arange(len(trace.y)) if trace.x is None else np.asarray(trace.x)
    y = np.asarray(trace.y, dtype=float)
    if window is not None:
        low, high = np.searchsorted(pd.Index(x), _ends(x, window))
        x, y = x[max(low - 1, 0) : high + 1], y[max(low - 1, 0) : high + 1]
    if len(y) > points:
        # A gap stays a gap: it is as far from everything as can be, so that its ends are kept.
        filled = np.nan_to_num(y, nan=_below(y))
        chosen = M4Downsampler().downsample(filled, n_out=(points - 4) // 4 * 4)
        # Its stretches are of equal length, so that some points at the end are in none of them.
        certain = [0, len(y) - 1, int(np.argmin(filled)), int(np.argmax(filled))]
        kept = np.union1d(chosen.astype(np.int64), certain)
        x, y = x[kept], y[kept]
    return {"x": x, "y": y}


def _ends(x: np.ndarray, window: tuple[Any, Any]) -> Any:
    if np.issubdtype(x.dtype, np.datetime64):
        return [
            pd.Timestamp(each).tz_convert("UTC").tz_localize(None).to_numpy() for each in window
        ]
    return list(window)


def _below(y: np.ndarray) -> float:
    seen = y[np.isfinite(y)]
    return float(2 * seen.min() - seen.max() - 1) if len(seen) else 0.0
