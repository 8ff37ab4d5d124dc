"""Ledger: calls as they were read, each with what it cost where that is known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.frames import conform
from aiopslab.overview.spending.prices import Prices, priced
from aiopslab.overview.spending.stretches import Floats, Ints, Stretches, cut
from aiopslab.sources.evidence import noting

ALWAYS, OPTIONAL = ("model", "prompt_version"), ("route", "tenant")
NOT_TOLD = "(not told)"
_TIES = ["cost_usd", "input_tokens", "output_tokens", "latency_ms"]


@dataclass(frozen=True)
class Ledger:
    """Calls in order.

    Parameters
    ----------
    calls
        A ``calls`` frame whose costs were completed by the prices.
    notes
        What was assumed or left out.
    """

    calls: pd.DataFrame
    notes: tuple[str, ...] = ()

    @cached_property
    def cost(self) -> Floats:
        """What each call cost, in USD; NaN where that is not known."""
        return self.calls["cost_usd"].to_numpy(np.float64)

    @cached_property
    def known(self) -> np.ndarray:
        """Whether the cost of each call is known."""
        return np.isfinite(self.cost)

    @cached_property
    def stretches(self) -> Stretches:
        """The stretches of time that the calls are in."""
        return cut(self.calls["timestamp"])

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What money can be split by: model, prompt version, and what else the calls tell."""
        told = (each for each in OPTIONAL if each in self.calls and self.calls[each].notna().any())
        return (*ALWAYS, *told)

    @property
    def span(self) -> pd.Timedelta:
        """From the first call to the last."""
        times = self.calls["timestamp"]
        return pd.Timedelta(0) if times.empty else times.iloc[-1] - times.iloc[0]

    @property
    def unknown(self) -> int:
        """How many calls have a cost that nobody knows."""
        return int((~self.known).sum())

    def codes(self, *columns: str) -> tuple[Ints, pd.DataFrame]:
        """Number the combinations of columns that there are.

        Returns
        -------
        tuple
            The number of each call's, ``(calls,)``, and the combinations, one row a number, in the
            order of their names.

        Raises
        ------
        ParameterError
            If a column is none that money can be split by, or comes twice.
        """
        for at, each in enumerate(columns):
            if each not in self.dimensions:
                told = ", ".join(self.dimensions) or "nothing"
                problem = f"money cannot be split by {each!r}; the calls tell {told}"
                raise ParameterError(problem, did_you_mean(str(each), list(self.dimensions)))
            if each in columns[:at]:
                raise ParameterError(f"money is split by {each!r} twice", "Name it once.")
        number = np.zeros(len(self.calls), np.int64)
        names = pd.DataFrame(index=pd.RangeIndex(min(len(self.calls), 1)))
        for each in columns:
            codes, values = self._coded[each]
            size = max(len(values), 1)
            number, kept = _renumbered(number * size + codes, len(names) * size)
            names = names.iloc[kept // size].reset_index(drop=True)
            names[each] = values[kept % size]
        return number, names

    @cached_property
    def _coded(self) -> dict[str, tuple[Ints, np.ndarray]]:
        """The number of the value of each call, and the values in order, by dimension."""
        told = {}
        for each in self.dimensions:
            codes, values = pd.factorize(self.calls[each].fillna(NOT_TOLD), sort=True)
            told[each] = codes.astype(np.int64), np.asarray(values, dtype=object)
        return told


def read(calls: pd.DataFrame, prices: Prices | None = None) -> Ledger:
    """Bring calls to their contract, count each once, and complete what they cost.

    Parameters
    ----------
    calls
        A ``calls`` frame, in any order.
    prices
        See `priced`; without them only recorded costs are known.

    Raises
    ------
    FrameError
        If the calls do not fit their frame; a cost below 0 does not.

    Notes
    -----
    Rows that are alike in everything, latency and moment included, were exported twice.
    """
    with noting() as assumed:
        frame = conform("calls", calls)
    notes = list(dict.fromkeys(assumed))
    frame, twice = _once(frame)
    if twice:
        notes.append(f"{_counted(twice)} alike in everything that was recorded: counted once.")
    before = int(frame["cost_usd"].notna().sum())
    if prices:
        frame = frame.assign(cost_usd=priced(frame, prices))
        found = int(frame["cost_usd"].notna().sum()) - before
        if found:
            notes.append(f"The cost of {found:,} calls is worked out from the prices given.")
    ledger = Ledger(frame, tuple(notes))
    if ledger.unknown:
        note = f"The cost of {ledger.unknown:,} of {len(frame):,} calls is not known: sums are of "
        notes.append(note + "the others, so that as much at least was spent.")
    return Ledger(frame, tuple(notes))


def _once(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return each call once, in an order that does not depend on that of the rows."""
    if frame["timestamp"].is_unique:
        return frame, 0
    keys = ["timestamp", *_TIES]
    frame = frame.sort_values(keys, kind="stable", ignore_index=True)
    alike = frame.duplicated(keys, keep=False) & frame["latency_ms"].notna()
    if not alike.any():
        return frame, 0
    texts = [each for each in frame.columns if each not in keys]
    some = frame.loc[alike, keys].join(frame.loc[alike, texts].astype(str))
    twice = some.index[some.duplicated()]
    return frame.drop(index=twice).reset_index(drop=True), len(twice)


def _renumbered(numbers: Ints, size: int) -> tuple[Ints, Ints]:
    """Number what there is of so many numbers from 0 on, and return which each stood for."""
    if size > 2 * len(numbers) + 1_000:
        kept, places = np.unique(numbers, return_inverse=True)
        return places.astype(np.int64), kept
    kept = np.flatnonzero(np.bincount(numbers, minlength=size))
    place = np.zeros(size, np.int64)
    place[kept] = np.arange(len(kept))
    return place[numbers], kept


def _counted(rows: int) -> str:
    return f"{rows:,} row{' is' if rows == 1 else 's are'}"
