"""McNemar's test: two that were asked the same, each right or wrong."""


def mcnemar_p(wins: int, losses: int) -> float:
    """Return how often two equally good ones differ as much in what only one gets right.

    Parameters
    ----------
    wins, losses
        How much only the one got right, and only the other.

    Notes
    -----
    The exact test of Q. McNemar, Psychometrika 12, 1947: each has half of them.

    Examples
    --------
    >>> mcnemar_p(8, 0)
    0.0078125
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
