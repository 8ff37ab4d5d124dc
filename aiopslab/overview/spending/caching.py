"""Caching: calls that an earlier answer to the same question would have spared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.durations import spoken
from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.quality import Standing, standing
from aiopslab.overview.spending.questions import MOST, asked
from aiopslab.overview.spending.stretches import Floats, Ints
from aiopslab.overview.written import value_of
from aiopslab.statistics.intervals import wilson

Bools = npt.NDArray[np.bool_]
_APART = ("prompt_version", "model", "route", "tenant")


@dataclass(frozen=True)
class Cache:
    """What a cache of answers would have done.

    Parameters
    ----------
    questions
        The number of the question of each call, ``(calls,)``; below 0 without a text.
    hits
        Whether it would have answered, ``(calls,)``.
    first
        The place of the call whose answer it would have given, ``(calls,)``; its own elsewhere.
    alike_usd
        What answering questions in the same words, in another order, would spare beyond; NaN where
        there are too many questions to look for that.
    lives
        How long an answer is kept.
    """

    questions: Ints
    hits: Bools
    first: Ints
    alike_usd: float
    lives: pd.Timedelta

    def standing(
        self, ledger: Ledger, scores: Floats, margin: float, confidence: float, seed: int
    ) -> tuple[Standing, str]:
        """Return how good its answers are beside fresh ones, and what that rests on.

        Where the fresh answer was the same as the kept one all but surely, nothing is lost. Else
        the scores of the kept answers are compared with those of the fresh ones.
        """
        at = np.flatnonzero(self.hits)
        outputs = ledger.calls["output"]
        fresh, kept = outputs.iloc[at], outputs.iloc[self.first[at]]
        told = (fresh.notna().to_numpy()) & (kept.notna().to_numpy())
        same = int((fresh.to_numpy()[told] == kept.to_numpy()[told]).sum())
        share = f"Of {int(told.sum()):,} repeats the fresh answer was the same in {same:,}."
        if told.any() and wilson(same, int(told.sum()), confidence)[0] >= 1 - margin:
            return Standing("not worse"), share
        firsts = np.unique(self.first[at])
        whole = np.zeros(len(scores), np.int64)
        found = standing(
            scores[at],
            scores[firsts],
            (self.questions[at], self.questions[firsts]),
            (whole[at], whole[firsts]),
            margin=margin,
            confidence=confidence,
            seed=seed,
        )
        return found, share


def cached(ledger: Ledger, lives: pd.Timedelta) -> Cache:
    """Find the calls that a cache would have answered.

    Parameters
    ----------
    ledger
        The calls.
    lives
        How long an answer is kept from the moment that it was given; used again or not.

    Notes
    -----
    A question is the same where its text is but for how it is written, and prompt version, model,
    route and tenant are the same, since no tenant may get what another was told. Calls without an
    answer neither fill the cache nor are answered by it, unless no answer was recorded at all.
    """
    calls = ledger.calls
    same, alike = asked(calls["input"])
    answered = calls["output"].notna().to_numpy() & (calls["output"] != "").to_numpy(bool)
    usable = (same >= 0) & (answered | (not answered.any()))
    apart, _ = ledger.codes(*(each for each in _APART if each in ledger.dimensions))
    times = calls["timestamp"].to_numpy("datetime64[us]").astype(np.int64)
    life = int(lives / pd.Timedelta(1, "us"))
    hits, first = _answered(np.where(usable, same, -1), apart, times, life)
    # Only where one set of words was written in two ways does it matter how it was.
    mixed = usable & _written_twice(same, alike)
    more, _ = _answered(np.where(mixed, alike, -1), apart, times, life)
    money = np.nan_to_num(ledger.cost)
    extra = max(float(money[more].sum() - money[hits & mixed].sum()), 0.0)
    if int(same.max(initial=-1)) >= MOST:
        extra = float("nan")
    return Cache(same, hits, first, extra, lives)


def said(cache: Cache, ledger: Ledger, answers: str, scale: float, period: str) -> str:
    """Say what the saving of a cache rests on."""
    hits, alike = int(cache.hits.sum()), cache.alike_usd * scale
    told = f"{hits:,} of {len(cache.hits):,} calls repeat a question within {spoken(cache.lives)}."
    unknown = int((cache.hits & ~ledger.known).sum())
    told += f" The cost of {unknown:,} of them is not known." if unknown else ""
    told += f" {answers}" if hits else ""
    if np.isnan(alike):
        told += (
            " The same words in another order were not looked for: there are too many questions."
        )
    if alike > 0:
        told += (
            f" The same words in another order would add {value_of(alike, 'USD')} in {period} at "
            "most: whether their answers are the same was not measured."
        )
    return told


def _written_twice(same: Ints, alike: Ints) -> Bools:
    """Return which calls hold words that were asked in more than one way, ``(calls,)``."""
    told = np.flatnonzero(same >= 0)
    ways = np.zeros(int(alike.max(initial=-1)) + 1, np.int64)
    forms = np.full(int(same.max(initial=-1)) + 1, -1, np.int64)
    forms[same[told]] = alike[told]
    np.add.at(ways, forms[forms >= 0], 1)
    found = np.zeros(len(same), bool)
    found[told] = ways[alike[told]] > 1
    return found


def _answered(questions: Ints, apart: Ints, times: Ints, life: int) -> tuple[Bools, Ints]:
    """Return which calls a kept answer serves, and whose; times are in order.

    From each call that fills the cache the next one to do so is known: the first past the life of
    its answer. Which calls fill it is found by jumps of doubling length, so that no question is
    walked through call by call.
    """
    hits, first = np.zeros(len(times), bool), np.arange(len(times))
    kept = np.flatnonzero(questions >= 0)
    group = pd.factorize(questions[kept] * (int(apart.max(initial=0)) + 1) + apart[kept])[0]
    again = np.bincount(group)[group] > 1
    kept, group = kept[again], group[again].astype(np.int64)
    if not len(kept):
        return hits, first
    when, count = times[kept], len(kept)
    # Ranks for times: a group and a rank fit one number, whatever the times.
    ranks = np.searchsorted(when, when), np.searchsorted(when, when + life, "right")
    by_group = np.argsort(group, kind="stable")
    order, group = kept[by_group], group[by_group]
    rank, until = (each[by_group] for each in ranks)
    jump = np.searchsorted(group * (count + 1) + rank, group * (count + 1) + until)
    jump = np.append(np.where(np.append(group, -1)[jump] == group, jump, count), count)
    jump = jump.astype(np.int32)  # half as much to move
    fills = np.append(np.append(True, group[1:] != group[:-1]), False)
    while (jump[:-1] < count).any():
        fills[jump[fills]] = True
        fills[count] = False
        jump = jump[jump]
    fills = fills[:-1]
    source = order[np.maximum.accumulate(np.where(fills, np.arange(count), 0))]
    hits[order], first[order] = ~fills, source
    return hits, first
