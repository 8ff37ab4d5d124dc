"""Where the data moved, or the model got worse: segments of one to three conditions."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.beam import Search
from aiopslab.drift.conditions import Conditions, cut, met, words
from aiopslab.drift.contrast import LEAST_ROWS, Contrast, Estimate
from aiopslab.drift.contrasts import NEEDED, known_rows, losses, moves, outcomes_of
from aiopslab.drift.encoding import Encoding, encoded, sampled
from aiopslab.drift.observations import Roles
from aiopslab.errors import FrameError

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Of = Literal["drift", "loss"]

ROWS = 100_000  # of each side, at most
SEARCHED = 2 / 3  # of the rows; one choice among thousands needs more of them than its test
MOST = 5  # segments in one respect
FALSE = 0.05  # of the segments named may be false (Benjamini and Hochberg)


@dataclass(frozen=True)
class Segment:
    """Rows that meet a few conditions, and how they differ from the others.

    Parameters
    ----------
    conditions
        One to three, all to be met.
    what, unit
        What differs, e.g. ``"share of rows"`` or ``"error rate"``, and the unit of the effect.
    estimate
        How far, on rows that had no part in finding it.
    p, q
        Two-sided for drift, one-sided for loss; beside the segments found before it, and after
        Benjamini and Hochberg.
    rows_reference, rows_current
        That meet the conditions.
    share_reference, share_current
        The same as a share of all.
    """

    conditions: Conditions
    what: str
    unit: str
    estimate: Estimate
    p: float
    q: float
    rows_reference: int
    rows_current: int
    share_reference: float
    share_current: float

    def __str__(self) -> str:
        return words(self.conditions)


@dataclass(frozen=True)
class Segments:
    """The segments that were confirmed, the surest first.

    Parameters
    ----------
    of
        ``"drift"`` or ``"loss"``.
    found
        None where nothing was confirmed.
    left_out
        Features that were not searched, with the reason.
    rows_reference, rows_current
        That there were.
    enough
        Whether both had the rows that are needed.
    """

    of: Of
    found: tuple[Segment, ...]
    left_out: dict[str, str]
    rows_reference: int
    rows_current: int
    enough: bool

    def table(self) -> pd.DataFrame:
        """Return one row a segment.

        Returns
        -------
        pandas.DataFrame
            ``segment, what, effect, low, high, unit, reference, current, elsewhere, p, q,
            rows_reference, rows_current, share_reference, share_current``.
        """
        return pd.DataFrame(
            [
                (
                    *(str(each), each.what, each.estimate.effect),
                    *(each.estimate.low, each.estimate.high, each.unit),
                    *(each.estimate.reference, each.estimate.current, each.estimate.elsewhere),
                    *(each.p, each.q, each.rows_reference, each.rows_current),
                    *(each.share_reference, each.share_current),
                )
                for each in self.found
            ],
            columns=[
                *("segment", "what", "effect", "low", "high", "unit"),
                *("reference", "current", "elsewhere", "p", "q", "rows_reference"),
                *("rows_current", "share_reference", "share_current"),
            ],
        )

    def figure(self) -> "go.Figure":
        """Draw the effect in every segment with its interval."""
        from aiopslab.charts.bars import ranked_bars

        table = self.table()
        if self.of == "loss":
            unit = table["unit"].iloc[0] if len(table) else "loss"
            return ranked_bars(table, "segment", "effect", "Where the model got worse", unit)
        table["segment"] += ": " + table["what"]
        title = "Where the data moved"
        return ranked_bars(table, "segment", "effect", title, "standardised change")

    def __str__(self) -> str:
        if not self.enough:
            return (
                f"not enough data: {self.rows_reference:,} reference and {self.rows_current:,} "
                f"current rows; at least {NEEDED:,} of each are needed"
            )
        return "; ".join(map(str, self.found)) or "no segment stands out"


def find_segments(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    roles: Roles | None = None,
    of: Of = "drift",
    seed: int = 0,
) -> Segments:
    """Find the segments that carry most of the drift, or of the loss of performance.

    Parameters
    ----------
    reference, current
        One row an observation. Of more than 100,000 a side that many are drawn.
    roles
        Which column is what; the usual names where ``None``.
    of
        ``"drift"``: the segment grew or shrank, or the mean of the prediction, score or target
        moved inside it otherwise than elsewhere (of classes, their shares). ``"loss"``: the error
        rate, or of a regression the absolute error, rose inside it by more than elsewhere; where
        the reference has no targets, is above that of the other current rows.
    seed
        Of the draw and of the parts.

    Returns
    -------
    Segments
        Sizes are of all rows, effects and p-values of the third that was not searched.

    Raises
    ------
    FrameError
        If `of` is neither, or a loss is asked for without predictions or targets.

    Notes
    -----
    See `aiopslab.drift.beam` for the search. The rows of a segment are taken out before the next
    is searched, so that none is found again in other words.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = pd.DataFrame({"age": rng.integers(18, 80, 4000), "land": "FR"})
    >>> old = pd.DataFrame({"age": rng.integers(70, 80, 400), "land": "FR"})
    >>> print(find_segments(reference, pd.concat([reference, old])))
    age > 69
    """
    if of not in {"drift", "loss"}:
        raise FrameError(f"of is {of!r}; expected 'drift' or 'loss'", "Pass of='drift'.")
    named = roles or Roles()
    generator = np.random.default_rng(seed)
    sides = [sampled(each, ROWS, generator) for each in (reference, current)]
    totals = (len(reference), len(current))
    rows = pd.concat([outcomes_of(each, named) for each in sides], ignore_index=True)
    is_current = np.arange(len(rows)) >= len(sides[0])
    contrasts = list((losses if of == "loss" else moves)(rows, is_current, named))
    encoding = encoded(sides[0], sides[1], named)
    known = min(*totals, *(known_rows(each) for each in contrasts if of == "loss"))
    if known < NEEDED or not encoding.features:
        return Segments(of, (), encoding.left_out, *totals, known >= NEEDED)
    searched = generator.random(len(rows)) < SEARCHED
    grid = cut(encoding, searched)
    tested = [
        (contrast, *each)
        for contrast in contrasts
        for each in _tested(Search(grid, contrast), contrast, encoding, searched)
    ]
    found = _confirmed(tested, encoding, totals)
    return Segments(of, found, encoding.left_out, *totals, True)


Tested = tuple[Contrast, Conditions, Estimate, float]


def _tested(
    search: Search, contrast: Contrast, encoding: Encoding, searched: Booleans
) -> Iterator[tuple[Conditions, Estimate, float]]:
    """Yield segments one after the other, with what the rows that were not searched say."""
    left = np.ones(len(searched), dtype=np.bool_)
    for _ in range(MOST):
        best = search.best(np.flatnonzero(searched & left))
        # What is not worth its description is chance, and each test of chance weakens the others.
        if best is None or best.worth <= 0:
            return
        inside = met(best.conditions, encoding)
        alone = contrast.estimate(inside, ~searched)
        beside = contrast.estimate(inside, ~searched & left)
        # Neither by itself nor beside those found before may it be noise.
        p = max(_p(each.deviate, contrast.one_sided) for each in (alone, beside))
        yield best.conditions, alone, p
        left &= ~inside
        if min((left & searched & side).sum() for side in _sides(encoding)) < 2 * LEAST_ROWS:
            return


def _confirmed(
    tested: list[Tested], encoding: Encoding, totals: tuple[int, int]
) -> tuple[Segment, ...]:
    from scipy import stats

    if not tested:
        return ()
    adjusted = stats.false_discovery_control([p for *_, p in tested])
    found = []
    for (contrast, conditions, estimate, p), q in zip(tested, adjusted.tolist(), strict=True):
        inside = met(conditions, encoding)
        shares = [float(inside[side].mean()) for side in _sides(encoding)]
        rows = [round(share * total) for share, total in zip(shares, totals, strict=True)]
        if q <= FALSE and estimate.matters:
            segment = Segment(
                *(conditions, contrast.what, contrast.unit, estimate, p, q),
                *(rows[0], rows[1], shares[0], shares[1]),
            )
            found.append(segment)
    return tuple(sorted(found, key=lambda each: -abs(each.estimate.deviate)))


def _sides(encoding: Encoding) -> tuple[Booleans, Booleans]:
    return ~encoding.is_current, encoding.is_current


def _p(deviate: float, one_sided: bool) -> float:
    if one_sided:
        return 0.5 * math.erfc(deviate / math.sqrt(2))
    return math.erfc(abs(deviate) / math.sqrt(2))
