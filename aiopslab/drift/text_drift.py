"""Drift of text: which words tell the current texts from those of the reference."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.auc import MARGIN, SAME, cross_validated_auc, folds_of
from aiopslab.drift.measure import ALPHA, Measure, Z, shift_of_means, unmeasured
from aiopslab.drift.mmd import mean_discrepancy

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]

AUC = "AUC of the texts"
LENGTH = "length of the texts"
ROWS = 10_000  # of each side, at most
CHARACTERS = 5_000  # of a text that are read
BUCKETS = 2**17  # that words are hashed to
NEEDED = 50  # texts of each side: ten in every fold
FOLDS = 5
TOPICS = 32
SHOWN = 15  # words
TOLD = 3  # words of either direction, in a sentence
LONGEST = 40  # characters of a word
LENGTH_MARGIN = 0.05  # standard deviations
WORD_COLUMNS = ("word", "change", "low", "high", "reference", "current")

# A character of a language that writes no spaces is a word of its own.
_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W぀-ヿ㐀-鿿가-힯]+")


@dataclass(frozen=True)
class TextDrift:
    """How well texts tell which sample they are of, and how their topics and length moved.

    Parameters
    ----------
    classifier
        The AUC on texts that were held out: finds words that came up or went out of use.
    discrepancy
        Of the topics: finds that known topics are mixed otherwise.
    length
        Difference of the mean logarithm of words, in standard deviations of the reference's.
    words
        One row a word, most telling first: ``word, change, low, high, reference, current``, where
        the last two are shares of the texts that have it. Empty where neither AUC nor topics
        moved. Words are what people wrote: escape them wherever HTML is made.
    """

    classifier: Measure
    discrepancy: Measure
    length: Measure
    words: pd.DataFrame

    @property
    def drifted(self) -> bool:
        """Whether one is significant beside the others (Bonferroni), and matters."""
        tried = len(self.measures)
        return any(tried * each.p <= ALPHA and each.matters for each in self.measures)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The three measures, with the p-value that each has alone."""
        return self.classifier, self.discrepancy, self.length

    @property
    def direction(self) -> str:
        """What moved, in a few words."""
        length = self.length.value
        longer = f"{'longer' if length > 0 else 'shorter'} by {abs(length):.2g} SDs"
        change = self.words["change"]
        words = [
            f"{more} of {', '.join(map(repr, self.words.loc[side, 'word'].head(TOLD)))}"
            for more, side in (("more", change > 0), ("less", change < 0))
            if side.any()
        ]
        return "; ".join([*words, *([longer] if self.length.drifted else [])])

    def table(self) -> pd.DataFrame:
        """Return one row a measure, with its interval."""
        return pd.DataFrame([each.row() for each in self.measures])

    def figure(self, column: str = "Texts") -> "go.Figure":
        """Draw in how many more, or fewer, texts the most telling words are.

        Parameters
        ----------
        column
            What the texts are called in the title.
        """
        from aiopslab.charts.bars import ranked_bars
        from aiopslab.charts.labels import label

        ends = ["change", "low", "high"]
        points = self.words.assign(**{each: 100 * self.words[each] for each in ends})
        ordered = points.sort_values("change", ascending=False, kind="stable")
        title = f"{label(column, LONGEST)}: words that tell the current texts from the reference"
        unit = "change of the share of texts that have it, percentage points"
        risen = int((ordered["change"] > 0).sum())
        return ranked_bars(ordered, "word", "change", title, unit, risen)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li>{escape(word)}: {before:.1%} → {after:.1%} of the texts</li>"
            for word, _, _, _, before, after in self.words.itertuples(index=False)
        )
        measures = "".join(f"<p>{escape(str(each))}</p>" for each in self.measures)
        return f'<section class="aiopslab-text-drift">{measures}<ul>{items}</ul></section>'


