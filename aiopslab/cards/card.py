"""Card: sections of what is known of a thing, and what is not, as JSON, Markdown and HTML."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from aiopslab.incident.markdown import safe, table
from aiopslab.reports.markup import asset
from aiopslab.reports.record import now, write_atomically
from aiopslab.reports.scan import Scanner
from aiopslab.reports.secrets import of_environment

Kind = Literal["model", "prompt", "index"]
UNKNOWN = "not recorded"
FACTS = ("what", "value")  # the columns of a section that says one thing a row
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # it loads and runs nothing


@dataclass(frozen=True)
class Section:
    """One part of a card.

    Parameters
    ----------
    title
        Its heading.
    columns, rows
        A table, as texts.
    unknown
        What is said where there is no row: that it is not known, and where it would come from.
    texts
        ``(name, text)`` that are shown as they are, line by line.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    unknown: str = UNKNOWN
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Card:
    """What is known of a model, a prompt or an index.

    Parameters
    ----------
    kind
        ``model``, ``prompt`` or ``index``.
    name, version
        Of what it is.
    summary
        What it is, in a sentence.
    sections
        In the order in which they are read.
    made
        When the card was, ISO 8601 in UTC: it says what was known then.

    Examples
    --------
    >>> card = Card.of("model", "loans", "7", "Pays back or not.", [Section("Data", FACTS, ())])
    >>> "## Data" in card.to_markdown() and "not recorded" in card.to_markdown()
    True
    """

    kind: Kind
    name: str
    version: str
    summary: str
    sections: tuple[Section, ...]
    made: str

    @classmethod
    def of(
        cls, kind: Kind, name: str, version: str, summary: str, sections: Iterable[Section]
    ) -> "Card":
        """Make a card of now, without whatever looks like a secret."""
        scanner = Scanner(of_environment())

        def clean(text: str) -> str:
            return scanner.text(text, "card")

        shown = tuple(
            Section(
                each.title,
                each.columns,
                tuple(tuple(map(clean, row)) for row in each.rows),
                clean(each.unknown),
                tuple((clean(name), clean(text)) for name, text in each.texts),
            )
            for each in sections
        )
        return cls(kind, clean(name), clean(version), clean(summary), shown, now())

    @property
    def title(self) -> str:
        """What stands above it."""
        return f"{self.kind.capitalize()} card: {self.name} {self.version}".rstrip()

    def __getitem__(self, title: str) -> Section:
        """Return a section by its title."""
        return next(each for each in self.sections if each.title == title)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return it as Markdown, in which no text of others means anything."""
        lines = [f"# {safe(self.title)}", "", safe(self.summary), ""]
        for each in self.sections:
            lines += [f"## {safe(each.title)}", ""]
            if each.rows:
                rows = [[safe(cell) for cell in row] for row in each.rows]
                lines += [*table([safe(name) for name in each.columns], rows), ""]
            elif not each.texts:
                lines += [safe(each.unknown), ""]
            for name, text in each.texts:
                lines += [f"{safe(name)}:", "", *_indented(text), ""]
        return "\n".join([*lines, f"Made {safe(self.made)}.", ""])

    def to_html(self) -> str:
        """Return one page that loads nothing from elsewhere and runs no script."""
        title = escape(self.title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{asset('style.css')}{_STYLE}</style></head>"
            f"<body><main><h1>{title}</h1><p>{escape(self.summary)}</p>"
            f"{''.join(map(_html, self.sections))}"
            f"<p><small>Made {escape(self.made)} of what was recorded by then.</small></p>"
            "</main></body></html>\n"
        )

    def write(self, folder: Path) -> Path:
        """Write ``card-KIND-NAME-VERSION`` as HTML, Markdown and JSON; return the page.

        Raises
        ------
        ReportError
            If the folder cannot be written.
        """
        letters = f"{self.kind}-{self.name}-{self.version}".rstrip("-")
        name = "".join(each if each.isalnum() or each in "._-" else "_" for each in letters)
        stem = folder / f"card-{name[:100]}"
        told = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
        for suffix, text in (("json", told), ("md", self.to_markdown()), ("html", self.to_html())):
            write_atomically(stem.with_name(f"{stem.name}.{suffix}"), text)
        return stem.with_name(f"{stem.name}.html")


_STYLE = """
main table { border-collapse: collapse; width: 100%; margin: 0.4rem 0 1rem; }
main th, main td { text-align: left; vertical-align: top; padding: 0.25rem 0.7rem 0.25rem 0; }
main tr + tr, main tbody tr { border-top: 1px solid var(--line); }
main td { overflow-wrap: anywhere; }
main pre { background: var(--card); padding: 0.7rem; white-space: pre-wrap; }
"""


def _html(section: Section) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>"]
    if section.rows:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.columns)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>")
        parts += (f"<tr>{_cells(row)}</tr>" for row in section.rows)
        parts.append("</tbody></table>")
    elif not section.texts:
        parts.append(f'<p class="soft">{escape(section.unknown)}</p>')
    for name, text in section.texts:
        parts.append(f"<h4>{escape(name)}</h4><pre>{escape(text)}</pre>")
    return "".join([*parts, "</section>"])


def _cells(row: tuple[str, ...]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def _indented(text: str) -> Iterator[str]:
    """Yield lines that Markdown shows as they are."""
    for line in text.splitlines() or [""]:
        yield "    " + "".join(each if each.isprintable() else " " for each in line)
