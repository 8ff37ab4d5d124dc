"""Both distributions of one feature as a few bars on shared edges."""

import numpy as np
import pandas as pd

from aiopslab.drift.cells import category_cells, ordered, states
from aiopslab.drift.embedding import Embedding
from aiopslab.drift.numeric import EPOCH, Numeric
from aiopslab.drift.profiles import Part
from aiopslab.drift.text import Text

BARS = 40  # of numbers
NAMED = 12  # categories that have a bar of their own
SHOWN = 0.005  # share of both sides beyond which values are put in the bars at the ends


def histogram(reference: Part, current: Part) -> pd.DataFrame:
    """Return the share of rows in each of a few bars.

    Parameters
    ----------
    reference, current
        Profiles of a feature on the same edges. Of texts the number of words is shown, of
        embeddings their length.

    Returns
    -------
    pandas.DataFrame
        ``label, left, right, reference, current``: of numbers (times as timestamps) the edges of
        each bar, the bars at the ends holding all that is beyond; of categories only the label.
        Rows that are missing, infinite or unreadable come last, without edges.

    Examples
    --------
    >>> from aiopslab.drift.categorical import categorical_profile
    >>> good = categorical_profile(pd.Series(["a", "a", "b", "b"]))
    >>> histogram(good, categorical_profile(pd.Series(["a", "c"])))[["label", "current"]]
      label  current
    0     a      0.5
    1     b      0.0
    2     c      0.5
    """
    if isinstance(reference, Text) and isinstance(current, Text):
        return histogram(reference.words, current.words)
    if isinstance(reference, Embedding) and isinstance(current, Embedding):
        return histogram(reference.projections[-1], current.projections[-1])
    if isinstance(reference, Numeric) and isinstance(current, Numeric):
        return _of_numbers(reference, current)
    return _of_categories(reference, current)


def _of_numbers(reference: Numeric, current: Numeric) -> pd.DataFrame:
    pair = ordered(reference, current)
    values = pair.values * reference.axis.scale + reference.axis.centre
    low, high = np.fmin(reference.low, current.low), np.fmax(reference.high, current.high)
    rows: list[tuple[object, ...]] = []
    if len(values):
        share = pair.reference / max(reference.finite, 1) + pair.current / max(current.finite, 1)
        ends = np.cumsum(share) / share.sum()
        first, last = np.searchsorted(ends, [SHOWN, 1 - SHOWN])
        left, right = (
            values[first].clip(low, high),
            values[min(last, len(ends) - 1)].clip(low, high),
        )
        edges = np.linspace(left, right, BARS + 1) if right > left else np.array([left, left])
        bar = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        shares = [
            np.bincount(bar, counts, len(edges) - 1) / max(part.rows, 1)
            for counts, part in ((pair.reference, reference), (pair.current, current))
        ]
        shown = [_shown(each, reference.kind) for each in edges]
        for at, (before, after) in enumerate(zip(*shares, strict=True)):
            label = f"{_name(shown[at])} to {_name(shown[at + 1])}"
            rows.append((label, shown[at], shown[at + 1], before, after))
    for name, before, after in zip(
        ("missing", "unreadable", "−∞", "∞"), states(reference), states(current), strict=True
    ):
        if before or after:
            rows.append(
                (name, None, None, before / max(reference.rows, 1), after / max(current.rows, 1))
            )
    return pd.DataFrame(rows, columns=["label", "left", "right", "reference", "current"])


def _of_categories(reference: Part, current: Part) -> pd.DataFrame:
    labels, one, two = category_cells(reference, current)  # type: ignore[arg-type]  # as called
    before, after = one / max(one.sum(), 1), two / max(two.sum(), 1)
    order = np.argsort(-(before + after)[: len(labels)], kind="stable")
    rows = [(labels[at], before[at], after[at]) for at in order[:NAMED]]
    rest = [*order[NAMED:], len(labels)]
    rows.append(("all others", before[rest].sum(), after[rest].sum()))
    rows.append(("missing", before[-1], after[-1]))
    kept = [row for row in rows if row[1] or row[2]]
    table = pd.DataFrame(kept, columns=["label", "reference", "current"])
    table.insert(1, "left", None)
    table.insert(2, "right", None)
    return table


def _shown(value: float, kind: str) -> float | pd.Timestamp:
    return EPOCH + pd.Timedelta(value, "s") if kind == "datetime" else float(value)


def _name(value: float | pd.Timestamp) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, pd.Timestamp) else f"{value:.3g}"
