"""Pairs: what two prompts scored on the same items, which is what a comparison is made of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pairs:
    """The scores of a baseline and a candidate on the same items.

    Parameters
    ----------
    items
        What each is called, ``(items,)``.
    baseline, candidate
        The mean score over the repetitions of each item, ``(items,)``.
    groups
        The number of the group that each item is of, ``(items,)``: questions on one document, turns
        of one conversation. Items of a group are alike, so that they tell less than as many others.
    single
        Whether every score is of one call, and not the mean of several.
    dropped
        Items that have a score of one of the two only.
    """

    items: npt.NDArray[np.object_]
    baseline: Floats
    candidate: Floats
    groups: Ints
    single: bool = True
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.items)

    @property
    def differences(self) -> Floats:
        """By how much the candidate scored more, item by item."""
        return self.candidate - self.baseline

    @property
    def wins(self) -> int:
        """Items on which the candidate scored more."""
        return int((self.differences > 0).sum())

    @property
    def losses(self) -> int:
        """Items on which it scored less."""
        return int((self.differences < 0).sum())

    @property
    def is_grouped(self) -> bool:
        """Whether any group has more than one item."""
        return len(np.unique(self.groups)) < len(self.groups)

    @property
    def is_binary(self) -> bool:
        """Whether every score is right or wrong, 1 or 0."""
        both = np.concatenate([self.baseline, self.candidate])
        return self.single and bool(np.isin(both, (0, 1)).all())

    def take(self, rows: npt.ArrayLike) -> "Pairs":
        """Return some of the pairs, by a mask or by places."""
        at = np.asarray(rows)
        return Pairs(
            self.items[at],
            self.baseline[at],
            self.candidate[at],
            self.groups[at],
            self.single,
            self.dropped,
        )

    def by_group(self) -> "tuple[Floats, Floats]":
        """Return the sum of the differences of each group, and how many items it has."""
        _, places = np.unique(self.groups, return_inverse=True)
        sums = np.bincount(places, self.differences).astype(np.float64)
        return sums, np.bincount(places).astype(np.float64)


def pair(scores: pd.DataFrame, baseline: str, candidate: str) -> Pairs:
    """Put the scores of two prompts on the same items side by side.

    Parameters
    ----------
    scores
        Of one metric, one row a call: ``item, prompt, score``, and ``group`` where items belong
        together. A score that is missing is no score: the call has failed, or its output could not
        be read.
    baseline, candidate
        Which prompts.

    Returns
    -------
    Pairs
        Of the items that both have a score of, in the order in which they came.

    Raises
    ------
    FrameError
        If a column or a prompt is not there.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {"item": [1, 2, 1, 2], "prompt": list("aabb"), "score": [0.0, 1.0, 1.0, 1.0]}
    ... )
    >>> pair(scores, "a", "b").differences
    array([1., 0.])
    """
    for column in ("item", "prompt", "score"):
        if column not in scores:
            raise FrameError(
                f"the scores have no column {column!r}; they have {', '.join(map(str, scores))}",
                "Pass one row a call, with item, prompt and score.",
            )
    known = scores["prompt"].unique().tolist()
    for name in (baseline, candidate):
        if name not in known:
            raise FrameError(
                f"no score is of the prompt {name!r}; there are {', '.join(map(str, known))}",
                "Name one of them.",
            )
    told = scores[scores["prompt"].isin([baseline, candidate])]
    told = told.assign(score=pd.to_numeric(told["score"], errors="coerce"))
    grouped = told.groupby(["item", "prompt"], sort=False)["score"]
    names, order = [baseline, candidate], told["item"].unique()
    means, counts = (
        each.unstack()[names].reindex(order) for each in (grouped.mean(), grouped.count())
    )
    both = np.flatnonzero(means.notna().to_numpy().all(axis=1))
    kept = means.iloc[both]
    groups = np.arange(len(kept))
    if "group" in told:
        of_item = told.drop_duplicates("item").set_index("item")["group"].reindex(kept.index)
        # An item without a group is one by itself.
        groups = pd.factorize(of_item.where(of_item.notna(), pd.Series(kept.index, kept.index)))[0]
    return Pairs(
        kept.index.to_numpy(dtype=object),
        kept[baseline].to_numpy(dtype=np.float64),
        kept[candidate].to_numpy(dtype=np.float64),
        np.asarray(groups, dtype=np.intp),
        bool((counts.iloc[both].to_numpy() == 1).all()),
        len(means) - len(both),
    )
