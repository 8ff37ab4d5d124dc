"""In which direction a feature moved, in words."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.cells import Ordered
from aiopslab.drift.numeric import EPOCH, Numeric

Counts = npt.NDArray[np.int64]

STATES = ("missing", "unreadable", "minus infinity", "infinity")
PLAIN = 2.0  # standard errors, below which a direction is not told
OUTSIDE = 0.01  # share of rows beyond the reference's range that is worth telling first
LONGEST = 40  # characters of a category


def numeric_words(one: Numeric, two: Numeric, pair: Ordered, location: float, scale: float) -> str:
    """Say whether numbers are higher or lower, spread wider or narrower, or of another shape.

    Parameters
    ----------
    one, two, pair
        The profiles of the reference and of the current values.
    location, scale
        Deviates of the rank tests; the larger one is told.
    """
    under, over = _outside(pair)
    beyond = ""
    if max(under, over) >= OUTSIDE > min(under, over):
        side = "below" if under > over else "above"
        beyond = f"{_percent(max(under, over))} of the values are {side} any of the reference"
    is_shift = abs(location) >= max(abs(scale), PLAIN)
    if beyond and not (is_shift and (location > 0) == (over > under)):
        return f"{'lower' if under > over else 'higher'}: {beyond}"
    if max(abs(location), abs(scale)) < PLAIN:
        return "no clear direction"
    if is_shift:
        before, after = (each.quantile(0.5).item() for each in (one, two))
        name = "median"
        if before == after or (after > before) != (location > 0):
            before, after, name = one.mean, two.mean, "mean"
        word = "higher" if location > 0 else "lower"
        told = f"{word}: {name} {_number(before, one.kind)} → {_number(after, one.kind)}"
        return f"{told}; {beyond}" if beyond else told
    word = "wider" if scale > 0 else "narrower"
    spread = [np.diff(each.quantile([0.1, 0.9])).item() for each in (one, two)]
    if not spread[0] or (spread[1] > spread[0]) != (scale > 0):
        spread = [each.std for each in (one, two)]
    return f"{word}: spread × {spread[1] / spread[0]:.3g}" if spread[0] else word


def category_words(labels: list[str], one: Counts, two: Counts) -> str:
    """Say which category's share moved most.

    Parameters
    ----------
    labels
        The categories.
    one, two
        Rows by category, then those of others and those that are missing.

    Examples
    --------
    >>> category_words(["a", "b", "c"], np.array([50, 30, 20, 0, 0]), np.array([20, 40, 40, 0, 0]))
    "'a' 50 % → 20 %"
    >>> category_words(["a", "b"], np.array([50, 0, 0, 0]), np.array([40, 10, 0, 0]))
    "new: 'b' 20 %"
    """
    before, after = (each / max(each.sum(), 1) for each in (one, two))
    change = np.abs(after - before)
    most = int(change.argmax())
    if not change[most]:
        return "no change"
    named = [*(repr(_cut(each)) for each in labels), "others", "missing"][most]
    fresh = np.flatnonzero((one[: len(labels)] == 0) & (two[: len(labels)] > 0))
    if one[most] == 0 and most < len(labels):
        return f"new: {named} {_percent(after[most])}"
    told = f"{named} {_percent(before[most])} → {_percent(after[most])}"
    if not len(fresh) or after[fresh].sum() < change[most] / 2:
        return told
    return f"{told}; {len(fresh)} new, together {_percent(after[fresh].sum())}"


def missing_words(one: Counts, two: Counts, rows_before: int, rows_after: int) -> str:
    """Say what share of rows holds no number now, and which kind of none moved most."""
    before, after = one / max(rows_before, 1), two / max(rows_after, 1)
    most = int(np.abs(after - before).argmax())
    return f"{STATES[most]} {_percent(before[most])} → {_percent(after[most])}"


def too_few(one: int, two: int, needed: int) -> str:
    """Say that there is not enough data, and how much would be.

    Examples
    --------
    >>> too_few(500, 3, 30)
    'not enough data: 3 values in the current data, 30 needed'
    """
    side, rows = ("reference", one) if one < needed else ("current", two)
    return f"not enough data: {rows} values in the {side} data, {needed} needed"


def _outside(pair: Ordered) -> tuple[float, float]:
    """Return the shares of current rows below and above all of the reference."""
    held = np.flatnonzero(pair.reference)
    rows = pair.current.sum()
    return (
        float(pair.current[: held[0]].sum() / rows),
        float(pair.current[held[-1] + 1 :].sum() / rows),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _number(value: float, kind: str) -> str:
    if kind == "datetime":
        return str((EPOCH + pd.Timedelta(value, "s")).strftime("%Y-%m-%d %H:%M"))
    return f"{value:.3g}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
