"""Known: what is known to answer a question, and on whose word."""

import hashlib
from dataclasses import dataclass

import pandas as pd

from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import Truth

_ANSWER = ["document", "start", "end", "grade"]


@dataclass(frozen=True)
class Known:
    """A question, and what is known to answer it.

    Parameters
    ----------
    question
        Its id: that of the truth, else one that follows from its words, whoever asks.
    text
        Its words.
    answers
        ``document, start, end, grade``; empty where nothing is known.
    standing
        On whose word, in a sentence.
    """

    question: str
    text: str
    answers: pd.DataFrame
    standing: str


def known_of(text: str, truth: Truth | None = None, labels: Labels | None = None) -> Known:
    """Return what is known of a question: by the truth, else by what was labelled.

    Parameters
    ----------
    text
        Of the question.
    truth
        Questions and answers.
    labels
        Passages that were graded, by whomever.

    Examples
    --------
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["What lifts?"]})
    >>> answers = pd.DataFrame({"question": ["q"], "document": "a", "start": 0, "end": 9})
    >>> truth = Truth(questions, answers.assign(grade=1))
    >>> known_of("What lifts? ", truth).standing
    'By 1 answer of the truth.'
    >>> known_of("What sinks?", truth).standing
    'No labels for this question.'
    """
    asked = " ".join(text.split())
    question = f"asked-{hashlib.sha256(asked.encode('utf-8', 'replace')).hexdigest()[:12]}"
    answers = pd.DataFrame(columns=_ANSWER)
    if truth is not None:
        same = truth.questions["text"].map(lambda each: " ".join(each.split()) == asked)
        if same.any():
            question = str(truth.questions.loc[same, "question"].iloc[0])
            answers = truth.answers[truth.answers["question"] == question]
    if len(answers):
        return Known(
            question, asked, _places(answers), f"By {_counted(len(answers))} of the truth."
        )
    if labels is not None:
        told = labels.answers()
        answers = told[told["question"] == question]
    if len(answers):
        standing = f"By {_counted(len(answers))} that was graded here"
        standing += "; what nobody graded counts as no answer."
        return Known(question, asked, _places(answers), standing)
    return Known(question, asked, _places(answers), "No labels for this question.")


def _places(answers: pd.DataFrame) -> pd.DataFrame:
    return answers[_ANSWER].reset_index(drop=True)


def _counted(count: int) -> str:
    return f"{count} answer{'' if count == 1 else 's'}"
