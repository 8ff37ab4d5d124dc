"""Inputs: how long each version of a prompt is, and how much of that never changes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.prices import MILLION
from aiopslab.overview.spending.stretches import means
from aiopslab.overview.written import value_of

VERSIONS = 100  # with the most calls
EXACT = 0.01  # of a mean cost, by which tokens may miss it and still be what it is made of


@dataclass(frozen=True)
class Inputs:
    """The input of each version.

    Parameters
    ----------
    rows
        One row a version: ``prompt_version, calls, input_tokens, low, high, fixed_at_most,
        fixed_share, fixed_usd``. Tokens are the mean a call with its interval. What is sent with
        every call is no longer than the shortest input of all, so that much is fixed at most; its
        share of the mean, and what it cost in all, where costs follow from tokens.
    """

    rows: pd.DataFrame

    def fixed(self, version: str) -> str:
        """Say how much of the input of a version is fixed at most; empty where nobody knows."""
        found = self.rows[self.rows["prompt_version"] == version]
        if found.empty or np.isnan(found["fixed_at_most"].iloc[0]):
            return ""
        row = found.iloc[0]
        told = (
            f"At most {row['fixed_at_most']:,.0f} of {row['input_tokens']:,.0f} input tokens a "
            f"call ({value_of(row['fixed_share'], '')}) are sent with every call"
        )
        if np.isnan(row["fixed_usd"]):
            return f"{told}. "
        return f"{told}, for {value_of(row['fixed_usd'], 'USD')} of what was spent. "


def lengths(ledger: Ledger, confidence: float, seed: int) -> Inputs:
    """Measure the input of each version of the prompt; see `Inputs`."""
    calls = ledger.calls
    codes, names = ledger.codes("prompt_version")
    tokens = calls["input_tokens"].to_numpy(np.float64)
    counts = np.bincount(codes, minlength=len(names))
    shown = np.argsort(-counts, kind="stable")[:VERSIONS]
    place = np.full(len(names), -1)
    place[shown] = np.arange(len(shown))
    told = np.isfinite(tokens)
    groups = np.where(told, place[codes], -1) if len(names) else codes
    sizes, sums = ledger.stretches.sums(tokens, groups, len(shown))
    mean, low, high = means(sums, sizes, confidence, seed)
    least = np.full(len(shown), np.inf)
    np.minimum.at(least, groups[groups >= 0], tokens[groups >= 0])
    least[np.isinf(least)] = np.nan
    price = _input_prices(ledger)
    paid = np.bincount(codes, np.nan_to_num(price), minlength=len(names))[shown]
    missing = np.bincount(codes[np.isnan(price)], minlength=len(names))[shown] > 0
    rows = names.iloc[shown].reset_index(drop=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = least / mean
    rows = rows.assign(
        calls=counts[shown],
        input_tokens=mean,
        low=low,
        high=high,
        fixed_at_most=least,
        fixed_share=share,
        fixed_usd=np.where(missing, np.nan, least * paid / MILLION),
    )
    return Inputs(rows)


def _input_prices(ledger: Ledger) -> np.ndarray:
    """Return what a million input tokens of each call's model cost; NaN where that is not plain.

    It is plain where what calls cost is a sum of so much an input and so much an output token.
    """
    codes, names = ledger.codes("model")
    calls = ledger.calls
    tokens = calls[["input_tokens", "output_tokens"]].to_numpy(np.float64) / MILLION
    usable = ledger.known & np.isfinite(tokens).all(axis=1)
    prices = np.full(len(names), np.nan)
    for model in range(min(len(names), VERSIONS)):
        some = np.flatnonzero(usable & (codes == model))[:10_000]
        if len(some) < 3:
            continue
        (given, taken), _, rank, _ = np.linalg.lstsq(tokens[some], ledger.cost[some])
        missed = np.abs(tokens[some] @ [given, taken] - ledger.cost[some]).max()
        if rank == 2 and given > 0 and missed <= EXACT * ledger.cost[some].mean():
            prices[model] = given
    return prices[codes] if len(names) else np.empty(0)
