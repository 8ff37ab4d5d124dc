"""Paths: a difference of means as a sum over mechanisms that moved, each given those before it."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 400
BLOCKS = 60  # of consecutive rows on each side, which are drawn together
RIDGE = 1e-9  # of the mean square of a feature, so that features which repeat others share


def contributions(
    features: Floats, values: Floats, is_after: npt.NDArray[np.bool_], seed: int = 0
) -> tuple[Floats, Floats]:
    """Split the difference of means of values into what each feature and the rest did.

    Parameters
    ----------
    features
        ``(rows, features)`` in their causal order, rows in order of time.
    values
        ``(rows,)``.
    is_after
        Which rows are after.
    seed
        Of the resampling.

    Returns
    -------
    tuple of ndarray
        ``(features + 1,)``, of which the last is the rest: what the values moved with all features
        as they were; and the same of each resample, ``(resamples, features + 1)``. They add up to
        the difference of the means.

    Notes
    -----
    The causal decomposition of a change of K. Budhathoki, D. Janzing, P. Bloebaum and H. Ng, "Why
    did the distribution change?", AISTATS 2021, for linear mechanisms: each feature moves by
    itself, given those before it, and acts on the values directly and through those after it. With
    one mechanism it is the decomposition of R. L. Oaxaca, 1973, and A. S. Blinder, 1973, pooled
    with a dummy of the time as by B. Jann, The Stata Journal 8, 2008. Blocks of consecutive rows
    are resampled on either side (H. R. Künsch, The Annals of Statistics 17, 1989).

    Examples
    --------
    >>> late = np.arange(200) >= 100
    >>> tokens = np.where(late, 30.0, 10.0) + np.arange(200) % 7
    >>> told, _ = contributions(tokens[:, None], 2 * tokens + 5 * late, late)
    >>> told.round(4).tolist()
    [40.08, 5.0]
    """
    table = np.column_stack([features, values])
    spread = table.std(axis=0)
    centre = table.mean(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    design = np.column_stack(
        [np.ones(len(table)), is_after.astype(np.float64), (table - centre) / scale]
    )
    grams = []
    for side in (~is_after, is_after):
        rows = design[side]
        parts = np.array_split(rows, min(BLOCKS, len(rows)))
        grams.append(np.stack([part.T @ part for part in parts]))
    whole = sum(each.sum(axis=0) for each in grams)[None]
    rng = np.random.default_rng(seed)
    drawn = np.zeros((RESAMPLES, *whole.shape[1:]))
    for each in grams:
        times = rng.multinomial(len(each), np.full(len(each), 1 / len(each)), size=RESAMPLES)
        drawn += np.tensordot(times.astype(np.float64), each, axes=1)
    told: Floats = _split(np.concatenate([whole, drawn])) * float(scale[-1])
    return told[0], told[1:]


def _split(grams: Floats) -> Floats:
    """Return the contributions from the products of 1, the time, features and values."""
    size = grams.shape[1]
    last = size - 1
    own = np.zeros((len(grams), size - 2))
    paths = np.zeros((len(grams), size, size))
    for column in range(2, size):
        weight = _regress(grams, column)
        own[:, column - 2] = weight[:, 1]
        paths[:, column, 2:column] = weight[:, 2:]
    total: Floats = np.zeros((len(grams), size))
    total[:, last] = 1.0
    for column in range(last - 1, 1, -1):
        later = slice(column + 1, size)
        total[:, column] = np.einsum("rc,rc->r", paths[:, later, column], total[:, later])
    return np.asarray(own * total[:, 2:], np.float64)


def _regress(grams: Floats, column: int) -> Floats:
    """Return the weights of 1, the time and the earlier columns in a column."""
    left = grams[:, :column, :column].copy()
    steps = np.arange(2, column)
    left[:, steps, steps] += RIDGE * grams[:, :1, 0] + 1e-12
    weight = np.linalg.solve(left, grams[:, :column, column : column + 1])
    return np.asarray(weight[..., 0], np.float64)
