"""Judgements: how far passages answer questions, by a model or brought together from people."""

from typing import cast

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.messages import DATA, Ask, fenced, read_object, replies
from aiopslab.retrieval.passages import Quoted, Span
from aiopslab.retrieval.spans import require

GRADES = (0, 1, 2)
SPAN = ("question", "document", "start", "end")

_JUDGE = """You judge whether a passage helps to answer a question. Judge what it says, and \
neither its length nor its style.

{data}

Reply with JSON and nothing else: {{"quote": "the words of the passage that answer or help, copied \
exactly; empty where none do", "grade": 2 where the passage answers the question, 1 where it \
answers a part of it or helps, 0 where it does neither}}"""


def judged_by(
    ask: Ask, pooled: pd.DataFrame, questions: pd.DataFrame, corpus: Corpus
) -> tuple[pd.DataFrame, int]:
    """Have a model judge a pool.

    Parameters
    ----------
    ask
        The model. One that is not held against the judgements of people measures nothing known.
    pooled
        What is to be judged: ``question, document, start, end``, as from `pooling.pool`.
    questions
        ``question, text``.
    corpus
        That was searched.

    Returns
    -------
    tuple of DataFrame and int
        ``question, document, start, end, grade`` with grades from 0 to 2, that of what the model
        quotes, where it does, and 0 for the rest; and how many answers could not be read, of which
        nothing is judged. Where nothing is quoted the whole passage has the grade, which favours
        small chunks: all that are in it count as answers.

    Raises
    ------
    RetrievalError
        If a question or a document is unknown, or there are not as many answers as were asked for.
    """
    texts, asked = dict(corpus.texts), dict(questions[["question", "text"]].values.tolist())
    for name, known in (("question", asked), ("document", texts)):
        if unknown := sorted(set(pooled[name]) - set(known)):
            raise RetrievalError(
                f"{len(unknown)} {name}s of the pool are unknown, such as {unknown[0]!r}",
                "Judge it with the questions and the corpus that were searched.",
            )
    system = _JUDGE.format(data=DATA)
    task = "Grade what the passage says on the question."
    columns = (pooled[each].tolist() for each in SPAN)
    rows = list(zip(*columns, strict=True))
    messages = [
        fenced(system, {"question": asked[question], "passage": texts[document][start:end]}, task)
        for question, document, start, end in rows
    ]
    judged: list[tuple[str, str, int, int, int]] = []
    unread = 0
    for (question, document, start, end), answer in zip(rows, replies(ask, messages), strict=True):
        told = read_object(answer)
        grade = _grade(told.get("grade"))
        if grade is None:
            unread += 1
            continue
        found = Quoted(texts[document][start:end]).find(str(told.get("quote") or ""))
        low, high = found or (0, end - start)
        parts = narrowed((start, end), (start + low, start + high), grade)
        judged += [(question, document, *part) for part in parts]
    return pd.DataFrame(judged, columns=[*SPAN, "grade"]), unread


def narrowed(shown: Span, answer: Span, grade: int) -> list[tuple[int, int, int]]:
    """Return what is known of a passage of which a part got a grade: the rest does not answer.

    Parameters
    ----------
    shown
        The passage.
    answer
        A part of it, or all.
    grade
        Of the part.

    Returns
    -------
    list of tuple
        Start, end and grade of each part.

    Examples
    --------
    >>> narrowed((0, 90), (30, 90), 2), narrowed((0, 90), (30, 40), 0)
    ([(0, 30, 0), (30, 90, 2)], [(0, 90, 0)])
    """
    if grade == 0:
        return [(*shown, 0)]
    parts = ((shown[0], answer[0], 0), (*answer, grade), (answer[1], shown[1], 0))
    return [part for part in parts if part[0] < part[1]]


def answers_of(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return what was judged to answer: ``question, document, start, end, grade``, from grade 1."""
    require(judgements, "judgements", (*SPAN, "grade"))
    return judgements.loc[judgements["grade"] >= 1, [*SPAN, "grade"]].reset_index(drop=True)


def _grade(told: object) -> int | None:
    """Return a grade that a model told; ``None`` for what is none."""
    grade = int(told) if isinstance(told, str) and told.strip().isdecimal() else told
    is_grade = isinstance(grade, int) and not isinstance(grade, bool) and grade in GRADES
    return cast(int, grade) if is_grade else None
