"""Likeness: which reference rows are like the current ones, and what none of them is like."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.encoding import Encoding, encoded
from aiopslab.drift.observations import Roles

Floats = npt.NDArray[np.float64]

HEAVIEST = 10.0  # weight of a row; a few heavy rows would decide alone
FITTED = 10_000  # rows of each side that the classifier learns from
CATEGORIES = 15  # of a feature with an indicator of their own; the rest share one
FAR = 5.0  # reference SDs beyond which a value moves the classifier no more
PENALTY = 0.1  # inverse; weights of a steeper classifier vary more than they correct


@dataclass(frozen=True)
class Likeness:
    """How the reference covers the current rows.

    Parameters
    ----------
    weights
        Of the reference rows: how many times as frequent such rows are among the current ones.
    outside
        Which current rows the reference does not cover.
    why
        What puts most of these outside; empty where there are none.
    """

    weights: Floats
    outside: npt.NDArray[np.bool_]
    why: str


def likeness(
    reference: pd.DataFrame, current: pd.DataFrame, roles: Roles, seed: int = 0
) -> Likeness:
    """Weigh reference rows by how much they are like the current ones.

    Parameters
    ----------
    reference, current
        One row an observation; features and scores are looked at, not targets.
    roles
        Which column is what.
    seed
        Of the rows that the classifier learns from where there are many.

    Returns
    -------
    Likeness
        All weights are 1 where there is nothing to tell the rows apart by.

    Notes
    -----
    The weight is the odds that a logistic regression gives a row of being a current one (S.
    Bickel, M. Brückner and T. Scheffer, "Discriminative learning under covariate shift", JMLR 10,
    2009), at most ten. A current row lies outside where it holds a category that the reference
    does not, a number beyond the range of the reference, or where those odds are over ten.

    Examples
    --------
    >>> reference = pd.DataFrame({"age": np.arange(100.0) % 50})
    >>> found = likeness(reference, reference + 25, Roles())
    >>> bool(found.weights[49] > found.weights[0]), float(found.outside.mean())
    (True, 0.5)
    """
    scored = Roles(roles.prediction, "", roles.target, roles.timestamp, roles.ignored)
    encoding = encoded(reference, current, scored)  # so that the score counts as a feature
    rows = encoding.reference_rows
    by_feature = _beyond(encoding)
    matrix = design(encoding)
    if matrix.shape[1] == 0 or len(current) == 0 or rows == 0:
        return Likeness(np.ones(rows), np.zeros(len(current), dtype=bool), "")
    odds = _odds(matrix, rows, seed)
    by_feature["a combination of features"] = odds[rows:] > HEAVIEST
    outside = np.logical_or.reduce(list(by_feature.values()))
    most = max(by_feature, key=lambda each: int(by_feature[each].sum()))
    return Likeness(np.minimum(odds[:rows], HEAVIEST), outside, most if outside.any() else "")


def _odds(matrix: Floats, rows: int, seed: int) -> Floats:
    """Return the odds of being current, as if there were as many of both."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    sides = np.arange(rows), np.arange(rows, len(matrix))
    drawn = [
        rng.choice(each, FITTED, replace=False) if len(each) > FITTED else each for each in sides
    ]
    is_current = np.repeat([0, 1], [len(each) for each in drawn])
    classifier = LogisticRegression(C=PENALTY, max_iter=300)
    classifier.fit(matrix[np.concatenate(drawn)], is_current)
    logits = classifier.decision_function(matrix) - np.log(len(drawn[1]) / len(drawn[0]))
    return np.asarray(np.exp(np.clip(logits, -20, 20)), dtype=np.float64)


def design(encoding: Encoding) -> Floats:
    """Return standardised numbers, indicators of what is missing, and of the categories."""
    rows = encoding.reference_rows
    columns = [np.empty((len(encoding.values), 0))]
    for values in encoding.values.T:
        missing = np.isnan(values)
        known = values[:rows][~missing[:rows]]
        known = known if len(known) else values[~missing]
        spread = known.std() or np.nanstd(values) or 1.0
        scaled = np.clip((values - known.mean()) / spread, -FAR, FAR)
        columns.append(np.where(missing, 0.0, scaled))
        if missing.any():
            columns.append(missing.astype(np.float64))
    for codes, categories in zip(encoding.codes.T, encoding.categories, strict=True):
        lumped = np.minimum(codes, CATEGORIES)
        columns += [
            (lumped == each).astype(np.float64)
            for each in range(min(len(categories), CATEGORIES + 1))
        ]
    return np.column_stack(columns)


def _beyond(encoding: Encoding) -> dict[str, npt.NDArray[np.bool_]]:
    """Return, by feature, which current rows hold what no reference row holds."""
    rows = encoding.reference_rows
    beyond = {}
    for name, values in zip(encoding.numeric, encoding.values.T, strict=True):
        known = values[:rows][~np.isnan(values[:rows])]
        low, high = (known.min(), known.max()) if len(known) else (np.inf, -np.inf)
        beyond[name] = (values[rows:] < low) | (values[rows:] > high)
    for name, codes in zip(encoding.categorical, encoding.codes.T, strict=True):
        beyond[name] = (codes[rows:] >= 0) & ~np.isin(codes[rows:], codes[:rows])
    return beyond
