"""Grouping: money and tokens by model, prompt version, route and tenant."""

import numpy as np
import pandas as pd

from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.stretches import Floats, means

INTERVALS = 300  # rows, those with the most money, that have an interval
FIGURES = ["calls", "unknown", "input_tokens", "output_tokens", "cost_usd", "share"]


def grouped(ledger: Ledger, columns: tuple[str, ...], confidence: float, seed: int) -> pd.DataFrame:
    """Return one row a combination of columns; see `Spending.by`."""
    number, names = ledger.codes(*columns)
    size, known = len(names), ledger.known
    cost = np.nan_to_num(ledger.cost)

    def total(values: Floats) -> Floats:
        return np.bincount(number, values, minlength=size).astype(np.float64)

    calls, counted, money = total(np.ones(len(number))), total(known.astype(float)), total(cost)
    table = names.assign(
        calls=calls.astype(np.int64),
        unknown=(calls - counted).astype(np.int64),
        input_tokens=total(np.nan_to_num(ledger.calls["input_tokens"].to_numpy(np.float64))),
        output_tokens=total(np.nan_to_num(ledger.calls["output_tokens"].to_numpy(np.float64))),
        # Of what nobody knows the cost nothing is said, not that it was free.
        cost_usd=np.where(counted > 0, money, np.nan),
        share=np.where(counted > 0, money, np.nan) / (money.sum() or np.nan),
        query_usd=np.nan,
        low=np.nan,
        high=np.nan,
    )
    order = np.lexsort([np.arange(size), -calls, -money])
    shown = order[:INTERVALS]
    place = np.full(size, -1)
    place[shown] = np.arange(len(shown))
    groups = np.where(known, place[number], -1) if size else number
    sizes, sums = ledger.stretches.sums(cost, groups, len(shown))
    _, low, high = means(sums, sizes, confidence, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["query_usd"] = money / counted
    table.loc[shown, ["low", "high"]] = np.column_stack([low, high])
    return table.iloc[order].reset_index(drop=True)
