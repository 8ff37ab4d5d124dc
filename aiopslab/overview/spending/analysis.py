"""The analysis of spending: calls in, where their money went and what would save out."""

import math
from dataclasses import replace
from datetime import datetime

import pandas as pd

from aiopslab.durations import parse
from aiopslab.errors import ParameterError
from aiopslab.frames import to_utc
from aiopslab.overview.spending.inputs import lengths
from aiopslab.overview.spending.ledger import read
from aiopslab.overview.spending.outlook import burned
from aiopslab.overview.spending.prices import Prices
from aiopslab.overview.spending.result import Spending
from aiopslab.overview.spending.savings import Terms, weigh
from aiopslab.sources.evidence import noting
from aiopslab.statistics.outcomes import MARGIN


def spend(
    calls: pd.DataFrame,
    *,
    budget_usd: float | None = None,
    period: str = "30D",
    horizon: str = "7D",
    begin: str | datetime | pd.Timestamp | None = None,
    prices: Prices | None = None,
    time_to_live: str = "1h",
    quality: str | None = None,
    margin: float = MARGIN,
    confidence: float = 0.95,
    seed: int = 0,
) -> Spending:
    """Say where the money of calls goes, how long a budget lasts, and what would save.

    Parameters
    ----------
    calls
        A ``calls`` frame, in any order; with ``route`` or ``tenant`` money is split by them, too.
    budget_usd
        Of a period; without one only what will be spent is foretold.
    period
        For which the budget is meant, and in which savings are told.
    horizon
        How far ahead spending is foretold; never further than half as far as the calls reach back.
    begin
        When a period began; the others follow from it. The first call where ``None``.
    prices
        Model to USD for a million input and a million output tokens; costs that were not recorded
        are worked out from them.
    time_to_live
        How long a cache would keep an answer.
    quality
        Column of how good answers are, of which more is better; where ``None``, whichever of
        ``feedback``, ``groundedness`` and ``score`` was given the most.
    margin
        By how much answers may be worse without that mattering, in the unit of that column.
    confidence
        Of the intervals; of savings, of all of them together.
    seed
        Of the resampling.

    Returns
    -------
    Spending

    Raises
    ------
    FrameError
        If the calls do not fit their frame: a cost below 0 does not, one that is infinite is taken
        for not known.
    ParameterError
        If a number is out of range, a duration none, or the column of quality is not there.

    Notes
    -----
    Calls of the same hour or day are alike. Intervals of means and savings therefore are taken over
    stretches of time, see `spending.stretches`; those of the forecast are of simulated paths, see
    `spending.forecast`. A saving is what the calls that were recorded would have cost less, scaled
    to a period: it holds for as long as people ask as they did. An alternative is only told where
    it was recorded beside what is in use, and is not worse where the interval of the difference
    lies above minus the margin (non-inferiority; see G. Piaggio et al., JAMA 308, 2012).

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=720, freq="h", tz="UTC")
    >>> calls = pd.DataFrame({"timestamp": times, "prompt_version": "v1", "model": "large",
    ...                       "input": "why?", "output": "so", "input_tokens": 1_000.0,
    ...                       "output_tokens": 50.0, "latency_ms": 900.0, "cost_usd": 0.01})
    >>> found = spend(calls, budget_usd=10, period="60D")
    >>> found.by("model")[["model", "calls", "cost_usd", "share"]]
       model  calls  cost_usd  share
    0  large    720       7.2    1.0
    >>> found.burn.outlook, round(found.burn.left, 2)
    ('expected', 2.8)
    """
    if not 0.5 <= confidence < 1:
        raise ParameterError(
            f"confidence is {confidence}; expected 0.5 to below 1", "Write 95 % as 0.95."
        )
    _check("margin", margin, "Pass by how much answers may be worse without that mattering.")
    if budget_usd is not None:
        _check("budget_usd", budget_usd, "Pass the USD of a period, or leave it out.")
    terms = Terms(
        _duration("period", period),
        _duration("time_to_live", time_to_live),
        quality,
        margin,
        confidence,
        seed,
    )
    ahead = _duration("horizon", horizon)
    with noting() as assumed:
        since = None if begin is None else to_utc(pd.Series([begin]), "begin").iloc[0]
    ledger = read(calls, prices)
    ledger = replace(ledger, notes=(*assumed, *ledger.notes))
    inputs = lengths(ledger, confidence, seed)
    return Spending(
        ledger,
        burned(ledger, budget_usd, terms.period, ahead, since, confidence, seed),
        weigh(ledger, inputs, terms),
        inputs,
        *(terms.period, confidence, seed),
    )


def _check(name: str, value: float, remedy: str) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ParameterError(f"{name} is {value}; expected a number above 0", remedy)


def _duration(name: str, given: str) -> pd.Timedelta:
    duration = parse(given)
    if duration is None:
        raise ParameterError(
            f"{name} is {given!r}; expected a duration above 0", "Write for example 30D or 1h."
        )
    return duration
