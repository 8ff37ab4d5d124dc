"""Agreement: how far people who labelled the same passages say the same of them."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from aiopslab.retrieval.judgements import GRADES


@dataclass(frozen=True)
class Agreement:
    """How far raters agree.

    Parameters
    ----------
    pairs
        One row a pair of raters: ``rater, other, tasks`` (that both labelled), ``same`` (the share
        with the same grade), ``kappa``: 1 for full agreement, 0 for that of chance, NaN where both
        gave one grade only.
    """

    pairs: pd.DataFrame

    @property
    def kappa(self) -> float:
        """Mean of all pairs that can be compared; NaN where there are none."""
        return float(self.pairs["kappa"].mean())

    def __str__(self) -> str:
        if np.isnan(self.kappa):
            return "not enough data: no two raters labelled the same passages with several grades"
        tasks = self.pairs["tasks"].sum()
        return f"{self.kappa:.2f} (weighted kappa of {len(self.pairs)} pairs, {tasks} passages)"


def agreement(table: pd.DataFrame) -> Agreement:
    """Return how far each two raters agree, by Cohen's kappa with linear weights.

    Parameters
    ----------
    table
        One row a label: ``task, rater, grade``.

    Notes
    -----
    J. Cohen, "Weighted kappa", 1968; the mean of all pairs is that of R. Light, 1971.

    Examples
    --------
    >>> told = [(1, "ann", 2), (1, "bob", 2), (2, "ann", 0), (2, "bob", 0)]
    >>> print(agreement(pd.DataFrame(told, columns=["task", "rater", "grade"])))
    1.00 (weighted kappa of 1 pairs, 2 passages)
    """
    from sklearn.metrics import cohen_kappa_score

    grades = table.pivot(index="task", columns="rater", values="grade")
    rows = []
    for rater, other in combinations(grades.columns, 2):
        both = grades[[rater, other]].dropna().astype(int)
        one, two = both[rater].tolist(), both[other].tolist()
        kappa = np.nan
        if len({*one, *two}) > 1:
            kappa = cohen_kappa_score(one, two, labels=list(GRADES), weights="linear")
        same = float((both[rater] == both[other]).mean())
        rows.append((rater, other, len(both), same, kappa))
    return Agreement(pd.DataFrame(rows, columns=["rater", "other", "tasks", "same", "kappa"]))
