"""Labels: what people say of passages, in one file, each written before the next is shown."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aiopslab.closing import Closing
from aiopslab.errors import RetrievalError
from aiopslab.retrieval.agreement import Agreement, agreement
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.judgements import GRADES, narrowed
from aiopslab.retrieval.label_file import LabelFile
from aiopslab.retrieval.passages import Quoted, Span
from aiopslab.retrieval.spans import require
from aiopslab.retrieval.truth_kinds import TruthKind


@dataclass(frozen=True)
class Task:
    """What a rater is shown: a question, and a passage that may answer it.

    Parameters
    ----------
    number
        Of the task.
    question
        What is asked.
    document, start, end, passage
        Where the passage is, and what it says.
    """

    number: int
    question: str
    document: str
    start: int
    end: int
    passage: str


class Labels(Closing):
    """Grades of passages in one SQLite file, which several people and processes may share.

    Parameters
    ----------
    path
        Of the file; made where there is none.

    Raises
    ------
    RetrievalError
        If the file is no store of labels, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> corpus = Corpus.of_texts({"a.md": "It is on Tuesday. Bring cake."})
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["When is the handover?"]})
    >>> spans = pd.DataFrame({"question": ["q"], "document": "a.md", "start": 0, "end": 29})
    >>> with tempfile.TemporaryDirectory() as folder, Labels(f"{folder}/labels.db") as labels:
    ...     labels.add(questions, spans, corpus)
    ...     labels.rate(labels.next_task("ann"), "ann", 2, quote="It is on Tuesday.")
    ...     labels.answers()
    1
      question document  start  end  grade
    0        q     a.md      0   17      2
    """

    def __init__(self, path: str | Path) -> None:
        self._file = LabelFile(path)
        self.path = self._file.path

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, questions: pd.DataFrame, spans: pd.DataFrame, corpus: Corpus) -> int:
        """Add what is to be labelled, all of it or nothing; what is there already stays as it is.

        Parameters
        ----------
        questions
            ``question, text``.
        spans
            ``question, document, start, end``, in the order in which they are shown; a pool, the
            hits of one search, or whole documents.
        corpus
            That they are of.

        Returns
        -------
        int
            How many are new.

        Raises
        ------
        RetrievalError
            If a column is not there, a question or document is unknown, or a span lies outside.
        """
        require(questions, "questions", ("question", "text"))
        require(spans, "spans", ("question", "document", "start", "end"))
        texts, asked = dict(corpus.texts), dict(questions[["question", "text"]].values.tolist())
        rows = []
        columns = (spans[each].tolist() for each in ("question", "document", "start", "end"))
        for question, document, start, end in zip(*columns, strict=True):
            if question not in asked or not 0 <= start < end <= len(texts.get(document, "")):
                raise RetrievalError(
                    f"characters {start} to {end} of {document!r} are to be labelled for "
                    f"{question!r}; there is no such question or passage",
                    "Pass the questions and the corpus that were searched.",
                )
            passage = texts[document][start:end]
            rows.append((question, asked[question], document, start, end, passage))
        return self._file.add(rows)

    def next_task(self, rater: str) -> Task | None:
        """Return the first that a rater has not labelled; ``None`` where there is no other."""
        row = self._file.first_open(rater)
        return None if row is None else Task(*row)

    def task(self, question: str, document: str, start: int, end: int) -> Task:
        """Return the task of a passage.

        Parameters
        ----------
        question
            Its id.
        document, start, end
            Where the passage is.

        Raises
        ------
        RetrievalError
            If it was not added.
        """
        row = self._file.find(question, document, start, end)
        if row is None:
            raise RetrievalError(
                f"characters {start} to {end} of {document!r} are not to be labelled for "
                f"{question!r}",
                "Add them first.",
            )
        return Task(*row)

    def rate(self, task: Task, rater: str, grade: int, quote: str | None = None) -> None:
        """Write down what a rater says of a passage.

        Parameters
        ----------
        task
            From `next_task`.
        rater
            Who says it.
        grade
            2 where it answers the question, 1 where it answers a part or helps, 0 where neither.
        quote
            The part of it that answers; without one all of it does.

        Raises
        ------
        RetrievalError
            If the grade is none of the three, the rater has no name or has labelled the task
            before, the quote is not in the passage, or the task is not of this file.
        """
        if isinstance(grade, bool) or grade not in GRADES or not rater.strip():
            raise RetrievalError(
                f"the grade is {grade!r}, by {rater!r}; expected 0, 1 or 2, by somebody",
                "Grade 2 what answers, 1 what helps, 0 what does neither.",
            )
        part = self._part(task, quote)
        if not self._file.write(task.number, task.passage, rater, grade, *part):
            raise RetrievalError(
                f"task {task.number} is not of {str(self.path)!r}", "Take it from next_task()."
            )

    def undo(self, rater: str) -> bool:
        """Take back the last label of a rater; tell whether there was one."""
        return self._file.take_back(rater)

    def withdraw(self, task: Task, rater: str) -> bool:
        """Take back what a rater said of a passage; tell whether they had said anything."""
        return self._file.withdraw(task.number, rater)

    def table(self) -> pd.DataFrame:
        """Return one row a label, in the order of writing.

        Returns
        -------
        DataFrame
            ``task, question, text, document, start, end, rater, grade, labelled, from, to``: the
            part that was quoted is from start to end, and what was shown is between the last two.
        """
        return self._file.table()

    def judgements(self) -> pd.DataFrame:
        """Return what was labelled, whoever did.

        Returns
        -------
        DataFrame
            ``question, document, start, end, grade``: the highest grade that more than half of the
            raters of a passage gave or went past, of the part that those quoted who found that it
            answers (from the first to the last character); the rest of the passage has grade 0.
        """
        rows: list[tuple[str, str, int, int, int]] = []
        for _, given in self.table().groupby("task", sort=True):
            grade = int(given["grade"].sort_values().iloc[(len(given) - 1) // 2])
            said = given[given["grade"] >= min(grade, 1)]
            start, end = int(said["start"].min()), int(said["end"].max())
            question, document, low, high = given.iloc[0][["question", "document", "from", "to"]]
            parts = narrowed((low, high), (start, end), grade)
            rows += [(question, document, *part) for part in parts]
        kinds = dict.fromkeys(("start", "end", "grade"), "int64")
        told = pd.DataFrame(rows, columns=["question", "document", *kinds])
        return told.astype({"question": "str", "document": "str", **kinds})

    def answers(self) -> pd.DataFrame:
        """Return the passages that answer: ``question, document, start, end, grade``."""
        judgements = self.judgements()
        return judgements[judgements["grade"] >= 1].reset_index(drop=True)

    def agreement(self) -> Agreement:
        """Return how far each two raters agree."""
        return agreement(self.table())

    def progress(self) -> pd.DataFrame:
        """Return one row a rater: ``rater, labelled, tasks``."""
        return self._file.progress()

    def export(self, path: str | Path, kind: TruthKind = "spans labelled by hand") -> int:
        """Write the questions that were labelled, with their answers, for `truth.open_questions`.

        Parameters
        ----------
        path
            Of a file of JSON lines.
        kind
            Of truth; ``pooled`` where the passages were those of a pool.

        Returns
        -------
        int
            How many questions; those of which no passage answers have no answers.
        """
        columns = ["document", "start", "end", "grade"]
        found = {
            question: given[columns].to_dict("records")
            for question, given in self.answers().groupby("question")
        }
        asked = self.table().drop_duplicates("question")[["question", "text"]].to_dict("records")
        lines = [
            json.dumps({**each, "kind": kind, "answers": found.get(each["question"], [])})
            for each in asked
        ]
        Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return len(lines)

    def _part(self, task: Task, quote: str | None) -> Span:
        """Return where in its document a part of a passage is."""
        if quote is None:
            return task.start, task.end
        found = Quoted(task.passage).find(quote)
        if found is None:
            raise RetrievalError(
                f"{quote[:40]!r} is not in the passage of task {task.number}",
                "Copy the part that answers as it stands there.",
            )
        return task.start + found[0], task.start + found[1]
