"""How far one feature moved between two profiles, in what measure and in which direction."""

from dataclasses import dataclass

import numpy as np

from aiopslab.drift.categorical import Categorical
from aiopslab.drift.cells import (
    Counts,
    Floats,
    Ordered,
    category_cells,
    deviation,
    distance_cells,
    most_frequent,
    ordered,
    share_cells,
    states,
    winsorised,
)
from aiopslab.drift.direction import category_words, missing_words, numeric_words, too_few
from aiopslab.drift.effects import (
    NOTHING,
    Estimate,
    estimated,
    estimated_wasserstein,
    jensen_shannon,
    stability_index,
    total_variation,
)
from aiopslab.drift.embedding import DIRECTIONS, Embedding
from aiopslab.drift.numeric import Numeric
from aiopslab.drift.omnibus import (
    LEAST_EXPECTED,
    category_test,
    cauchy_combination,
    ordered_test,
)
from aiopslab.drift.profiles import Part
from aiopslab.drift.text import Text

LEAST_ROWS = 30  # of values on either side, for a test and an interval
STATES = 0.15  # weight of the test of what is missing, beside 1 of that of the values

DISTANCES = (jensen_shannon, stability_index, total_variation)
SDS = "Wasserstein (reference SDs)"
SHARE = "total variation"
WORD = "change of a word's share of texts"
SLICED = "sliced Wasserstein (reference SDs)"


@dataclass(frozen=True)
class Margins:
    """The effects that are too small to act on.

    Parameters
    ----------
    sds
        For numbers, times and embeddings. A shift of a twentieth of a standard deviation moves
        one row in fifty across a threshold at the median, which no model notices.
    share
        For categories, truth values, words, and what is missing: the like of it, a row in fifty.
    """

    sds: float = 0.05
    share: float = 0.02


@dataclass(frozen=True)
class FeatureDrift:
    """How far one feature moved.

    Parameters
    ----------
    feature, kind
        Which, and what kind of thing it holds.
    measure, effect
        The effect that counts for this kind, and its name.
    wasserstein, js, psi, tv
        All distances that the kind has: of Wasserstein in reference SDs (robust to one outlier),
        Jensen–Shannon, population stability index, total variation.
    p
        Of the test that nothing moved; NaN without enough data.
    margin
        An effect below it is too small to act on.
    missing
        Most that the share of missing rows may have changed by.
    direction
        In words, what moved.
    q, significant, drifted
        After Benjamini–Hochberg over all features; and whether it may also be large enough.
    """

    feature: str
    kind: str
    measure: str
    effect: Estimate
    wasserstein: Estimate
    js: Estimate
    psi: Estimate
    tv: Estimate
    p: float
    margin: float
    missing: float
    direction: str
    q: float = np.nan
    significant: bool = False
    drifted: bool = False


