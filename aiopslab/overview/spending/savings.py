"""Savings: what each change would have saved of the calls that were recorded, and all together."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.durations import spoken
from aiopslab.overview.spending.caching import Cache, cached, said
from aiopslab.overview.spending.inputs import Inputs
from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.quality import Standing, rated, rated_enough, standing
from aiopslab.overview.spending.saving import Kind, Saving
from aiopslab.overview.spending.stretches import Floats, Statistic, interval
from aiopslab.overview.spending.switches import KINDS, Switch, saved, switches
from aiopslab.overview.written import difference_of
from aiopslab.wording import listed

Bools = npt.NDArray[np.bool_]
_NOTHING = float("nan")


@dataclass(frozen=True)
class Terms:
    """How savings are told.

    Parameters
    ----------
    period
        In which they are told.
    lives
        How long a cache keeps an answer.
    quality
        Column of how good answers are; see `rated`.
    margin
        By how much answers may be worse without that mattering.
    confidence
        Of all intervals together.
    seed
        Of the resampling.
    """

    period: pd.Timedelta
    lives: pd.Timedelta
    quality: str | None
    margin: float
    confidence: float
    seed: int


def weigh(ledger: Ledger, inputs: Inputs, terms: Terms) -> tuple[Saving, ...]:
    """Weigh what could be saved, the most first.

    Parameters
    ----------
    ledger
        The calls.
    inputs
        Of the versions of the prompt.
    terms
        How it is told.

    Notes
    -----
    Everything that is told at once holds together: intervals are corrected by C. E. Bonferroni,
    1936, over all savings and all comparisons of quality. What is chosen for the sum was chosen by
    intervals that all hold, so that choosing it misleads nobody.
    """
    if ledger.calls.empty or not ledger.known.any():
        return ()
    scores, column = rated(ledger.calls, terms.quality)
    cache = cached(ledger, terms.lives)
    told = {each: switches(ledger, each) for each in KINDS}
    found = [switch for each, _ in told.values() for switch in each]
    # Two statements a switch and two of the cache, of money and of quality; and the sum.
    statements = 2 * len(found) + 3
    corrected = replace(terms, confidence=1 - (1 - terms.confidence) / statements)
    weigher = _Weigher(ledger, scores, column, corrected)
    savings = [(weigher.switch(each, cache), each) for each in found]
    singles: list[Saving] = [saving for saving, _ in savings]
    for each, (_, lacking) in told.items():
        if lacking:
            singles.append(weigher.unrecorded(each, lacking, inputs))
    singles.append(kept := weigher.cache(cache))
    chosen = [(saving, switch) for saving, switch in savings if saving.is_sure]
    chosen.sort(key=lambda pair: -pair[0].saves_usd)
    parts = int(kept.is_sure) + len(chosen)
    if parts > 1:
        hits = cache.hits if kept.is_sure else np.zeros_like(cache.hits)
        singles.append(weigher.together(hits, [switch for _, switch in chosen]))
    singles.sort(key=lambda each: (np.isnan(each.saves_usd), -np.nan_to_num(each.saves_usd)))
    return tuple(singles)


@dataclass(frozen=True)
class _Weigher:
    """Weighs changes of the same calls by the same terms."""

    ledger: Ledger
    scores: Floats
    column: str
    terms: Terms

    @property
    def scale(self) -> float:
        """Of what was recorded to a period."""
        span = self.ledger.span
        return self.terms.period / span if span > pd.Timedelta(0) else _NOTHING

    def switch(self, switch: Switch, cache: Cache) -> Saving:
        """Weigh a switch."""
        sums = switch.sums(self.ledger, np.zeros_like(cache.hits))
        told = self._standing(switch, cache)
        one, other = sums.sum(axis=(0, 1))[[0, 2]]
        how = (
            f"{int(one):,} calls of {switch.before} beside {int(other):,} of {switch.after}, where "
            f"both were called. {self._quality(told)}"
        )
        how += "" if switch.is_together else " They did not run at the same time."
        flat = sums.reshape(len(sums), -1)
        shape = sums.shape[1:]
        what = f"{switch.after} instead of {switch.before}"
        return self._saving(
            switch.kind,
            f"{_named(switch.column)} {what}",
            flat,
            lambda means: saved(means.reshape(*means.shape[:-1], *shape)),
            told,
            how,
        )

    def cache(self, cache: Cache) -> Saving:
        """Weigh a cache of answers."""
        what = f"A cache that keeps answers for {spoken(cache.lives)}"
        if not (cache.questions >= 0).any():
            nobody = "No input was recorded, so that nobody knows what was asked twice."
            return _unknown("cache", what, nobody, self.terms.confidence)
        told, answers = Standing("not worse"), ""
        if cache.hits.any():
            told, answers = cache.standing(
                *(self.ledger, self.scores, self.terms.margin),
                *(self.terms.confidence, self.terms.seed),
            )
        how = said(cache, self.ledger, answers, self.scale, spoken(self.terms.period))
        if cache.hits.any() and told.method != "none":
            how += f" {self._quality(told)}"
        sums = self._spared(cache.hits)
        return self._saving("cache", what, sums, lambda means: means[..., 0], told, how)

    def together(self, hits: Bools, chosen: list[Switch]) -> Saving:
        """Weigh all that surely saves and is not worse: a call is only spared or switched once."""
        spared = hits.copy()
        parts, shapes = [self._spared(hits)], []
        for switch in chosen:
            sums = switch.sums(self.ledger, spared)
            spared |= switch.is_before
            shapes.append(sums.shape[1:])
            parts.append(sums.reshape(len(sums), -1))
        ends = np.cumsum([each.shape[1] for each in parts])[:-1]

        def statistic(means: Floats) -> Floats:
            first, *others = np.split(means, ends, axis=-1)
            total = first[..., 0]
            for each, shape in zip(others, shapes, strict=True):
                total = total + saved(each.reshape(*each.shape[:-1], *shape))
            return total

        names = ["the cache"] if hits.any() else []
        names += [f"{each.after} instead of {each.before}" for each in chosen]
        how = (
            f"{_capital(listed(names))}: those that surely save and are not worse. A call is "
            "counted once: by the cache where that answers, else by the change that saves the most."
        )
        sums = np.concatenate(parts, axis=1)
        told = Standing("not worse")
        return self._saving("all together", "All of these together", sums, statistic, told, how)

    def unrecorded(self, column: str, lacking: str, inputs: Inputs) -> Saving:
        """Say what would have to be recorded, where nothing cheaper was."""
        needed = rated_enough(self.scores, self.terms.margin, self.terms.confidence)
        told = Standing("not enough data", needed=needed)
        what = {
            "model": f"A model cheaper than {lacking}",
            "prompt_version": f"A prompt shorter than {lacking}",
        }[column]
        fixed = inputs.fixed(lacking) if column == "prompt_version" else ""
        how = f"Nothing else was recorded beside it. {fixed}{self._quality(told)}"
        return _unknown(KINDS[column], what, how, self.terms.confidence)

    def _standing(self, switch: Switch, cache: Cache) -> Standing:
        one, other = switch.is_before, switch.is_after
        return standing(
            self.scores[one],
            self.scores[other],
            (cache.questions[one], cache.questions[other]),
            (switch.strata[one], switch.strata[other]),
            margin=self.terms.margin,
            confidence=self.terms.confidence,
            seed=self.terms.seed,
        )

    def _quality(self, told: Standing) -> str:
        """Say how good the alternative is, or how much would tell."""
        margin = difference_of(self.terms.margin, "").lstrip("+")
        rate = float(np.isfinite(self.scores).mean())
        share = f", {told.needed / rate:,.0f} calls" if rate else ""
        enough = (
            f"{told.needed:,} rated answers of each{share} would be enough to tell whether it is "
            f"worse by less than {margin}."
        )
        if not self.column:
            return f"No answer was rated: {enough}"
        if np.isnan(told.value):
            return f"By {self.column}, {enough}"
        ends = [difference_of(each, "") for each in (told.value, told.low, told.high)]
        paired = "in pairs by question" if told.method == "paired" else "of different questions"
        sure = f"{_capital(self.column)} {ends[0]} ({ends[1]} to {ends[2]}), {paired}."
        return sure if told.outcome != "not enough data" else f"{sure} {_capital(enough)}"

    def _spared(self, hits: Bools) -> Floats:
        groups = np.where(hits & self.ledger.known, 0, -1)
        return self.ledger.stretches.sums(self.ledger.cost, groups, 1)[1]

    def _saving(
        self,
        kind: Kind,
        what: str,
        sums: Floats,
        statistic: Statistic,
        told: Standing,
        how: str,
    ) -> Saving:
        count, scale = len(sums), self.scale
        recorded = float(statistic(sums.mean(axis=0))) * count
        low, high = interval(sums, statistic, self.terms.confidence, self.terms.seed)
        share = recorded / float(np.nansum(self.ledger.cost) or _NOTHING)
        return Saving(
            kind,
            what,
            recorded * scale,
            low * count * scale,
            high * count * scale,
            share,
            told.outcome,
            how,
            self.terms.confidence,
        )


def _unknown(kind: Kind, what: str, how: str, confidence: float) -> Saving:
    """Return a saving that nobody can tell."""
    nothing = _NOTHING
    return Saving(
        kind, what, nothing, nothing, nothing, nothing, "not enough data", how, confidence
    )


def _named(column: str) -> str:
    return {"model": "Model", "prompt_version": "Prompt"}[column]


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
