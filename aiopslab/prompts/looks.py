"""Looks: in which order items are asked, and when one looks whether it is certain already."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FIRST = 20  # items, before which no look is worth while
ROUNDS = 4  # of as many calls as go at once, between two looks: at the end of a batch they run dry
GROWTH = 0.25  # of what was asked: so much later is the next look, and that is the most overshot


@dataclass(frozen=True)
class Looks:
    """How a run was looked at while it went on, in order to stop as soon as it was certain.

    Parameters
    ----------
    after
        Items that had been asked at each look.
    of
        Items that there are.
    certain
        Whether the last look ended it: every candidate was decided.
    spared
        Calls that were not needed for that; 0 where it never was certain.

    Examples
    --------
    >>> print(Looks((60, 120), 500, certain=True, spared=760))
    certain after 120 of 500 items; 760 calls were not needed
    """

    after: tuple[int, ...]
    of: int
    certain: bool = False
    spared: int = 0

    def __str__(self) -> str:
        asked = self.after[-1] if self.after else 0
        shown = f"all {self.of:,}" if asked == self.of else f"{asked:,} of {self.of:,}"
        lead = "certain" if self.certain else "not certain"
        rest = f"; {self.spared:,} calls were not needed" if self.spared else ""
        return f"{lead} after {shown} items{rest}"


def shuffled(items: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Put items in a random order, those of a group together, as one stands for all the others.

    Parameters
    ----------
    items
        With ``item``, and ``group`` where items belong together.
    seed
        Of the order.

    Examples
    --------
    >>> items = pd.DataFrame({"item": [1, 2, 3, 4], "group": ["a", "b", "a", None]})
    >>> shuffled(items)["item"].tolist()
    [2, 4, 1, 3]
    """
    codes = observations(items)
    ranks = np.random.default_rng(seed).permutation(codes.max(initial=-1) + 1)
    return items.iloc[np.argsort(ranks[codes], kind="stable")]


def observations(items: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Number what is independent: groups, and items that are in none."""
    if "group" not in items:
        return np.arange(len(items))
    codes = np.array(pd.factorize(items["group"])[0], dtype=np.intp)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def schedule(items: pd.DataFrame, calls_each: int, at_once: int) -> tuple[int, ...]:
    """Return after how many items to look, the last time after all.

    Parameters
    ----------
    items
        In the order in which they are asked, see `shuffled`.
    calls_each
        Calls of an item.
    at_once
        Calls that go at once.

    Returns
    -------
    tuple of int
        No look comes between items of a group, and none leaves the endpoint idle for long: between
        two there are at least 20 items, four rounds of calls and a quarter of what was asked.

    Examples
    --------
    >>> schedule(pd.DataFrame({"item": range(200)}), calls_each=2, at_once=8)
    (20, 40, 60, 80, 100, 125, 157, 200)
    """
    codes = observations(items)
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    least = max(FIRST, -(-ROUNDS * at_once // calls_each))
    found = [0]
    while found[-1] < len(codes):
        aim = found[-1] + max(least, int(np.ceil(GROWTH * found[-1])))
        end = int(ends[ends >= aim].min(initial=len(codes)))
        found.append(end if len(codes) - end >= least else len(codes))
    return tuple(found[1:])
