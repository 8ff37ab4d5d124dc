"""By how much our numbers differ from those of libraries that measure the same, at the most."""

import choix
import numpy as np
import pandas as pd
import statsmodels.api as sm
from choix.opt import PairwiseFcts
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

from aiopslab.prompts.agreement import cohen
from aiopslab.prompts.differences import difference, mcnemar_p
from aiopslab.prompts.preferences import SHRINK, bradley_terry
from aiopslab.prompts.scorers.curve import area
from benchmarks.harness import Figure, at_most
from benchmarks.prompts.comparison import pairs_of

CLOSE = 1e-9
CASES = 50


def figures() -> list[Figure]:
    rng = np.random.default_rng(0)
    drawn = range(CASES)
    told = {
        "McNemar's p, statsmodels": [_mcnemar(*rng.integers(0, 200, 2)) for _ in drawn],
        "interval of 30 groups of 10, statsmodels": [_grouped(rng) for _ in drawn],
        "Cohen's kappa, plain and weighted, statsmodels": [_kappa(rng) for _ in drawn],
        "area under the curve, scipy": [_area(rng) for _ in drawn],
        "strengths of Bradley and Terry, choix": [_strengths(rng) for _ in range(CASES)],
    }
    return [
        at_most(f"largest deviation: {name}", max(each), CLOSE, note=f"{len(each)} cases drawn")
        for name, each in told.items()
    ]


def _mcnemar(wins: int, losses: int) -> float:
    expected = mcnemar([[7, wins], [losses, 7]], exact=True).pvalue
    return abs(mcnemar_p(int(wins), int(losses)) - float(expected))


def _grouped(rng: np.random.Generator) -> float:
    """Where groups are of one size the jackknife is the clustered error of a regression."""
    groups = np.repeat(np.arange(30), 10)
    values = rng.normal(size=300) + rng.normal(size=30)[groups]
    found = difference(pairs_of(np.zeros(300), values, groups))
    fitted = sm.OLS(values, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    return float(np.abs(fitted.conf_int()[0] - [found.low, found.high]).max())


def _kappa(rng: np.random.Generator) -> float:
    truth = rng.integers(0, 4, 60)
    raters = [np.where(rng.random(60) < 0.7, truth, rng.integers(0, 4, 60)) for _ in range(2)]
    counts = np.zeros((4, 4))
    np.add.at(counts, tuple(raters), 1)
    rows = pd.DataFrame(
        {
            "item": [*range(60)] * 2,
            "rater": [0] * 60 + [1] * 60,
            "rating": np.concatenate(raters),
        }
    )
    return max(
        abs(cohen(rows, weights).value - float(cohens_kappa(counts, wt=weights).kappa))
        for weights in (None, "linear", "quadratic")
    )


def _area(rng: np.random.Generator) -> float:
    labels = np.arange(80) < 30
    values = np.round(rng.normal(size=80) + labels, 1)  # with ties
    u = stats.mannwhitneyu(values[labels], values[~labels]).statistic
    return abs(area(values, labels) - float(u) / (30 * 50))


def _strengths(rng: np.random.Generator) -> float:
    names = np.array(list("abcde"))
    pairs = [rng.choice(5, 2, replace=False) for _ in range(200)]  # the first wins
    rows = pd.DataFrame(
        {
            "left": [names[one] for one, _ in pairs],
            "right": [names[other] for _, other in pairs],
            "preferred": [names[one] for one, _ in pairs],
        }
    )
    data = [tuple(map(int, each)) for each in pairs]
    expected = choix.opt_pairwise(5, data, alpha=SHRINK, method="Newton-CG", tol=1e-12)
    # That stops where the slope is some 1e-8; its likelihood is followed to the top.
    likelihood = PairwiseFcts(data, SHRINK)
    for _ in range(5):
        slope, curve = likelihood.gradient(expected), likelihood.hessian(expected)
        expected = expected - np.linalg.solve(curve, slope)
    found = bradley_terry(rows).strengths
    return float(np.abs(found - (expected - expected.mean())).max())
