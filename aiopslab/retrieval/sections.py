"""Sections: the parts of a document under its headings, and which of them a position is in."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

COLUMNS = ["document", "start", "end", "level", "path"]
SEPARATOR = " > "


class Heading(NamedTuple):
    """Where a section begins.

    Parameters
    ----------
    start
        Position in the text of the document.
    level
        1 for the outermost.
    title
        What it is called.
    """

    start: int
    level: int
    title: str


class Section(NamedTuple):
    """A heading and all under it, those of a deeper level too.

    Parameters
    ----------
    start, end
        Positions in the text, half-open.
    level
        Of its heading.
    path
        Titles from the outermost to its own, ``A > B``.
    """

    start: int
    end: int
    level: int
    path: str


def nested(headings: Sequence[Heading], length: int) -> list[Section]:
    """Return the section of each heading.

    Parameters
    ----------
    headings
        By position.
    length
        Of the text.

    Returns
    -------
    list of Section
        In the same order. Each ends at the next heading that is not deeper.

    Examples
    --------
    >>> nested([Heading(0, 1, "A"), Heading(5, 2, "B"), Heading(9, 1, "C")], 20)
    [Section(start=0, end=9, level=1, path='A'), Section(start=5, end=9, level=2, path='A > B'),
     Section(start=9, end=20, level=1, path='C')]
    """
    ends = [length] * len(headings)
    paths: list[str] = []
    open_sections: list[int] = []
    for place, heading in enumerate(headings):
        while open_sections and headings[open_sections[-1]].level >= heading.level:
            ends[open_sections.pop()] = heading.start
        above = [paths[open_sections[-1]]] if open_sections else []
        paths.append(SEPARATOR.join([*above, heading.title]))
        open_sections.append(place)
    return [
        Section(heading.start, end, heading.level, path)
        for heading, end, path in zip(headings, ends, paths, strict=True)
    ]


def table(sections: Iterable[tuple[str, Section]]) -> pd.DataFrame:
    """Return sections with the documents that they are of as a table: ``document, start, …``."""
    rows = [(document, *section) for document, section in sections]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    kinds = dict.fromkeys(("start", "end", "level"), "int64")
    return frame.astype({"document": "str", "path": "str", **kinds})


def by_document(sections: pd.DataFrame) -> dict[str, list[Section]]:
    """Return the sections of each document that has any, by position, the outer first."""
    ordered = sections.sort_values(["document", "start", "level"], kind="stable")
    found: dict[str, list[Section]] = {}
    columns = (ordered[each].tolist() for each in COLUMNS)
    for document, start, end, level, path in zip(*columns, strict=True):
        found.setdefault(document, []).append(Section(start, end, level, path))
    return found


def paths_at(sections: Sequence[Section], positions: npt.ArrayLike) -> list[str]:
    """Return the path of the innermost section at each position, empty where there is none.

    Parameters
    ----------
    sections
        Of one document, as `by_document` returns them.
    positions
        In its text, in any order.

    Examples
    --------
    >>> paths_at(nested([Heading(3, 1, "A"), Heading(5, 2, "B")], 9), [0, 3, 8])
    ['', 'A', 'A > B']
    """
    starts = np.array([each.start for each in sections], dtype=np.int64)
    parents = enclosing(sections)
    found = []
    begun = np.searchsorted(starts, positions, side="right") - 1
    for position, latest in zip(np.asarray(positions).tolist(), begun.tolist(), strict=True):
        place = latest
        while place >= 0 and sections[place].end <= position:
            place = parents[place]
        found.append(sections[place].path if place >= 0 else "")
    return found


def enclosing(sections: Sequence[Section]) -> list[int]:
    """Return the place of the section that each is in, -1 for the outermost.

    Examples
    --------
    >>> enclosing(nested([Heading(0, 1, "A"), Heading(5, 2, "B"), Heading(9, 1, "C")], 20))
    [-1, 0, -1]
    """
    parents: list[int] = []
    open_sections: list[int] = []
    for place, section in enumerate(sections):
        while open_sections and sections[open_sections[-1]].end <= section.start:
            open_sections.pop()
        parents.append(open_sections[-1] if open_sections else -1)
        open_sections.append(place)
    return parents
