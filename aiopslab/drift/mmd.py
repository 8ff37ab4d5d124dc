"""Maximum mean discrepancy of two samples of vectors, with the p-value of permutations."""

import numpy as np
import numpy.typing as npt

from aiopslab.drift.measure import Measure, Z, unmeasured

Floats = npt.NDArray[np.float64]

NAME = "maximum mean discrepancy"
NEEDED = 50  # rows of each side
ROWS = 5_000  # of each side, at most
FEATURES = 512  # random ones: the kernel is then known to ± .04
PERMUTATIONS = 500  # p is known to ± .01 around .05
PAIRS = 1_000  # of rows, of whose distances the median is taken
MARGIN = 0.02  # a mean moved by .03 of the width of the kernel, in one direction


def mean_discrepancy(reference: Floats, current: Floats, seed: int = 0) -> Measure:
    """Compare two samples of vectors by the maximum mean discrepancy.

    Parameters
    ----------
    reference, current
        One row a vector, no value missing. Of more than 5,000 rows that many are drawn.
    seed
        Of the draw, the random features and the permutations.

    Returns
    -------
    Measure
        The discrepancy, 0 of the same and at most 1.4 of wholly different distributions; its
        p-value is that of 500 permutations.

    Notes
    -----
    A. Gretton and others, "A kernel two-sample test", JMLR 13, 2012, with a Gaussian kernel as
    wide as the median distance, by the random features of A. Rahimi and B. Recht, NeurIPS 2007.
    What permuted samples show on average is taken off the square. The interval joins the
    variance of the witness function with that of the permutations, so that it holds near zero.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(400, 8))
    >>> mean_discrepancy(vectors[:200], vectors[200:] + 1).drifted
    True
    """
    rows = (len(reference), len(current))
    if min(rows) < NEEDED:
        return unmeasured(NAME, 0, MARGIN, "", rows, NEEDED)
    generator = np.random.default_rng(seed)
    sides = [
        each[generator.choice(len(each), min(len(each), ROWS), replace=False)]
        for each in (reference, current)
    ]
    rows = (len(sides[0]), len(sides[1]))
    mapped = _random_features(np.vstack(sides), generator)
    total, count = mapped.sum(axis=0), len(mapped)

    def squared(sums: Floats) -> Floats:
        """Return the squared discrepancy, given the sums of the rows that count as current."""
        apart = sums / rows[1] - (total - sums) / rows[0]
        return np.asarray((apart**2).sum(axis=-1), dtype=np.float64)

    drawn = np.argsort(generator.random((PERMUTATIONS, count)), axis=1) < rows[1]
    by_chance = squared(drawn.astype(np.float64) @ mapped)
    seen = float(squared(mapped[rows[0] :].sum(axis=0)))
    p = float(1 + (by_chance >= seen).sum()) / (1 + PERMUTATIONS)
    witness = mapped @ (mapped[rows[0] :].mean(axis=0) - mapped[: rows[0]].mean(axis=0))
    variance = 4 * (witness[: rows[0]].var() / rows[0] + witness[rows[0] :].var() / rows[1])
    half = Z * float(np.sqrt(variance + by_chance.var()))
    square = seen - float(by_chance.mean())
    value, low, high = np.sqrt(np.maximum([square, square - half, square + half], 0)).tolist()
    return Measure(NAME, value, low, high, 0, MARGIN, p, "", *rows, NEEDED)


def _random_features(vectors: Floats, generator: np.random.Generator) -> Floats:
    first, second = generator.integers(len(vectors), size=(2, PAIRS))
    apart = np.linalg.norm(vectors[first] - vectors[second], axis=1)
    width = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
    frequencies = generator.normal(size=(vectors.shape[1], FEATURES // 2)) / width
    angles = vectors @ frequencies
    mapped = np.hstack([np.cos(angles), np.sin(angles)]) / np.sqrt(FEATURES // 2)
    return np.asarray(mapped, dtype=np.float64)