@dataclass(frozen=True)
class Judge:
    """What is the same for all features of a comparison.

    Parameters
    ----------
    margins
        Effects that are too small to act on.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.
    """

    margins: Margins
    confidence: float
    seed: int

    def feature(self, name: str, one: Part, two: Part) -> FeatureDrift:
        """Compare a feature, whatever its kind."""
        if isinstance(one, Numeric) and isinstance(two, Numeric):
            return self._numeric(name, one, two)
        if isinstance(one, Categorical) and isinstance(two, Categorical):
            return self._categorical(name, one, two)
        if isinstance(one, Text) and isinstance(two, Text):
            return self._text(name, one, two)
        assert isinstance(one, Embedding)
        assert isinstance(two, Embedding)
        return self._embedding(name, one, two)

    def _numeric(self, name: str, one: Numeric, two: Numeric) -> FeatureDrift:
        missed, missing = self._missing(one, two)
        words = missing_words(states(one), states(two), one.rows, two.rows)
        if min(one.finite, two.finite) < LEAST_ROWS:
            # All may be missing now, which is a finding and no lack of data.
            p = missed if min(one.rows, two.rows) >= LEAST_ROWS else np.nan
            told = words if p == p else too_few(one.finite, two.finite, LEAST_ROWS)  # noqa: PLR0124
            return self._of(name, one, SDS, NOTHING, p, missing, told)
        pair = ordered(one, two)
        p, location, scale = ordered_test(pair.reference, pair.current)
        told = numeric_words(one, two, pair, location, scale)
        if missed < np.nan_to_num(p, nan=1):
            told = words
        cells = share_cells(pair, one, two)
        distance = self._wasserstein(pair)
        joined = cauchy_combination([p, missed], [1, STATES])
        return self._of(name, one, SDS, distance, joined, missing, told, cells, distance)

    def _categorical(self, name: str, one: Categorical, two: Categorical) -> FeatureDrift:
        if min(one.rows, two.rows) < LEAST_ROWS:
            told = too_few(one.rows, two.rows, LEAST_ROWS)
            return self._of(name, one, SHARE, NOTHING, np.nan, 0.0, told)
        labels, *counts = category_cells(one, two)
        told = category_words(labels, *counts)
        cells = most_frequent(*counts)
        p = category_test(*counts)
        return self._of(name, one, SHARE, None, p, 0.0, told, cells)

    def _text(self, name: str, one: Text, two: Text) -> FeatureDrift:
        missed, missing = self._missing(one, two)
        documents = one.words.rows, two.words.rows
        if min(documents) < LEAST_ROWS:
            told = too_few(*documents, LEAST_ROWS)
            return self._of(name, one, WORD, NOTHING, np.nan, missing, told)
        lengths = [
            ordered_test(pair.reference, pair.current)[0]
            for pair in (ordered(one.words, two.words), ordered(one.characters, two.characters))
        ]
        labels, *counts = category_cells(one.tokens, two.tokens)
        effect, p, told = self._words(labels, counts[0][:-2], counts[1][:-2], documents)
        joined = cauchy_combination([*lengths, p, missed], [0.25, 0.25, 0.5, STATES])
        distance = self._wasserstein(ordered(one.words, two.words))
        return self._of(name, one, WORD, effect, joined, missing, told, wasserstein=distance)

    def _words(
        self, labels: list[str], one: Counts, two: Counts, documents: tuple[int, int]
    ) -> tuple[Estimate, float, str]:
        """Return by how much the word that moved most did, the p-value, and what moved."""
        from scipy.special import ndtr, ndtri

        n, m = documents
        told = np.flatnonzero((one + two) * min(n, m) >= LEAST_EXPECTED * (n + m))
        if not len(told):
            return NOTHING, np.nan, "no word is in enough of the texts"
        before, after = one[told] / n, two[told] / m
        pooled = (one[told] + two[told]) / (n + m)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        z = np.divide(after - before, error, out=np.zeros(len(told)), where=error > 0)
        most = int(np.abs(z).argmax())
        # The interval holds for all words at once, since the one that moved most was picked.
        wide = ndtri(1 - (1 - self.confidence) / 2 / len(told)) * error[most]
        change = abs(float(after[most] - before[most]))
        p = min(1.0, float(2 * ndtr(-abs(z[most])) * len(told)))
        words = category_words(
            [labels[told[most]]],
            np.array([one[told[most]], n - one[told[most]], 0]),
            np.array([two[told[most]], m - two[told[most]], 0]),
        )
        return Estimate(change, max(0.0, change - wide), min(1.0, change + wide)), p, words

    def _embedding(self, name: str, one: Embedding, two: Embedding) -> FeatureDrift:
        missed, missing = self._missing(one, two)
        if min(one.finite, two.finite) < LEAST_ROWS:
            told = too_few(one.finite, two.finite, LEAST_ROWS)
            return self._of(name, one, SLICED, NOTHING, np.nan, missing, told)
        pairs = [ordered(a, b) for a, b in zip(one.projections, two.projections, strict=True)]
        seen = [ordered_test(pair.reference, pair.current)[0] for pair in pairs]
        each = [self._wasserstein(pair) for pair in pairs[:DIRECTIONS]]
        # The mean of the ends is at least as wide as the interval of the mean.
        effect = Estimate(*np.mean([[e.value, e.low, e.high] for e in each], axis=0).tolist())
        p = cauchy_combination([*seen, _mean_test(one, two), missed], [1.0] * (len(seen) + 2))
        moved = np.linalg.norm(two.mean - one.mean) / np.sqrt(max(one.variance.sum(), 1e-300))
        told = f"mean moved by {moved:.2g} of the spread"
        return self._of(name, one, SLICED, effect, p, missing, told, wasserstein=effect)

    def _wasserstein(self, pair: Ordered) -> Estimate:
        """Estimate the distance on all bins, with the interval of that on a few cells."""
        values = winsorised(pair)
        unit = deviation(pair.reference, values)
        if unit == 0:  # a reference that never varies has no unit of its own
            unit = deviation(pair.reference + pair.current, values)
        if unit == 0:
            return Estimate(0.0, 0.0, 0.0)
        one, two, means = distance_cells(pair, values)
        n, m = pair.reference.sum(), pair.current.sum()
        ahead = np.abs(np.cumsum(pair.reference / n - pair.current / m)[:-1])
        exact = float((ahead * np.diff(values)).sum())
        rough = float((np.abs(np.cumsum(one / n - two / m)[:-1]) * np.diff(means)).sum())
        estimate = estimated_wasserstein(one, two, np.diff(means), self.confidence, self.seed)
        scale = (exact / rough if rough else 1.0) / unit
        return Estimate(estimate.value * scale, estimate.low * scale, estimate.high * scale)

    def _missing(self, one: Part, two: Part) -> tuple[float, float]:
        """Return the p-value of a change of what is missing, and the most it may have changed."""
        from scipy.special import ndtri

        if isinstance(one, Numeric) and isinstance(two, Numeric):
            gone = states(one), states(two)
        else:
            gone = np.array([one.missing]), np.array([two.missing])
        n, m = one.rows, two.rows
        if not (gone[0].sum() + gone[1].sum() and n and m):
            return np.nan, 0.0
        cells = [
            np.append(each, rows - each.sum()) for each, rows in zip(gone, (n, m), strict=True)
        ]
        before, after = gone[0].sum() / n, gone[1].sum() / m
        error = np.sqrt(before * (1 - before) / n + after * (1 - after) / m)
        most = abs(after - before) + ndtri((1 + self.confidence) / 2) * error
        return category_test(cells[0], cells[1]), float(most)

    def _of(
        self,
        name: str,
        part: Part,
        measure: str,
        effect: Estimate | None,
        p: float,
        missing: float,
        direction: str,
        cells: tuple[Counts, Counts] | None = None,
        wasserstein: Estimate = NOTHING,
    ) -> FeatureDrift:
        js, psi, tv = NOTHING, NOTHING, NOTHING
        if cells is not None:
            js, psi, tv = estimated(*cells, DISTANCES, self.confidence, self.seed)
        # Of categories the effect is the total variation itself.
        in_shares = measure in {SHARE, WORD}
        return FeatureDrift(
            feature=name,
            kind=part.kind,
            measure=measure,
            effect=tv if effect is None else effect,
            wasserstein=wasserstein,
            js=js,
            psi=psi,
            tv=tv,
            p=float(p),
            margin=self.margins.share if in_shares else self.margins.sds,
            missing=missing,
            direction=direction,
        )


def _mean_test(one: Embedding, two: Embedding) -> float:
    """Return the p-value of the number whose mean moved most (Bonferroni over all of them)."""
    from scipy.special import ndtr

    error = np.sqrt(one.variance / one.finite + two.variance / two.finite)
    z: Floats = np.divide(two.mean - one.mean, error, out=np.zeros(one.length), where=error > 0)
    return min(1.0, float(2 * ndtr(-np.abs(z).max()) * one.length))
