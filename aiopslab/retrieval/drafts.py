"""Drafts: questions made from passages, until it is known which are kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd

from aiopslab.retrieval.chunking.chunks import identity
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.passages import Span

MANY = 3  # passages at most that one question is asked of; more, and it is of none of them


@dataclass(frozen=True)
class Synthesised:
    """Questions that were made, and what came of the other passages.

    Parameters
    ----------
    questions
        ``question, text, topic, kind``; the topic is the folder of the document, else its title.
    answers
        ``question, document, start, end, grade``: the words that answer, else the whole passage.
    left_out
        ``document, start, end, text, reason``: one row a passage that gave no question, with the
        text of one that was dropped.
    """

    questions: pd.DataFrame
    answers: pd.DataFrame
    left_out: pd.DataFrame

    @property
    def reasons(self) -> dict[str, int]:
        """How much was left out, by reason, the most frequent first."""
        counts = self.left_out["reason"].value_counts()
        return {str(reason): int(count) for reason, count in counts.items()}


class Draft(NamedTuple):
    """A question made from a passage."""

    text: str
    document: str
    start: int
    end: int
    passage: str
    heads: str  # that the passage is under
    answer: Span | None = None  # in the passage; all of it where nothing was quoted
    reason: str | None = None  # why it is left out

    @property
    def span(self) -> Span:
        """Where the document answers it."""
        low, high = self.answer or (0, self.end - self.start)
        return self.start + low, self.start + high

    @property
    def identity(self) -> str:
        """What the question is called: the same for the same text at the same place."""
        return identity(self.document, self.start, self.end, self.text)


def assembled(
    corpus: Corpus, made: list[Draft], firsts: list[int], unfit: pd.DataFrame, kind: str
) -> Synthesised:
    """Tabulate; of a few questions that ask the same, the first has the answers of all.

    Parameters
    ----------
    corpus
        That they are of.
    made
        All, those that are left out too.
    firsts
        For each of those that are not, the place among them of the first that asks the same.
    unfit
        ``document, start, end, reason`` of what was not asked about.
    kind
        Of truth.
    """
    titles = dict(zip(corpus.documents["document"], corpus.documents["title"], strict=True))
    topics = {
        document: str(PurePosixPath(document).parent) if "/" in document else title
        for document, title in titles.items()
    }
    kept = [each for each in made if each.reason is None]
    counts = Counter(firsts)
    rows, found, same = [], [], []
    for place, (each, first) in enumerate(zip(kept, firsts, strict=True)):
        if counts[first] > MANY:
            same.append(each._replace(reason="asked of many passages"))
            continue
        found.append((each, kept[first].identity))
        if first == place:
            rows.append((each.identity, each.text, topics[each.document], kind))
        else:
            same.append(each._replace(reason="asks the same as another"))
    questions = pd.DataFrame(rows, columns=["question", "text", "topic", "kind"]).astype("str")
    dropped = [
        (each.document, *each.span, each.text, each.reason)
        for each in (*(each for each in made if each.reason), *same)
    ]
    left_out = pd.DataFrame(dropped, columns=["document", "start", "end", "text", "reason"])
    left_out = pd.concat([unfit.assign(text=""), left_out], ignore_index=True)[left_out.columns]
    return Synthesised(questions, answers_of(found), left_out)


def answers_of(made: Sequence[tuple[Draft, str]]) -> pd.DataFrame:
    """Return where the questions are answered, each under an id."""
    rows = [(question, each.document, *each.span, 1) for each, question in made]
    answers = pd.DataFrame(rows, columns=["question", "document", "start", "end", "grade"])
    kinds = dict.fromkeys(("start", "end", "grade"), "int64")
    return answers.astype({"question": "str", "document": "str", **kinds})
