"""Pooling: what several configurations find is judged together, blind to which of them found it.

K. Sparck Jones and C. van Rijsbergen, "Report on the need for and provision of an 'ideal'
information retrieval test collection", 1975, as TREC has done since. What no configuration found
was never looked at: a pool favours what it was made of, and says so by how much of a ranking it
knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.judgements import SPAN, answers_of
from aiopslab.retrieval.relevance import SHARE, Judged, judge
from aiopslab.retrieval.spans import of_questions, on_one_line, require, union

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

LONGEST = 2_000  # characters of a span that is judged as one


def pool(
    runs: Mapping[str, pd.DataFrame], depth: int = 10, seed: int = 0, longest: int = LONGEST
) -> pd.DataFrame:
    """Return what is to be judged: the best hits of all configurations, without saying whose.

    Parameters
    ----------
    runs
        Hits by configuration: ``question, rank, document, start, end``.
    depth
        How many ranks of each.
    seed
        Of the order: questions are shuffled, and so is what is to be judged for each.
    longest
        Characters up to which spans that overlap are judged as one, so that a judgement holds for
        other chunks of the same place. Chunks that overlap in a chain would else become a document.

    Returns
    -------
    DataFrame
        ``question, document, start, end``. No hit is shown twice, nor in an order that tells ranks.

    Raises
    ------
    RetrievalError
        If there is no configuration, a column is not there or the depth is below 1.

    Examples
    --------
    >>> one = pd.DataFrame({"question": ["q"], "rank": 1, "document": "d", "start": 0, "end": 90})
    >>> pool({"small": one, "large": one.assign(start=50, end=150)})
      question document  start  end
    0        q        d      0  150
    """
    if depth < 1 or not runs:
        raise RetrievalError(
            f"{len(runs)} configurations to a depth of {depth}; expected 1 or more of each",
            "Pass the hits of each by its name, and for example depth=10.",
        )
    for name, hits in runs.items():
        require(hits, f"hits of {name}", ("rank", *SPAN))
    best = [hits.loc[hits["rank"] <= depth, list(SPAN)] for hits in runs.values()]
    spans = pd.concat(best).drop_duplicates().sort_values(list(SPAN), kind="stable")
    rows: list[tuple[str, str, int, int]] = []
    columns = (spans[each].tolist() for each in SPAN)
    for question, document, start, end in zip(*columns, strict=True):
        if rows and rows[-1][:2] == (question, document):
            low, high = rows[-1][2:]
            if start < high and (end <= high or end - low <= longest):
                rows[-1] = (question, document, low, max(high, end))
                continue
        rows.append((question, document, start, end))
    merged = pd.DataFrame(rows, columns=list(SPAN)).sample(frac=1, random_state=seed)
    turn = merged["question"].drop_duplicates().reset_index(drop=True)
    place = merged["question"].map(pd.Series(turn.index, index=turn))
    return merged.iloc[place.argsort(kind="stable")].reset_index(drop=True)


@dataclass(frozen=True)
class Pooled:
    """Hits measured by a pool.

    Parameters
    ----------
    scores
        By question with an answer: ``recall, precision, ndcg`` as if what was never judged did not
        answer; ``ndcg_judged``, with what was never judged taken out of the ranking; ``bpref`` of
        all hits; and ``unjudged``, the share of the hits that was never judged.
    k
        How many ranks count.
    """

    scores: pd.DataFrame
    k: int

    @property
    def unjudged(self) -> float:
        """Share of the first `k` hits that was never judged; NaN without questions."""
        return float(self.scores["unjudged"].mean())

    def __str__(self) -> str:
        means = self.scores.mean()
        return (
            f"{self.unjudged:.0%} of the first {self.k} hits were never judged and count as not "
            f"relevant: nDCG is {means['ndcg']:.2f}, and {means['ndcg_judged']:.2f} without them."
        )


def pooled_scores(hits: pd.DataFrame, judgements: pd.DataFrame, k: int = 10) -> Pooled:
    """Measure hits by judgements, and how far these know them.

    Parameters
    ----------
    hits
        ``question, rank, document, start, end``, of a configuration that need not be in the pool.
    judgements
        ``question, document, start, end, grade``, grade 0 too. A hit was judged if it holds an
        answer, or what was judged covers half of it.
    k
        How many ranks count.

    Returns
    -------
    Pooled

    Raises
    ------
    RetrievalError
        If a column is not there, nothing was judged to answer, or `k` is below 1.

    Notes
    -----
    C. Buckley and E. Voorhees, "Retrieval evaluation with incomplete information", 2004, for bpref,
    in the form of trec_eval; T. Sakai, "Alternatives to bpref", 2007, for rankings of what was
    judged. Both take what was never judged for like what was, which it seldom is: it was found by
    nothing in the pool.

    Examples
    --------
    >>> hits = pd.DataFrame({"question": "q", "rank": [1, 2], "document": "d", "start": [0, 50]})
    >>> judgements = pd.DataFrame({"question": ["q"], "document": "d", "start": 50, "grade": 2})
    >>> ends = [each.assign(end=each["start"] + 40) for each in (hits, judgements)]
    >>> print(pooled_scores(*ends, k=2))
    50% of the first 2 hits were never judged and count as not relevant: nDCG is 0.63, and 1.00
    without them.
    """
    require(hits, "hits", ("rank", *SPAN))
    answers = answers_of(judgements)
    if k < 1 or answers.empty:
        raise RetrievalError(
            f"k is {k}, and {len(answers)} spans were judged to answer; expected 1 or more of each",
            "Judge more of the pool, or pool to a greater depth.",
        )
    hits = hits.sort_values(["question", "rank"], kind="stable").reset_index(drop=True)
    told = judge(hits, answers)
    hits, asked = of_questions(hits, told.questions)
    hits = hits.reset_index(drop=True)
    ranks = hits["rank"].to_numpy(dtype=np.intp)
    relevant = told.relevant[asked, ranks - 1]
    known = relevant | _covered(hits, asked, judgements, told.questions)
    kept = hits[known]
    turn = kept.groupby("question", sort=False).cumcount() + 1
    condensed = judge(kept.assign(rank=turn), answers)
    count = len(told.questions)
    _, no = of_questions(judgements[judgements["grade"] < 1], told.questions)
    refused = np.bincount(no, minlength=count)
    first = hits.assign(unjudged=~known)[hits["rank"] <= k].groupby("question")["unjudged"].mean()
    scores = told.scores(k)[["recall", "precision", "ndcg"]].assign(
        ndcg_judged=condensed.scores(k)["ndcg"],
        bpref=_bpref(condensed, np.bincount(asked[known], minlength=count), refused),
        unjudged=first.reindex(told.questions, fill_value=0.0),
    )
    return Pooled(scores, k)


def _covered(
    hits: pd.DataFrame, asked: Ints, judgements: pd.DataFrame, questions: pd.Index
) -> npt.NDArray[np.bool_]:
    """Tell of which hits what was judged covers half."""
    judged, wanted = of_questions(judgements, questions)
    (starts, ends), known = on_one_line(hits, asked, judged, wanted)
    covered: npt.NDArray[np.bool_] = union(*known).covered(starts, ends) >= SHARE * (ends - starts)
    return covered


def _bpref(condensed: Judged, length: Ints, refused: Ints) -> Floats:
    """Return bpref of rankings of what was judged.

    Parameters
    ----------
    condensed
        The rankings.
    length
        Of each.
    refused
        How much was judged not to answer each question.
    """
    found, relevant = condensed.found, condensed.relevant
    wanted = (condensed.ideal > 0).sum(axis=1)
    is_hit = np.arange(relevant.shape[1]) < length[:, None]
    above = np.cumsum(is_hit & ~relevant, axis=1)
    most = np.minimum(wanted, refused)[:, None]
    lost = np.minimum(above, most) / np.maximum(most, 1)
    preferred: Floats = (found * (1 - lost)).sum(axis=1) / wanted
    return preferred
