"""Contrasts of rows before and after: of means, of mixes, and given what kind a row is."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

LEAST = 5  # rows of a kind, below which it is counted with the others


def given_kind(
    before: pd.DataFrame, after: pd.DataFrame, column: str, keys: list[str]
) -> tuple[Floats, Floats]:
    """Return values less the mean before of rows of the same kind; rows of no such are left out."""
    was, now = (each.dropna(subset=[column]) for each in (before, after))
    key = [pd.Index(keys_of(each, keys), dtype=object) for each in (was, now)]
    groups = pd.Series(was[column].to_numpy(float)).groupby(key[0])
    total, count = groups.sum(), groups.count()
    # Each row before is held against the others, else it would be its own expectation.
    own = was[column].to_numpy(float)
    sums, counts = total.reindex(key[0]).to_numpy(), count.reindex(key[0]).to_numpy()
    others = np.where(counts > 1, (sums - own) / np.maximum(counts - 1, 1), np.nan)
    rest = own - others
    late = now[column].to_numpy(float) - (total / count).reindex(key[1]).to_numpy()
    return rest[~np.isnan(rest)], late[~np.isnan(late)]


def apart_of(before: Floats, after: Floats) -> tuple[float, float]:
    """Return the p-value of B. L. Welch of two means, and how far apart they surely are."""
    if min(len(before), len(after)) < 2:
        return 1.0, 0.0
    error = math.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    value = abs(float(after.mean() - before.mean()))
    if error == 0:
        return float(value == 0), value
    return math.erfc(value / error / math.sqrt(2)), max(value - 1.96 * error, 0.0)


def mix_of(before: pd.Series, after: pd.Series) -> tuple[float, float, str]:
    """Return how far two mixes are apart (total variation), the p-value, and what gained most."""
    from scipy.stats import chi2_contingency

    counts = pd.DataFrame({"b": before.value_counts(), "a": after.value_counts()}).fillna(0)
    shares = counts / counts.sum()
    apart = float((shares["a"] - shares["b"]).abs().sum() / 2)
    place = int((shares["a"] - shares["b"]).to_numpy().argmax())
    was, now = 100 * shares["b"].iloc[place], 100 * shares["a"].iloc[place]
    told = f"{counts.index[place]} went from {was:.0f} to {now:.0f} %"
    rare = counts.sum(axis=1) < LEAST
    table = pd.concat([counts[~rare], counts[rare].sum().to_frame().T])
    table = table[table.sum(axis=1) > 0]
    if len(table) < 2:
        return apart, 1.0, told
    return apart, float(chi2_contingency(table.to_numpy()).pvalue), told


def keys_of(rows: pd.DataFrame, columns: list[str]) -> list[str]:
    """Return one text a row of what some columns hold."""
    texts = [rows[each].astype(object).where(rows[each].notna(), "").map(str) for each in columns]
    return ["\x1f".join(each) for each in zip(*texts, strict=True)]
