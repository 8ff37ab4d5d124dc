"""Relevance: which hits answer a question, from spans of the source that survive re-chunking."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval import metrics
from aiopslab.retrieval.spans import of_questions, on_one_line, require

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

SHARE = 0.5  # of an answer, or of a chunk, that the two have in common


@dataclass(frozen=True)
class Judged:
    """The hits of many questions, judged by the answers there are.

    Parameters
    ----------
    questions
        Their ids, in the order of the answers.
    relevant
        Whether the hit at each rank holds an answer, found before or not, ``(questions, ranks)``.
    found
        How many answers it holds that no hit before it did, ``(questions, ranks)``.
    grades
        Of the answers in the order in which they were found, ``(questions, places)``. An answer
        has the place of the rank that it was found at; of several in one hit each takes a place, so
        that what follows them moves back. Hence no order of hits is better than the ideal one.
    ideal
        Grades of all answers, falling, filled up with 0, ``(questions, answers)``.
    """

    questions: pd.Index
    relevant: npt.NDArray[np.bool_]
    found: Ints
    grades: Floats
    ideal: Floats

    def scores(self, k: int) -> pd.DataFrame:
        """Return the metrics of the first `k` hits.

        Parameters
        ----------
        k
            How many ranks count.

        Returns
        -------
        DataFrame
            By question: ``recall``, the share of the answers that were found; ``precision``, of the
            ranks that hold one, also again; ``hit_rate`` and ``mrr`` of those; ``map`` and ``ndcg``
            of the answers, each counted once.
        """
        wanted = (self.ideal > 0).sum(axis=1)
        return pd.DataFrame(
            {
                "recall": self.found[:, :k].sum(axis=1) / wanted,
                "precision": metrics.precision(self.relevant, k),
                "hit_rate": metrics.hit_rate(self.relevant, k),
                "mrr": metrics.reciprocal_rank(self.relevant, k),
                "map": metrics.average_precision(self.grades, self.ideal, k),
                "ndcg": metrics.ndcg(self.grades, self.ideal, k),
            },
            index=self.questions,
        )


def judge(hits: pd.DataFrame, answers: pd.DataFrame, share: float = SHARE) -> Judged:
    """Tell which hits hold which answers.

    Parameters
    ----------
    hits
        ``question, rank, document, start, end``; hits of questions without answers are left out.
    answers
        ``question, document, start, end, grade``. For documents as a whole, pass the hits through
        `best_of_documents`, else a document that was hit with many chunks takes many ranks.
    share
        How much of the answer a hit has to cover, or how much of the hit the answer. So a passage
        holds a sentence that begins in the passage before, and a chunk holds an answer that is
        longer than any chunk.

    Returns
    -------
    Judged
        Of every question that has an answer; one without a hit has found nothing.

    Raises
    ------
    RetrievalError
        If a column is not there, a grade is below 1 or a share not above 0 and at most 1.

    Examples
    --------
    >>> answers = pd.DataFrame(
    ...     {"question": "q", "document": "d", "start": [0, 50], "end": [10, 60], "grade": [1, 1]}
    ... )
    >>> hits = pd.DataFrame(
    ...     {"question": "q", "rank": [1, 2, 3], "document": "d", "start": [0, 5, 90], "end": 99}
    ... )
    >>> judge(hits.assign(end=[20, 25, 99]), answers).scores(3).T
    question          q
    recall     0.500000
    precision  0.666667
    hit_rate   1.000000
    mrr        1.000000
    map        0.500000
    ndcg       0.613147
    """
    require(hits, "hits", ("question", "rank", "document", "start", "end"))
    require(answers, "answers", ("question", "document", "start", "end", "grade"))
    if not 0 < share <= 1:
        raise RetrievalError(f"the share is {share}; expected 0 to 1, above 0", "Pass 0.5.")
    if (answers["grade"] < 1).any():
        raise RetrievalError(
            f"{(answers['grade'] < 1).sum()} answers have a grade below 1",
            "Leave out what does not answer; 1 is the least grade.",
        )
    spans = ["question", "document", "start", "end"]
    answers = answers.sort_values("grade", ascending=False, kind="stable").drop_duplicates(spans)
    answers = answers.sort_index(kind="stable")
    questions = pd.Index(answers["question"].unique(), name="question")
    hits, asked = of_questions(hits, questions)
    wanted = questions.get_indexer(pd.Index(answers["question"]))
    ranks = hits["rank"].to_numpy(dtype=np.intp)
    grades = answers["grade"].to_numpy(dtype=np.float64)

    hit, answer = _meetings(*on_one_line(hits, asked, answers, wanted), share)
    shape = len(questions), int(ranks.max(initial=0))
    relevant = np.zeros(shape, dtype=bool)
    relevant[asked[hit], ranks[hit] - 1] = True
    never = shape[1] + 1
    first = np.full(len(answers), never)
    np.minimum.at(first, answer, ranks[hit])
    seen = first < never
    found = np.zeros(shape, dtype=np.intp)
    np.add.at(found, (wanted[seen], first[seen] - 1), 1)
    return Judged(
        questions,
        relevant,
        found,
        _in_place(wanted[seen], first[seen], grades[seen], len(questions)),
        _in_place(wanted, np.ones(len(wanted), dtype=np.intp), grades, len(questions)),
    )


def best_of_documents(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the documents that were found, each at the rank of its best chunk.

    Parameters
    ----------
    hits
        ``question, rank, document`` and whatever else; sorted by question and rank.

    Returns
    -------
    DataFrame
        The first hit of each question in each document, ranked anew. A search has to fetch more
        chunks than documents are wanted.

    Examples
    --------
    >>> hits = pd.DataFrame({"question": "q", "rank": [1, 2, 3], "document": ["a", "a", "b"]})
    >>> best_of_documents(hits)
      question  rank document
    0        q     1        a
    1        q     2        b
    """
    require(hits, "hits", ("question", "rank", "document"))
    best = hits.drop_duplicates(["question", "document"], ignore_index=True)
    return best.assign(rank=best.groupby("question", sort=False).cumcount() + 1)


