"""Truth: questions, and where the passages are that answer them."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus, CorpusWarning
from aiopslab.retrieval.passages import Quoted, Span
from aiopslab.retrieval.readers.tables import is_missing, read_table

_TEXTS = ("text", "query")
_IDENTITIES = ("question", "_id", "id", "query-id", "query_id", "qid")
_DOCUMENTS = ("document", "corpus-id", "corpus_id", "doc_id", "docid")
_GRADES = ("grade", "score", "relevance")
_TOLD = 5  # that a warning names
_ABOUT = ("topic", "kind")


@dataclass(frozen=True)
class Truth:
    """Questions and their answers.

    Parameters
    ----------
    questions
        ``question`` (id), ``text``, and where it is known ``topic`` and ``kind``; in the order in
        which they came.
    answers
        ``question, document, start, end, grade``: positions in the text, half-open; a whole
        document is from 0 to its length. The grade is 1 or more.
    """

    questions: pd.DataFrame
    answers: pd.DataFrame


def open_questions(url: str, corpus: Corpus, qrels: str | None = None) -> Truth:
    """Open questions and the passages that answer them.

    A question is a row with ``text`` (or ``query``) and an id, ``question`` (or ``_id``, ``id``).
    Without ids they are numbered, and ``question`` alone is the text. Its answers are objects in
    the column ``answers``, or columns of the same row, where a question has a row an answer:

    - ``document`` with ``start`` and ``end``, characters of the text as the corpus has it, or
    - ``document`` with ``passage``, a quotation that is found in it, whatever its white space; of
      several places the first, or the one at ``start`` where that is given, or
    - ``document`` alone: all of it.

    Each may have a ``grade``. Questions without any answer are kept, for those who judge later.

    Parameters
    ----------
    url
        Of a table in JSON lines, Parquet, CSV or TSV; or ``embedded:questions``, see
        `library.embedded_questions`.
    corpus
        That answers them.
    qrels
        Of a table of judgements, ``query-id, corpus-id, score`` with a header, where answers are
        documents and apart from the questions. A score under 1 is no answer.

    Returns
    -------
    Truth

    Raises
    ------
    SourceError, RetrievalError
        If a file cannot be read, or there is no question.

    Warns
    -----
    CorpusWarning
        One a kind of trouble: how many questions have no text, an id of another or no answer, and
        how many answers name an unknown document or question, are not quoted from it, or lie
        outside it.
    """
    if url.startswith("embedded:"):
        from aiopslab.retrieval.library import embedded_questions

        return Truth(*embedded_questions(url, corpus.documents))
    rows = read_table(url).to_dict("records")
    gathered = _Gathered(dict(corpus.texts))
    for number, row in enumerate(rows, start=1):
        told = {str(name): value for name, value in row.items() if not is_missing(value)}
        gathered.add(told, number)
    if not gathered.questions:
        raise RetrievalError(
            "; ".join([f"{url} has no question", *gathered.told()]),
            "Give each row a question (its id) and a text.",
        )
    for row in read_table(qrels).to_dict("records") if qrels else ():
        gathered.judge({str(name): value for name, value in row.items() if not is_missing(value)})
    return gathered.truth(url)


@dataclass
class _Gathered:
    """Questions and answers as they come, and what is wrong with them."""

    texts: Mapping[str, str]
    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: dict[tuple[str, str, int, int], int] = field(default_factory=dict)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    quoted: dict[str, Quoted] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any], number: int) -> None:
        """Add a question with its answers, or further answers of one that is there."""
        is_named = _first(row, _TEXTS) is not None
        text = str(_first(row, _TEXTS) if is_named else row.get("question", ""))
        identity = _first(row, _IDENTITIES if is_named else _IDENTITIES[1:])
        question = str(number if identity is None else identity)
        if not text.strip():
            self._trouble("questions have no text, left out", question)
            return
        known = self.questions.get(question)
        if known is not None and known["text"] != text:
            self._trouble("questions have the id of another, left out", question)
            return
        about = {name: str(row[name]) for name in _ABOUT if name in row}
        self.questions[question] = {"question": question, "text": text, **about}
        for answer in self._answers(row, question):
            self._add_answer(question, answer)

    def judge(self, row: Mapping[str, Any]) -> None:
        """Add a judgement that a document answers a question."""
        question = str(_first(row, _IDENTITIES))
        if question not in self.questions:
            self._trouble("judgements are of unknown questions, left out", question)
        else:
            self._add_answer(question, row)

    def truth(self, url: str) -> Truth:
        """Return what there is, with a warning a kind of trouble."""
        answered = {question for question, *_ in self.answers}
        for question in self.questions:
            if self.answers and question not in answered:
                self._trouble("questions have no answer in the corpus", question)
        for each in self.told():
            warnings.warn(f"{url}: {each}", CorpusWarning, stacklevel=3)
        questions = pd.DataFrame(list(self.questions.values())).astype("str")
        rows = [(*place, grade) for place, grade in self.answers.items()]
        answers = pd.DataFrame(rows, columns=["question", "document", "start", "end", "grade"])
        kinds = dict.fromkeys(("start", "end", "grade"), "int64")
        return Truth(questions, answers.astype({"question": "str", "document": "str", **kinds}))

    def told(self) -> list[str]:
        """Say what is wrong, a kind of trouble each, and name the first."""
        return [
            f"{len(which)} {what}: {', '.join(which[:_TOLD])}"
            + (f" and {len(which) - _TOLD} more" if len(which) > _TOLD else "")
            for what, which in self.troubles.items()
        ]

    def _answers(self, row: Mapping[str, Any], question: str) -> Iterator[Mapping[str, Any]]:
        given = row.get("answers")
        if given is None:
            if _first(row, _DOCUMENTS) is not None:
                yield row
            return
        try:
            listed = json.loads(given) if isinstance(given, str) else list(given)
        except (ValueError, TypeError):
            listed = None
        if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
            self._trouble("questions have answers that are no list of objects", question)
            return
        for each in listed:
            yield {name: value for name, value in each.items() if not is_missing(value)}

    def _add_answer(self, question: str, answer: Mapping[str, Any]) -> None:
        document = str(_first(answer, _DOCUMENTS))
        try:
            grade = int(float(_first(answer, _GRADES) or 1))
            at = (int(float(answer.get("start", -1))), int(float(answer.get("end", -1))))
        except (TypeError, ValueError, OverflowError):
            self._trouble("answers have a start, an end or a grade that is no number", question)
            return
        if document not in self.texts:
            self._trouble("answers are in unknown documents, left out", f"{question} ({document})")
            return
        if grade < 1:
            return
        span = self._span(question, document, answer, at)
        if span is not None:
            key = (question, document, *span)
            self.answers[key] = max(grade, self.answers.get(key, 0))

    def _span(
        self, question: str, document: str, answer: Mapping[str, Any], at: Span
    ) -> Span | None:
        text = self.texts[document]
        label = f"{question} ({document})"
        is_within = 0 <= at[0] < at[1] <= len(text)
        if "passage" in answer:
            passage = str(answer["passage"])
            if is_within and text[slice(*at)] == passage:
                return at
            quoted = self.quoted.setdefault(document, Quoted(text))
            found = quoted.find(passage)
            if found is None:
                self._trouble("answers are not quoted from their document, left out", label)
            return found
        if "start" in answer or "end" in answer:
            if not is_within:
                self._trouble("answers lie outside their document, left out", label)
            return at if is_within else None
        if not text:
            self._trouble("answers are empty documents, left out", label)
        return (0, len(text)) if text else None

    def _trouble(self, what: str, which: str) -> None:
        self.troubles.setdefault(what, []).append(which)


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first of some fields that there is."""
    return next((row[name] for name in names if name in row), None)
