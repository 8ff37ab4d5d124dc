"""Spans: how much of the answers is in what was retrieved, and how much else.

The definitions of B. Smith and A. Troynikov, "Evaluating chunking strategies for retrieval",
Chroma technical report, 2024. It speaks of tokens; like its published figures, these count
characters. Whatever positions are counted in, the definitions are the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Union:
    """What spans cover together, on one line.

    Parameters
    ----------
    starts, ends
        Of the stretches that are covered, rising, with a gap between any two.
    """

    starts: Ints
    ends: Ints

    def before(self, positions: Ints) -> Ints:
        """Return how much is covered before each position."""
        if not len(self.starts):
            return np.zeros(len(positions), dtype=np.intp)
        lengths = np.concatenate([[0], np.cumsum(self.ends - self.starts)])
        stretch = np.searchsorted(self.starts, positions, side="right")
        # Of the last stretch that has begun, what lies behind the position does not count.
        last_end = self.ends[np.maximum(stretch - 1, 0)]
        beyond = np.where(stretch > 0, np.maximum(last_end - positions, 0), 0)
        return np.asarray(lengths[stretch] - beyond, dtype=np.intp)

    def covered(self, starts: Ints, ends: Ints) -> Ints:
        """Return how much of each span is covered."""
        return self.before(ends) - self.before(starts)


def union(starts: Ints, ends: Ints) -> Union:
    """Return what spans cover together, however they overlap.

    Parameters
    ----------
    starts, ends
        Half-open spans, ``(spans,)``, in any order.

    Examples
    --------
    >>> found = union(np.array([8, 0, 2]), np.array([9, 3, 5]))
    >>> found.starts, found.ends
    (array([0, 8]), array([5, 9]))
    """
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    reach = np.maximum.accumulate(ends)
    first = np.ones(len(starts), dtype=bool)
    first[1:] = starts[1:] > reach[:-1]
    last = np.append(first[1:], True) if len(first) else first
    return Union(starts[first], reach[last])


def span_scores(hits: pd.DataFrame, answers: pd.DataFrame, k: int | None = None) -> pd.DataFrame:
    """Measure the retrieved text against the text that answers.

    Parameters
    ----------
    hits
        ``question, rank, document, start, end``; hits of questions without answers are left out.
    answers
        ``question, document, start, end``.
    k
        How many ranks count; without it all do.

    Returns
    -------
    DataFrame
        By question, in the order of the answers: ``recall``, the share of the answers that was
        retrieved; ``precision``, the share of what was retrieved that answers; ``iou``, what was
        retrieved and answers, over all that was retrieved or answers. Text that was retrieved twice
        is found once and paid for twice: overlap of chunks lowers precision and IoU.

    Raises
    ------
    RetrievalError
        If a column is not there.

    Examples
    --------
    >>> answers = pd.DataFrame({"question": ["q"], "document": "d", "start": [10], "end": [20]})
    >>> hits = pd.DataFrame(
    ...     {"question": ["q"], "rank": [1], "document": "d", "start": [15], "end": [35]}
    ... )
    >>> span_scores(hits, answers)
              recall  precision  iou
    question
    q            0.5       0.25  0.2
    """
    require(hits, "hits", ("question", "rank", "document", "start", "end"))
    require(answers, "answers", ("question", "document", "start", "end"))
    questions = pd.Index(answers["question"].unique(), name="question")
    told, asked = of_questions(hits if k is None else hits[hits["rank"] <= k], questions)
    wanted = questions.get_indexer(pd.Index(answers["question"]))
    (starts, ends), (answer_starts, answer_ends) = on_one_line(told, asked, answers, wanted)

    def of_question(which: Ints, lengths: Ints) -> npt.NDArray[np.float64]:
        return np.bincount(which, lengths, minlength=len(questions)).astype(np.float64)

    retrieved, truth = union(starts, ends), union(answer_starts, answer_ends)
    # A stretch of answers belongs to the question of the answer that it begins with.
    order = np.argsort(answer_starts, kind="stable")
    owner = wanted[order][np.searchsorted(answer_starts[order], truth.starts)]
    found = of_question(owner, retrieved.covered(truth.starts, truth.ends))
    answered = answer_ends - answer_starts
    missed = of_question(wanted, answered - retrieved.covered(answer_starts, answer_ends))
    paid = of_question(asked, ends - starts)
    parts = {
        "recall": of_question(wanted, answered),
        "precision": paid,
        "iou": paid + missed,
    }
    scores = {
        name: np.divide(found, whole, out=np.zeros(len(found)), where=whole > 0)
        for name, whole in parts.items()
    }
    return pd.DataFrame(scores, index=questions)


def of_questions(hits: pd.DataFrame, questions: pd.Index) -> tuple[pd.DataFrame, Ints]:
    """Return the hits of some questions, and the number of the question of each."""
    asked = questions.get_indexer(pd.Index(hits["question"]))
    return hits[asked >= 0], asked[asked >= 0]


def on_one_line(
    hits: pd.DataFrame, asked: Ints, answers: pd.DataFrame, wanted: Ints
) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Lay the documents of all questions out behind one another, so that one sweep serves all.

    Parameters
    ----------
    hits, answers
        ``document, start, end``.
    asked, wanted
        The number of the question of each.

    Returns
    -------
    tuple
        Starts and ends of the hits, and of the answers. Spans of different questions or documents
        never meet.
    """
    both = [hits, answers]
    documents, _ = pd.factorize(pd.concat([each["document"] for each in both], ignore_index=True))
    starts, ends = (
        np.concatenate([each[name].to_numpy(dtype=np.intp) for each in both])
        for name in ("start", "end")
    )
    lines = np.concatenate([asked, wanted]) * (documents.max(initial=0) + 1) + documents
    shift = lines * (ends.max(initial=0) + 1)
    starts, ends, cut = starts + shift, ends + shift, len(hits)
    return (starts[:cut], ends[:cut]), (starts[cut:], ends[cut:])


def require(table: pd.DataFrame, name: str, columns: tuple[str, ...]) -> None:
    """Raise where a table lacks a column.

    Raises
    ------
    RetrievalError
        Naming the first that is not there.
    """
    for column in columns:
        if column not in table:
            raise RetrievalError(
                f"the {name} have no column {column!r}",
                did_you_mean(column, [str(each) for each in table]),
            )
