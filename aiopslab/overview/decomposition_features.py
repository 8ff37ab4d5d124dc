"""Features: what each call met in each layer, in the order in which a question meets them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from aiopslab.overview.causes import CauseLayer

# A question goes through them in this order; each may be moved by those before it.
ORDER: tuple[CauseLayer, ...] = (
    "questions",
    "infrastructure",
    "classifier",
    "index",
    "prompt",
    "language model",
)
KINDS = 12  # of a category with a column of their own, the most frequent ones
APART = 0.95  # correlation with the time, from which a version cannot be told from the time
FOR_GOOD = 0.9
LEAST = 5  # rows in which a feature is another than in most


def call_features(
    rows: pd.DataFrame, is_after: np.ndarray, few: CauseLayer = "index"
) -> tuple[pd.DataFrame, set[CauseLayer]]:
    """Return the features of calls, by layer, and the layers that switched with the time.

    Parameters
    ----------
    rows
        As `call_rows` returns them.
    is_after
        Which of them are after the onset.
    few
        Layer that fewer documents are told of: a search that runs out of time brings as few as an
        index that lost them.

    Returns
    -------
    tuple
        Columns of ``(layer, feature)``, without a missing value; and the layers whose versions or
        documents were replaced at the onset: what they did and what the time did is one.
    """
    found: dict[tuple[str, str], pd.Series] = {}
    is_after = np.asarray(is_after, dtype=np.float64)
    switched: set[CauseLayer] = set()
    topic = next((each for each in ("target", "route", "prediction") if _known(rows, each)), None)
    if topic is not None:
        found |= _dummies("questions", rows[topic])
    found["questions", "length"] = rows["input"].fillna("").str.len().astype(float).map(np.log1p)
    if "retrieved_ids" in rows:
        counts = rows["retrieved_ids"].map(_count)
        found[few, "no documents"] = (counts == 0).astype(float)
        found[few, "documents"] = counts.astype(float)
        others = _others(rows, is_after)
        if _is_time(others, is_after):
            switched.add("index")
        else:
            found["index", "other documents"] = others
    for name in ("right", "score"):
        if _known(rows, name):
            found["classifier", name] = _filled(rows[name])
    versions: tuple[tuple[CauseLayer, str, str], ...] = (
        ("prompt", "prompt_version", "input_tokens"),
        ("language model", "model", "output_tokens"),
    )
    for layer, column, tokens in versions:
        for key, values in _dummies(layer, rows[column]).items():
            if _is_time(values, is_after):
                switched.add(layer)
            else:
                found[key] = values
        found[layer, tokens] = _filled(rows[tokens])
    return _varying(found, rows.index), switched


def observation_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of predictions: what was asked, and nothing that the model made of it."""
    found: dict[tuple[str, str], pd.Series] = {}
    if _known(rows, "target"):
        found |= _dummies("questions", rows["target"])
    if _known(rows, "text_length"):
        found["questions", "length"] = _filled(rows["text_length"]).clip(lower=0).map(np.log1p)
    return _varying(found, rows.index)


def _is_time(values: pd.Series, is_after: np.ndarray) -> bool:
    """Tell whether a feature can hardly be told from the time."""
    if not values.std() > 0 or not is_after.any() or is_after.all():
        return False
    return bool(abs(np.corrcoef(values.to_numpy(float), is_after)[0, 1]) >= APART)


def _varying(found: dict[tuple[str, str], pd.Series], index: pd.Index) -> pd.DataFrame:
    kept = {
        key: values.astype(float)
        for key, values in found.items()
        if (values != values.mode().iloc[0]).sum() >= LEAST
    }
    columns = pd.MultiIndex.from_tuples(list(kept), names=["layer", "feature"])
    if not kept:
        return pd.DataFrame(index=index, columns=columns)
    return pd.DataFrame(np.column_stack(list(kept.values())), index, columns)


def _dummies(layer: str, values: pd.Series) -> dict[tuple[str, str], pd.Series]:
    texts = values.astype(object).where(values.notna(), "").map(str)
    kinds: Iterable[str] = texts.value_counts().index[1 : 1 + KINDS]
    return {(layer, each): (texts == each).astype(float) for each in kinds}


def _others(rows: pd.DataFrame, is_after: np.ndarray) -> pd.Series:
    """Return how unlike the documents are to those of the same question before; the mean else."""
    route = rows["prediction"] if "prediction" in rows else rows["input"]
    keys = list(zip(rows["input"].astype(object), route.astype(object).map(str), strict=True))
    first: dict[object, frozenset[str]] = {}
    unlike = np.full(len(rows), np.nan)
    sets = [frozenset(map(str, each)) if _count(each) else None for each in rows["retrieved_ids"]]
    for place, (key, ids) in enumerate(zip(keys, sets, strict=True)):
        if ids is None:
            continue
        if key in first:
            both = first[key] | ids
            unlike[place] = 1 - len(first[key] & ids) / len(both)
        elif not is_after[place]:
            first[key] = ids
    # What was not asked before says nothing of it, on either side.
    values = pd.Series(unlike, rows.index)
    means = values.groupby(is_after).transform("mean")
    return values.fillna(means).fillna(0.0)


def _count(ids: object) -> int:
    return len(ids) if isinstance(ids, (list, tuple, np.ndarray)) else 0


def _known(rows: pd.DataFrame, column: str) -> bool:
    return column in rows and bool(rows[column].notna().mean() > FOR_GOOD / 2)


def _filled(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    return numbers.fillna(numbers.mean()).fillna(0.0)
