"""Truth kinds: on whose word it is known what answers a question, and what that is not good for."""

from typing import Literal, get_args

import pandas as pd

from aiopslab.retrieval.spans import require
from aiopslab.wording import listed

TruthKind = Literal["spans labelled by hand", "documents judged", "pooled", "synthetic", "headings"]
KINDS: tuple[TruthKind, ...] = get_args(TruthKind)
"""From the strongest to the weakest."""

LIMITS: dict[TruthKind, str] = {
    "spans labelled by hand": (
        "passages that nobody marked count as not relevant, though some of them may answer"
    ),
    "documents judged": (
        "they tell which document is found, but not whether the part of it that answers is, so "
        "sizes of chunks are compared by little"
    ),
    "pooled": (
        "what none of the pooled configurations found was never judged and counts as not relevant, "
        "so a configuration that was not among them looks worse than it is"
    ),
    "synthetic": (
        "a model asks in the words of the passage, and about one passage alone: searches by words "
        "look better than they are to people, and other passages that answer count as not "
        "relevant; good for telling configurations apart, not for how many questions of people "
        "are answered"
    ),
    "headings": (
        "a heading is not what people ask, and stands over its text: searches by words and chunks "
        "that keep headings look better than they are; good for finding what is broken, not for "
        "choosing between what is close"
    ),
}


def truth_kinds(questions: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    """Return the kind of truth that each question with an answer stands on.

    Parameters
    ----------
    questions
        ``question``, and ``kind`` where it is known. Other kinds, such as ``fact`` or ``multi``,
        say what is asked and not on whose word it is answered: such questions are judged by
        documents if the answers of all of them begin where their documents do, else by spans.
    answers
        ``question, start``.

    Returns
    -------
    Series
        A `TruthKind` by question, in the order of the questions.

    Raises
    ------
    RetrievalError
        If a column is not there.
    """
    require(questions, "questions", ("question",))
    require(answers, "answers", ("question", "start"))
    asked = questions[questions["question"].isin(set(answers["question"]))]
    kinds = pd.Series(None, index=pd.Index(asked["question"]), dtype=object)
    if "kind" in asked:
        told = asked["kind"].to_numpy(dtype=object)
        kinds = kinds.mask(pd.Series(told, kinds.index).isin(KINDS), told)
    open_questions = set(kinds.index[kinds.isna()])
    begins = answers.loc[answers["question"].isin(open_questions), "start"]
    other: TruthKind = "documents judged" if (begins == 0).all() else "spans labelled by hand"
    return kinds.fillna(other).rename("truth")


def describe_truth(questions: pd.DataFrame, answers: pd.DataFrame) -> str:
    """Say what the figures stand on, and what that is not good for.

    Parameters
    ----------
    questions, answers
        As in `truth_kinds`.

    Returns
    -------
    str
        A sentence that counts, and one a kind with its limits.

    Examples
    --------
    >>> questions = pd.DataFrame({"question": ["a", "b"], "kind": ["headings", "headings"]})
    >>> answers = pd.DataFrame({"question": ["a"], "start": [7]})
    >>> print(describe_truth(questions, answers))
    1 question with 1 answer: 1 headings; 1 question without an answer says nothing here.
    Headings: a heading is not what people ask, and stands over its text: searches by words and
    chunks that keep headings look better than they are; good for finding what is broken, not for
    choosing between what is close.
    """
    kinds = truth_kinds(questions, answers)
    counts = kinds.value_counts()
    present = [kind for kind in KINDS if kind in counts.index]
    if not present:
        return "No question has an answer: nothing can be measured."
    told = f"{_counted(len(kinds), 'question')} with {_counted(len(answers), 'answer')}"
    told += f": {listed([f'{counts[kind]} {kind}' for kind in present])}"
    if without := questions["question"].nunique() - len(kinds):
        says = "says" if without == 1 else "say"
        told += f"; {_counted(without, 'question')} without an answer {says} nothing here"
    limits = [f"{kind.capitalize()}: {LIMITS[kind]}." for kind in present]
    return " ".join([f"{told}.", *limits])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
