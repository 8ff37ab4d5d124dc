"""Library: the handbook that comes with the retrieval room, as of two days, and its questions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean

if TYPE_CHECKING:
    from aiopslab.retrieval.documents import Corpus

EMBEDDED = Path(__file__).parent / "embedded"
SCHEME = "embedded:"
CORPORA = ("handbook", "handbook_earlier")
QUESTIONS = ("questions", "questions_earlier")


def embedded_corpus(url: str) -> "Corpus":
    """Open the handbook of an assistant's platform.

    Parameters
    ----------
    url
        ``embedded:handbook``, or ``embedded:handbook_earlier`` for what it was two months before.

    Returns
    -------
    Corpus
        Its documents have the columns ``area``, ``owner``, ``environment`` and ``status`` too.

    Raises
    ------
    RetrievalError
        If there is no such corpus.

    Examples
    --------
    >>> len(embedded_corpus("embedded:handbook").documents)
    69
    """
    from aiopslab.retrieval.documents import Corpus, open_corpus

    name = _known(url, CORPORA)
    present = open_corpus(str(EMBEDDED / "handbook"))
    if name == "handbook":
        return present
    # Only what was different then is kept a second time.
    stored = open_corpus(str(EMBEDDED / "handbook_earlier"))
    other = {*stored.documents["document"], *_absent()}
    return Corpus(
        _instead(present.documents, stored.documents, other),
        _instead(present.sections, stored.sections, other),
    )


def embedded_questions(url: str, documents: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Open the questions on the handbook, and where it answers them.

    Parameters
    ----------
    url
        ``embedded:questions``, or ``embedded:questions_earlier`` for the answers of two months
        before.
    documents
        Of the handbook of the same day: ``document, text``.

    Returns
    -------
    tuple of DataFrame
        ``question, text, topic, kind``; and the answers, ``question, document, start, end, grade``.
        A few questions have none.

    Raises
    ------
    RetrievalError
        If there are no such questions, or the documents are not those they were written for.

    Examples
    --------
    >>> documents = embedded_corpus("embedded:handbook").documents
    >>> questions, answers = embedded_questions("embedded:questions", documents)
    >>> questions["text"][2]
    'max payload of a call on the live system?'
    >>> document, start, end = answers.loc[3, ["document", "start", "end"]]
    >>> documents.set_index("document")["text"][document][start:end]
    '- Body of a request: 256 KiB, all included. Larger ones end with GW-1013.'
    """
    name = _known(url, QUESTIONS)
    rows = list(_rows("questions"))
    if name == "questions_earlier":
        then = {each["question"]: each["answers"] for each in _rows(name)}
        rows = [{**each, "answers": then.get(each["question"], each["answers"])} for each in rows]
    texts = dict(zip(documents["document"], documents["text"], strict=True))
    found = [
        (each["question"], *_place(texts, answer), answer["grade"])
        for each in rows
        for answer in each["answers"]
    ]
    questions = pd.DataFrame(rows)[["question", "text", "topic", "kind"]]
    return questions, pd.DataFrame(found, columns=["question", "document", "start", "end", "grade"])


def earlier_of(
    corpus: str, questions: str | None, earlier: str | None, earlier_questions: str | None
) -> tuple[str | None, str | None]:
    """Return the earlier version of a corpus, and the questions with its answers.

    What is not named is known of the handbook alone; other questions are put to both versions.

    Examples
    --------
    >>> earlier_of("embedded:handbook", "embedded:questions", None, None)
    ('embedded:handbook_earlier', 'embedded:questions_earlier')
    >>> earlier_of("docs/", "questions.jsonl", "docs-2025/", None)
    ('docs-2025/', 'questions.jsonl')
    """
    if earlier is None and corpus == "embedded:handbook":
        earlier = "embedded:handbook_earlier"
    if earlier_questions is None and questions == "embedded:questions":
        earlier_questions = "embedded:questions_earlier"
    return earlier, earlier_questions or questions


def _known(url: str, names: tuple[str, ...]) -> str:
    name = url.removeprefix(SCHEME)
    if not url.startswith(SCHEME) or name not in names:
        known = [SCHEME + each for each in names]
        raise RetrievalError(f"there is no {url!r}", did_you_mean(url, known))
    return name


def _absent() -> list[str]:
    """Documents of the present handbook that did not exist in the earlier one."""
    import yaml

    stated: dict[str, list[str]] = yaml.safe_load((EMBEDDED / "handbook_earlier.yaml").read_text())
    return stated["absent"]


def _instead(present: pd.DataFrame, stored: pd.DataFrame, other: set[str]) -> pd.DataFrame:
    """Replace the rows of some documents."""
    both = pd.concat([present[~present["document"].isin(other)], stored])
    return both.sort_values("document", kind="stable", ignore_index=True)


def _rows(name: str) -> Iterator[dict[str, Any]]:
    for line in (EMBEDDED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _place(texts: dict[str, str], answer: dict[str, Any]) -> tuple[str, int, int]:
    """Find the place of a quote."""
    document, quote = answer["document"], answer["quote"]
    start = texts.get(document, "").find(quote)
    if start < 0:
        raise RetrievalError(
            f"{document} does not say {quote[:40]!r}",
            "Answer these questions from the handbook of the same day.",
        )
    return document, start, start + len(quote)
