"""Documents: a corpus opened by its address, with its sections, and what was lost on the way."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.readers import READERS, Reading, Unreadable, markdown, reader_of, tables
from aiopslab.retrieval.readers.files import files
from aiopslab.retrieval.readers.reading import instant
from aiopslab.retrieval.sections import Section, by_document, nested, table

COLUMNS = ("document", "text", "source", "title", "modified", "content_hash")
_TEXTS = ("document", "text", "source", "title", "content_hash")
_TOLD = 5  # documents that a warning names
_IDENTITIES = ("document", "_id", "id", "doc_id", "docid")  # as tables of documents call it


class CorpusWarning(UserWarning):
    """Part of a corpus could not be used as it is; the message says which and how much."""


@dataclass(frozen=True)
class Corpus:
    r"""Documents and their sections.

    Parameters
    ----------
    documents
        One row a document, by id: ``document`` (its path below the root), ``text``, ``source``,
        ``title``, ``modified`` (UTC, or missing), ``content_hash`` (SHA-256 of the text). Further
        columns are what documents say of themselves, for filters.
    sections
        ``document, start, end, level, path``: positions of characters in the text, half-open; an
        inner section ends at the latest where the outer does.

    Examples
    --------
    >>> corpus = Corpus.of_texts({"queues.md": "# Queues\nThey fill up.\n## Mend\nDrain."})
    >>> corpus.sections
        document  start  end  level            path
    0  queues.md      0   37      1          Queues
    1  queues.md     23   37      2  Queues > Mend
    """

    documents: pd.DataFrame
    sections: pd.DataFrame

    @classmethod
    def of_texts(cls, texts: Mapping[str, str]) -> "Corpus":
        """Return a corpus of texts by id, with the sections that Markdown headings make."""
        gathered = _Gathered()
        for document, text in texts.items():
            gathered.add(document, document, Reading(text, markdown.headings(text)))
        return gathered.corpus("these texts")

    def table(self) -> pd.DataFrame:
        """Return what it is made of, a row a folder, the largest first.

        Returns
        -------
        pandas.DataFrame
            ``folder, documents, sections, words``.
        """
        told = self.documents[["document", "text"]]
        folders = told["document"].map(lambda each: str(PurePosixPath(each).parent))
        sections = self.sections["document"].value_counts()
        sizes = told.assign(
            folder=folders.replace(".", "(top)"),
            sections=told["document"].map(sections).fillna(0).astype(int),
            words=told["text"].map(lambda each: len(each.split())),
        )
        counts = sizes.groupby("folder").agg(
            documents=("document", "size"), sections=("sections", "sum"), words=("words", "sum")
        )
        return counts.sort_values("words", ascending=False, kind="stable").reset_index()

    @cached_property
    def sections_by_document(self) -> dict[str, list[Section]]:
        """Sections of each document that has any."""
        return by_document(self.sections)

    @cached_property
    def texts(self) -> list[tuple[str, str]]:
        """The id and the text of each document, by id."""
        both = zip(self.documents["document"], self.documents["text"], strict=True)
        return sorted(both)


def open_corpus(url: str) -> Corpus:
    """Open a corpus of Markdown, HTML, text, PDF, notebooks and Python docstrings.

    Positions count in the text as it is read: without front matter, line ends as one character,
    HTML as it is seen. Markdown stays as it is. Sections are those of headings, the pages of a PDF,
    the classes and functions of Python. Scalars of the front matter become columns. The time of
    modification is the one that a document states, else that of its file.

    Parameters
    ----------
    url
        A path or any fsspec URL of a file, a folder or a zip archive, or a pattern such as
        ``docs/**/*.md``; of a table of documents, see `open_table`; ``embedded:handbook``, see
        `library.embedded_corpus`.

    Raises
    ------
    SourceError
        If there is nothing at the address, or it holds credentials.
    RetrievalError
        If no text can be read from any file there.

    Warns
    -----
    CorpusWarning
        One a kind of trouble: which files, and how many, cannot be read, are empty, are of a format
        that no reader knows, or are not wholly as they were.
    """
    if url.startswith("embedded:"):
        from aiopslab.retrieval.library import embedded_corpus

        return embedded_corpus(url)
    if tables.is_table(url):
        return open_table(url)
    gathered = _Gathered()
    for file in files(url):
        reader = reader_of(file.label)
        if reader is None:
            suffix = PurePosixPath(file.label).suffix
            gathered.trouble("of no known kind, left out", f"*{suffix}" if suffix else file.label)
            continue
        try:
            reading = reader(file.label, file.content())
        except Unreadable as error:
            gathered.trouble("that cannot be read", f"{file.label} ({error})")
        except OSError as error:
            gathered.trouble(
                "that cannot be read", f"{file.label} ({type(error).__name__}: {error})"
            )
        else:
            gathered.add(file.label, file.source, reading, file.modified)
    return gathered.corpus(url)


def open_table(url: str) -> Corpus:
    """Open a corpus that is a table of documents in Parquet, CSV, TSV or JSON lines.

    Parameters
    ----------
    url
        Of a table with ``document`` (or ``_id``, ``id``) and ``text``; perhaps ``title, source,
        modified``. Further columns are kept, for filters. A text that is Markdown has the sections
        of its headings.

    Raises
    ------
    SourceError
        If the file is not there, or is no table.
    RetrievalError
        If it has no such columns, or no text.

    Warns
    -----
    CorpusWarning
        How many ids are there more than once, of which the first is kept, and how many texts are
        empty.
    """
    rows = tables.read_table(url)
    identity = next((each for each in _IDENTITIES if each in rows), None)
    if identity is None or "text" not in rows:
        raise RetrievalError(
            f"{url} has the columns {', '.join(map(str, rows.columns))}; expected document, text",
            "Rename the column of ids to document, and that of texts to text.",
        )
    gathered = _Gathered()
    for row in rows.to_dict("records"):
        told = {str(name): value for name, value in row.items() if not tables.is_missing(value)}
        document, text = str(told.pop(identity, "")), str(told.get("text", ""))
        reading = Reading(
            text,
            markdown.headings(text),
            str(told.get("title", "")),
            instant(told.get("modified")),
            {name: value for name, value in told.items() if name not in COLUMNS},
        )
        gathered.add(document, str(told.get("source", url)), reading)
    return gathered.corpus(url)


@dataclass
class _Gathered:
    """Documents as they come, and what is wrong with them."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    sections: list[tuple[str, Section]] = field(default_factory=list)
    troubles: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self, document: str, source: str, reading: Reading, modified: pd.Timestamp | None = None
    ) -> None:
        """Add a document, unless its id is taken."""
        if document in self.rows:
            self.trouble("with the id of another, left out", document)
            return
        text = _whole(reading.text)
        if text != reading.text:
            self.trouble("with halves of surrogate pairs, each now a question mark", document)
        for each in reading.troubles:
            self.trouble("not read as they are", f"{document} ({each})")
        if not text.strip():
            self.trouble("without text", document)
        self.rows[document] = {
            "document": document,
            "text": text,
            "source": source,
            "title": _whole(reading.title) or PurePosixPath(document).stem,
            "modified": reading.modified or modified,
            "content_hash": hashlib.sha256(text.encode("utf-8")).hexdigest(),
            **{name: each for name, each in reading.metadata.items() if name not in COLUMNS},
        }
        self.sections += [
            (document, each._replace(path=_whole(each.path)))
            for each in nested(reading.headings, len(text))
        ]

    def trouble(self, what: str, which: str) -> None:
        """Note that something is wrong with a document."""
        self.troubles.setdefault(what, []).append(which)

    def corpus(self, url: str) -> Corpus:
        """Return what there is, with a warning a kind of trouble."""
        told = [_told(what, which) for what, which in self.troubles.items()]
        if not any(each["text"].strip() for each in self.rows.values()):
            raise RetrievalError(
                "; ".join([f"{url} has no text", *told]),
                f"Name documents of one of the kinds {', '.join(READERS)}, with text in them.",
            )
        for each in told:
            warnings.warn(f"{url}: {each}", CorpusWarning, stacklevel=3)
        rows = [self.rows[document] for document in sorted(self.rows)]
        names = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
        columns = {name: _column([row.get(name) for row in rows]) for name in names}
        documents = pd.DataFrame(columns).astype(dict.fromkeys(_TEXTS, "str"))
        documents["modified"] = pd.to_datetime(documents["modified"], utc=True).astype(
            "datetime64[us, UTC]"
        )
        return Corpus(documents, table(self.sections))


def _told(what: str, which: list[str]) -> str:
    """Say how many documents something is wrong with, and name the first.

    Examples
    --------
    >>> _told("without text", ["a.md", "b.md"])
    '2 documents without text: a.md, b.md'
    """
    counts = Counter(which)
    named = [f"{each} ({count})" if count > 1 else each for each, count in counts.items()]
    rest = f" and {len(named) - _TOLD} more" if len(named) > _TOLD else ""
    documents = "documents" if len(which) > 1 else "document"
    return f"{len(which)} {documents} {what}: {', '.join(named[:_TOLD])}{rest}"


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which no table holds, by as many characters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _column(values: list[Any]) -> list[Any]:
    """Return what documents say of one thing, as text where they say it in different ways."""
    kinds = {type(each) for each in values if each is not None}
    if kinds <= {int, float} or len(kinds) < 2:
        return values
    return [None if each is None else str(each) for each in values]
