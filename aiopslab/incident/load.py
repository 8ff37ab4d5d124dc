"""What demand explains: when more people ask, every service works harder and none is ill."""

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse.linalg import svds

Floats = npt.NDArray[np.float64]

MIN_ROWS = 30  # before the onset; fewer teach no relation between series
CLIP = 5.0  # robust σ beyond which a value before the onset is an outlier
MEMBER = 0.5  # correlation with the common factor from which a series measures demand
RELATED = 0.3  # and from which it follows demand


def without_load(distance: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Take out of every series what the common movement of all explains.

    Parameters
    ----------
    distance
        Signed distance from normal in robust σ, ``(times, series)`` with the service as the first
        column level.
    rows
        How many of the first rows teach how each series follows the load.

    Returns
    -------
    pandas.DataFrame
        Of the same shape and scale. Unchanged where fewer than thirty rows teach, or where no
        common factor runs through at least two services.

    Notes
    -----
    Demand is seldom measured by name, but it is the first principal component of a healthy system.
    Its value at each time is the median over the series that follow it closely, so that the few
    that an incident throws far off cannot pass for demand. Each series is then freed of its
    regression on it, with the slope learnt before the onset.

    Examples
    --------
    >>> load = np.r_[np.sin(np.arange(60)), np.full(20, 9.0)]
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["rate", "cpu"]])
    >>> distance = pd.DataFrame(np.tile(load[:, None], 4), columns=columns)
    >>> bool(without_load(distance, 60).abs().max(axis=None) < 0.01)
    True
    """
    if rows < MIN_ROWS or distance.shape[1] < 3:
        return distance
    values = distance.to_numpy()
    before = np.clip(np.nan_to_num(values[:rows]), -CLIP, CLIP)
    before = before - before.mean(axis=0)
    factor = _first_component(before)
    loading = _correlation(before, factor)
    members = np.abs(loading) >= MEMBER
    if distance.columns.get_level_values(0)[members].nunique() < 2:
        return distance
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows in which none of them reported
        load = np.nanmedian(values[:, members] * np.sign(loading[members]), axis=1)
    load = np.nan_to_num(load)
    centred = np.clip(load[:rows], -CLIP, CLIP)
    centred = centred - centred.mean()
    slope = before.T @ centred / max(float(centred @ centred), 1e-12)
    slope[np.abs(_correlation(before, centred)) < RELATED] = 0
    return distance - np.outer(load, slope)


def _first_component(values: Floats) -> Floats:
    """Return the scores of the first principal component, one a row."""
    if not values.any():
        return values[:, 0]
    scores, _, _ = svds(values, k=1, v0=np.ones(min(values.shape)), return_singular_vectors="u")
    component: Floats = scores[:, 0]
    return component


def _correlation(values: Floats, factor: Floats) -> Floats:
    norms = np.linalg.norm(values, axis=0) * np.linalg.norm(factor)
    correlation: Floats = values.T @ factor / np.maximum(norms, 1e-12)
    return correlation