def _meetings(
    spans: tuple[Ints, Ints], answer_spans: tuple[Ints, Ints], share: float
) -> tuple[Ints, Ints]:
    """Return the pairs of hit and answer that have enough in common."""
    (starts, ends), (answer_starts, answer_ends) = spans, answer_spans
    order = np.argsort(answer_starts, kind="stable")
    # An answer meets a hit if it begins before the hit ends, and ends after the hit begins; the
    # furthest end so far rises, so that both bounds are found by halving.
    reach = np.maximum.accumulate(answer_ends[order])
    low = np.searchsorted(reach, starts, side="right")
    high = np.maximum(np.searchsorted(answer_starts[order], ends), low)
    hit = np.repeat(np.arange(len(starts)), high - low)
    within = np.arange(len(hit)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    answer = order[low[hit] + within]
    common = np.minimum(ends[hit], answer_ends[answer]) - np.maximum(
        starts[hit], answer_starts[answer]
    )
    shorter = np.minimum((ends - starts)[hit], (answer_ends - answer_starts)[answer])
    enough = (common > 0) & (common >= share * shorter)
    return hit[enough], answer[enough]


def _in_place(rows: Ints, ranks: Ints, grades: Floats, questions: int) -> Floats:
    """Put grades at their ranks, each at a place of its own, the higher first."""
    order = np.lexsort((-grades, ranks, rows))
    rows, ranks, grades = rows[order], ranks[order], grades[order]
    number = np.arange(len(rows)) - np.searchsorted(rows, rows)  # in its question
    # A place is that of the rank, and at least one behind the place before.
    step = rows * (int(ranks.max(initial=0)) + len(rows) + 1)
    places = np.maximum.accumulate(ranks - number + step) - step + number
    told = np.zeros((questions, int(places.max(initial=0))))
    told[rows, places - 1] = grades
    return told
