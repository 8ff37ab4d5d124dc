"""The knowledge that the assistant serves: documents, questions and users of an invented company.

The texts are in ``corpus.toml``, written for this rehearsal. No real person or company is meant.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_USERS = 24
_DEPARTMENTS = ("engineering", "sales", "support", "operations")
REVISIONS = (
    "This section was checked by its owner and is up to date.",
    "Ask the service desk if anything in it is unclear.",
    "Exceptions are agreed in writing with the head of department.",
    "The rule applies to all sites from the first of next month.",
    "An earlier version of this page is no longer valid.",
)


@dataclass(frozen=True)
class Document:
    """One page of the handbook.

    Parameters
    ----------
    id
        Topic and number, e.g. ``"hr-01"``.
    topic
        Which department owns it.
    title, text
        What it says.
    """

    id: str
    topic: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """Something a user asks.

    Parameters
    ----------
    text
        The question.
    document
        The id of the document that answers it.
    topic
        The topic of that document.
    """

    text: str
    document: str
    topic: str


@cache
def _topics() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files("aiopslab.rehearsal").joinpath("corpus.toml").read_text("utf-8"))


@cache
def _pages() -> tuple[tuple[Document, tuple[str, ...]], ...]:
    return tuple(
        (Document(f"{topic}-{number:02}", topic, page["title"], page["text"]), tuple(page["ask"]))
        for topic, pages in _topics().items()
        for number, page in enumerate(pages, start=1)
    )


def documents() -> list[Document]:
    """Return every document, topic by topic.

    Examples
    --------
    >>> documents()[0].title
    'Annual leave'
    """
    return [page for page, _ in _pages()]


def document(identity: str) -> Document:
    """Return one document; raises `KeyError` if there is none of that id."""
    return {page.id: page for page, _ in _pages()}[identity]


def questions() -> list[Question]:
    """Return every question with the document that answers it.

    Examples
    --------
    >>> questions()[0]
    Question(text='How many days of annual leave do I get?', document='hr-01', topic='hr')
    """
    return [Question(text, page.id, page.topic) for page, asked in _pages() for text in asked]


def hard_questions() -> list[Question]:
    """Return questions in words that their documents have not; they are of two topics.

    Examples
    --------
    >>> sorted({each.topic for each in hard_questions()})
    ['facilities', 'security']
    """
    return [
        Question(text, f"{topic}-{number:02}", topic)
        for topic, pages in _topics().items()
        for number, page in enumerate(pages, start=1)
        if (text := page.get("hard"))
    ]


def answers(answer: str, identity: str) -> bool:
    """Tell whether an answer says anything of what a document says.

    Examples
    --------
    >>> answers("The canteen serves lunch from 11:30 to 13:45.", "facilities-04")
    True
    """
    sentences = re.split(r"(?<=[.!?])\s+", document(identity).text)
    return any(each in answer for each in sentences)


def users() -> list[tuple[str, str]]:
    """Return the ids and departments of those who ask.

    Examples
    --------
    >>> users()[0]
    ('u-01', 'engineering')
    """
    return [
        (f"u-{number:02}", _DEPARTMENTS[number % len(_DEPARTMENTS) - 1])
        for number in range(1, _USERS + 1)
    ]
