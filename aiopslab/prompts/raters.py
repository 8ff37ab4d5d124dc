"""Raters: how far they agree with each other, and whether a side draws them."""

from itertools import combinations
from typing import Any, Literal

import pandas as pd

from aiopslab.prompts.agreement import Agreement, cohen, krippendorff
from aiopslab.statistics.intervals import wilson
from aiopslab.statistics.mcnemar import mcnemar_p
from aiopslab.statistics.multiplicity import holm

_AGREED = ["value", "low", "high", "items"]


def agreement(ratings: pd.DataFrame, pairs: bool = True) -> pd.DataFrame:
    """Compare the raters with each other, and the judges with the people.

    Parameters
    ----------
    ratings
        ``item, rater, kind, rating``, from `Feedback.ratings`.
    pairs
        Whether they are of pairs, or of single outputs.

    Returns
    -------
    pandas.DataFrame
        ``one, other, measure, value, low, high, items``: Krippendorff's alpha of all people,
        Cohen's kappa of every two raters, and of each judge with what most people say, where
        more say it than anything else. Grades that lie further apart weigh more.

    Examples
    --------
    >>> said = pd.DataFrame({"item": [1, 1, 2, 2], "rater": ["ann", "bob"] * 2, "kind": "human"})
    >>> agreement(said.assign(rating=[1, 1, -1, -1]))[["one", "other", "value"]]
          one   other  value
    0  people  people    1.0
    1     ann     bob    1.0
    """
    people = ratings[ratings["kind"] == "human"]
    rows = []
    if people["rater"].nunique() > 1:
        level: Literal["nominal", "ordinal"] = "nominal" if pairs else "ordinal"
        all_of_them = krippendorff(people, level)
        rows.append(_told("people", "people", "Krippendorff's alpha", all_of_them))
    weights: Literal["quadratic"] | None = None if pairs else "quadratic"
    known = ratings.drop_duplicates("rater").sort_values(["kind", "rater"])
    judges = known.loc[known["kind"] == "judge", "rater"]
    most = _majority(people) if len(judges) else people
    for judge in judges if len(most) else ():
        both = pd.concat([ratings[ratings["rater"] == judge], most])
        rows.append(_told(judge, "most people", "Cohen's kappa", cohen(both, weights)))
    for one, other in combinations(known["rater"], 2):
        both = ratings[ratings["rater"].isin([one, other])]
        rows.append(_told(one, other, "Cohen's kappa", cohen(both, weights)))
    return pd.DataFrame(rows, columns=["one", "other", "measure", *_AGREED])


def position_bias(preferences: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Measure how often each rater prefers what stands left, where they prefer anything.

    Parameters
    ----------
    preferences
        ``rater, kind, left, right, preferred``, from `Feedback.preferences`.
    confidence
        Of the intervals, which are those of Wilson.

    Returns
    -------
    pandas.DataFrame
        ``rater, kind, left, right, ties, share, low, high, p, q``: as chance decides which
        output stands left, the share of a fair rater is a half, whichever prompt is better.
        The p-value is of the exact test, q after Holm over the raters.

    Examples
    --------
    >>> told = pd.DataFrame({"rater": "ann", "kind": "human", "left": list("abab")})
    >>> told = told.assign(right=list("baba"), preferred=told["left"])
    >>> position_bias(told)[["rater", "left", "right", "share"]]
      rater  left  right  share
    0   ann     4      0    1.0
    """
    rows = []
    for (rater, kind), group in preferences.groupby(["rater", "kind"]):
        left, right = (int((group["preferred"] == group[side]).sum()) for side in ("left", "right"))
        row: dict[str, Any] = {"rater": rater, "kind": kind, "left": left, "right": right}
        row |= {"ties": len(group) - left - right}
        share = left / (left + right) if left + right else float("nan")
        low, high = wilson(left, left + right, confidence)
        rows.append(row | {"share": share, "low": low, "high": high, "p": mcnemar_p(left, right)})
    columns = ["rater", "kind", "left", "right", "ties", "share", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(q=holm(table["p"].to_numpy()))


def _told(one: str, other: str, measure: str, agreed: Agreement) -> tuple[Any, ...]:
    return (one, other, measure, agreed.value, agreed.low, agreed.high, agreed.items)


def _majority(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return what more raters say than anything else, of each item where there is such a thing."""
    counts = ratings.groupby(["item", "rating"]).size().rename("raters").reset_index()
    most = counts.groupby("item")["raters"].transform("max")
    told = counts[counts["raters"] == most].drop_duplicates("item", keep=False)
    return told[["item", "rating"]].assign(rater="most people")