def compare_texts(reference: pd.Series, current: pd.Series, seed: int = 0) -> TextDrift:
    """Compare two columns of text.

    Parameters
    ----------
    reference, current
        Texts; missing ones are left out. Of more than 10,000 that many are drawn, and of each the
        first 5,000 characters.
    seed
        Of the draw and of the folds.

    Returns
    -------
    TextDrift
        "Not enough data" under 50 texts of a side.

    Notes
    -----
    TF-IDF of hashed words and a logistic regression, which S. Rabanser, S. Günnemann and
    Z. C. Lipton, "Failing loudly", NeurIPS 2019, compare with other classifiers of domains. Topics
    are the singular vectors of the same table, S. Deerwester and others, "Indexing by latent
    semantic analysis", JASIS 41, 1990, found without a look at which sample a text is of. Scores of
    a classifier are mostly noise where few texts changed; a few topics hold less of it.

    Examples
    --------
    >>> reference = pd.Series(["the train is late again", "where is my train"] * 60)
    >>> current = pd.Series(["the train is late again", "refund my ticket please"] * 60)
    >>> result = compare_texts(reference, current)
    >>> result.drifted, "refund" in set(result.words["word"])
    (True, True)
    """
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.feature_extraction.text import TfidfTransformer

    generator = np.random.default_rng(seed)
    sides = [_texts(each, generator) for each in (reference, current)]
    rows = (len(sides[0]), len(sides[1]))
    if min(rows) < NEEDED:
        nothing = unmeasured(AUC, SAME, MARGIN, "", rows, NEEDED)
        same = mean_discrepancy(np.empty((rows[0], 1)), np.empty((rows[1], 1)))
        length = unmeasured(LENGTH, 0, LENGTH_MARGIN, "reference SDs", rows, NEEDED)
        return TextDrift(nothing, same, length, pd.DataFrame(columns=WORD_COLUMNS))
    tokens = [[words_of(each) for each in side] for side in sides]
    hasher = FeatureHasher(BUCKETS, input_type="string", alternate_sign=False)
    counts = hasher.transform([*tokens[0], *tokens[1]])
    inputs = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    # The fit takes as long as there are buckets, empty or not; texts without a word leave one.
    used = np.union1d(inputs.indices, [0])
    inputs = inputs[:, used]
    classifier, weights = _classified(inputs, rows, generator)
    topics = _topics(inputs, seed)
    discrepancy = mean_discrepancy(topics[: rows[0]], topics[rows[0] :], seed)
    telling = []
    if min(classifier.p, discrepancy.p) <= ALPHA:
        telling = _telling(tokens, _Weights(hasher, used, weights))
    words = pd.DataFrame(telling, columns=WORD_COLUMNS)
    words_each = [np.log1p([len(text) for text in side]) for side in tokens]
    length = shift_of_means(LENGTH, words_each[0], words_each[1], LENGTH_MARGIN, rows, NEEDED)
    return TextDrift(classifier, discrepancy, length, words)


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters.

    Examples
    --------
    >>> words_of("Free entry, call 0800!")
    ['free', 'entry', 'call', '0800']
    """
    return [each[:LONGEST] for each in _WORD.findall(text.casefold())]


def _texts(series: pd.Series, generator: np.random.Generator) -> list[str]:
    known = series.dropna()
    if len(known) > ROWS:
        known = known.iloc[np.sort(generator.choice(len(known), ROWS, replace=False))]
    return [str(each)[:CHARACTERS] for each in known]


def _classified(
    inputs: Any, rows: tuple[int, int], generator: np.random.Generator
) -> tuple[Measure, Floats]:
    """Return the AUC, and the weight of every column."""
    from sklearn.linear_model import LogisticRegression

    is_current = np.arange(sum(rows)) >= rows[0]
    fold_of = np.concatenate([folds_of(each, FOLDS, generator) for each in rows])
    folds, weights = [], np.zeros(inputs.shape[1])
    for fold in range(FOLDS):
        held = fold_of == fold
        model = LogisticRegression(solver="liblinear", class_weight="balanced")
        model.fit(inputs[~held], is_current[~held])
        scores, truth = model.decision_function(inputs[held]), is_current[held]
        folds.append((scores[truth], scores[~truth]))
        weights += model.coef_[0] / FOLDS
    return cross_validated_auc(AUC, folds, rows, NEEDED), weights


def _topics(inputs: Any, seed: int) -> Floats:
    """Return how much every text has of each topic."""
    from sklearn.utils.extmath import randomized_svd

    vectors, sizes, _ = randomized_svd(inputs, min(TOPICS, *inputs.shape), random_state=seed)
    # Texts of the same words differ by rounding alone.
    return np.asarray(np.round(vectors * sizes, 9), dtype=np.float64)


@dataclass(frozen=True)
class _Weights:
    """The weight that the classifier gives to a word."""

    hasher: Any
    used: npt.NDArray[np.intp]
    weights: Floats

    def of(self, words: Iterable[str]) -> Floats:
        hashed = self.hasher.transform([[each] for each in words])[:, self.used]
        return np.asarray(hashed @ self.weights, dtype=np.float64)


def _telling(tokens: list[list[list[str]]], weight_of: _Weights) -> list[tuple[Any, ...]]:
    """Return the words whose use moved most surely, in the direction that their weight says.

    A word that shares its bucket with another one is not taken for it that way.
    """
    counts = [Counter(word for text in side for word in set(text)) for side in tokens]
    words = sorted(counts[0].keys() | counts[1].keys())
    rows = np.array([len(side) for side in tokens], dtype=np.float64)
    table = np.array([[side[word] for side in counts] for word in words], dtype=np.float64)
    shares = (table + 1) / (rows + 2)  # A. Agresti and B. Caffo, American Statistician 54, 2000
    change = shares[:, 1] - shares[:, 0]
    spread = np.sqrt((shares * (1 - shares) / (rows + 2)).sum(axis=1))
    deviate = np.where(change * weight_of.of(words) > 0, np.abs(change) / spread, 0)
    order = [each for each in np.argsort(-deviate, kind="stable")[:SHOWN] if deviate[each] > Z]
    return [
        (
            *(words[each], float(change[each])),
            *(float(change[each] - Z * spread[each]), float(change[each] + Z * spread[each])),
            *(table[each] / rows).tolist(),
        )
        for each in order
    ]
