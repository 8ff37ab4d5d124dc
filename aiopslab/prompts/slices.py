"""Slices: the kinds of items on which one of two prompts loses."""

import pandas as pd

from aiopslab.prompts.comparison import Comparison, Measure, once
from aiopslab.prompts.pairs import pair

MOST = 20  # values of a field, to be kinds
LEAST = 10  # items of a slice, below which nothing is said of it
COLUMNS = (
    *("candidate", "slice", "items", "baseline", "score", "difference", "low", "high"),
    *("p", "q", "wins", "losses"),
)


def find_slices(
    scores: pd.DataFrame,
    items: pd.DataFrame,
    comparison: Comparison,
    metric: str,
    seed: int = 0,
    measure: Measure = once,
) -> pd.DataFrame:
    """Compare the prompts on every kind of item.

    Parameters
    ----------
    scores
        Of one metric.
    items
        With fields of at most 20 values, each of which makes a slice of at least 10 items.
    comparison
        That the slices are of.
    metric
        Which.
    seed
        Of the resampling.
    measure
        As in `compare`.

    Returns
    -------
    pandas.DataFrame
        One row a candidate and slice, the worst for the candidate first: ``candidate, slice,
        items, baseline, score, difference, low, high, p, q, wins, losses``; q after Benjamini and
        Hochberg over all slices.

    Examples
    --------
    >>> from aiopslab.prompts import Metric, compare
    >>> items = pd.DataFrame({"item": range(40), "language": ["de", "fr"] * 20})
    >>> scores = pd.DataFrame({"item": [*range(40)] * 2, "prompt": ["a"] * 40 + ["b"] * 40})
    >>> scores["score"] = [1, 0] * 20 + [0, 1] * 20
    >>> compared = compare(scores.assign(metric="correct"), "a", [Metric("correct")])
    >>> find_slices(scores, items, compared, "correct")[["slice", "difference"]].values.tolist()
    [['language = de', -1.0], ['language = fr', 1.0]]
    """
    from scipy.stats import false_discovery_control

    rows = []
    for candidate in comparison.candidates:
        told = comparison.contrast(candidate, metric)
        pairs = pair(scores, comparison.baseline, candidate)
        fields = items.drop_duplicates("item").set_index("item").reindex(pairs.items)
        for field in fields.columns:
            values = fields[field]
            if field == "group" or not 2 <= values.astype(str).nunique() <= MOST:
                continue
            for value in sorted(values.dropna().astype(str).unique()):
                some = pairs.take((values.astype(str) == value).to_numpy())
                found = measure(told.metric, some, told.difference.confidence, seed)
                if len(some) >= LEAST and found.method != "none":
                    sides = (found.baseline, found.candidate)
                    effect = (found.value, found.low, found.high, found.p)
                    name = f"{field} = {value}"
                    ends = (found.wins, found.losses)
                    rows.append((candidate, name, found.items, *sides, *effect, None, *ends))
    table = pd.DataFrame(rows, columns=COLUMNS)
    if table.empty:
        return table
    table["q"] = false_discovery_control(table["p"])
    worse = table["difference"] * (1 if told.metric.higher_is_better else -1)
    return table.iloc[worse.argsort(kind="stable")].reset_index(drop=True)
