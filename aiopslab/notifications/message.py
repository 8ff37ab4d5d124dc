"""A message about a run: one line for a locked telephone, and a few paragraphs below it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from aiopslab.notifications.events import Occasion, Standing
from aiopslab.reports.record import PAGE, Record
from aiopslab.reports.render import GLYPHS, state, tiles

SUBJECT, TILES, FINDINGS = 180, 6, 3  # letters of a subject, and how many of the others
_CALLS = re.compile(r"([@!])(?=\w)")  # @everyone, <!channel>


@dataclass(frozen=True)
class Message:
    """What is sent.

    Parameters
    ----------
    subject
        One line, without markup.
    html
        The body; what others wrote is escaped in it.
    picture
        A PNG; empty for none.
    is_good
        Whether it is good news, which some services colour.
    """

    subject: str
    html: str
    picture: bytes = b""
    is_good: bool = False

    def calling_nobody(self) -> "Message":
        """Return the message with nothing in it that would call everybody in a chat."""
        subject, html = (_CALLS.sub("\\1\u200b", each) for each in (self.subject, self.html))
        return replace(self, subject=subject, html=html)


def line(text: str) -> str:
    r"""Make one line of a text, without what steers a terminal, ends a header or is markup.

    Examples
    --------
    >>> line("All well\r\nBcc: all@example.com <b>")
    'All well Bcc: all@example.com ‹b›'
    """
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.translate({ord("<"): "‹", ord(">"): "›"}).split())


def name_of(record: Record) -> str:
    """Return what a reader calls the series of a run: a plan names it, else its template does."""
    return record.series if record.plan and record.series else record.title


def address(record: Record, gallery: Path, link: str | None) -> str:
    """Return where the page of a run is."""
    if link:
        return f"{link.rstrip('/')}/{record.id}/{PAGE}"
    return (gallery.resolve() / record.id / PAGE).as_uri()


def headline(record: Record) -> str:
    """Return what a run came to in one sentence."""
    return str(record.failure or (record.verdict.headline if record.verdict else ""))


def compose(
    record: Record, occasion: Occasion, before: Standing | None, where: str, picture: bytes = b""
) -> Message:
    """Make the message about a run.

    Parameters
    ----------
    record
        Of the run.
    occasion
        Why it is told.
    before
        How its series stood before.
    where
        Its page.
    picture
        A PNG.
    """
    now = state(record)
    said = headline(record)
    lead = f"{GLYPHS[now]} {_told(now, occasion, before)}"
    subject = line(f"{lead}: {name_of(record)}: {said}")
    if len(subject) > SUBJECT:
        subject = f"{subject[: SUBJECT - 1]}…"
    verdict = record.verdict
    parts = [
        f"<p><strong>{escape(lead)}</strong><br>{_paragraph(said)}</p>",
        _table(tiles(record)[:TILES]),
        _list("Findings", _claims(record)),
        _list("What to do next", verdict.actions[:1] if verdict else ()),
        f'<p>Report: <a href="{escape(where)}">{escape(where)}</a></p>',
        f"<p>{_paragraph(f'{name_of(record)}; run {record.id}, started {record.started}')}</p>",
    ]
    return Message(subject, "\n".join(filter(None, parts)), picture, occasion == "recovery")


def trial(gallery: str) -> Message:
    """Make the message that shows whether messages arrive, with a picture."""
    from plotly.graph_objects import Figure, Scatter

    from aiopslab.charts.still import still

    drawn = still(Figure(Scatter(x=[0, 1, 2, 3], y=[1, 1, 2, 4]), {"title": {"text": "A trial"}}))
    html = (
        "<p><strong>This is a trial.</strong><br>Messages about reports will come here, with a "
        f'picture.</p><p>All reports: <a href="{escape(gallery)}">{escape(gallery)}</a></p>'
    )
    return Message("Reports: a trial message", html, drawn, is_good=True)


def _told(now: str, occasion: Occasion, before: Standing | None) -> str:
    if occasion == "reminder" and before:
        return f"still {now} since {before.since:%Y-%m-%d %H:%M} UTC"
    again = " again" if occasion == "recovery" and now == "ok" else ""
    was = f" (was {before.state})" if before and before.state != now else ""
    return f"{now}{again}{was}"


def _claims(record: Record) -> Iterable[str]:
    for each in record.verdict.findings[:FINDINGS] if record.verdict else ():
        effect = f" {each.effect}" if each.effect else ""
        yield f"{each.subject}: {each.claim}{effect}"


def _paragraph(text: str) -> str:
    shown = "".join(each if each.isprintable() or each == "\n" else " " for each in text)
    return escape(shown).replace("\n", "<br>")


def _table(rows: Iterable[tuple[str, str]]) -> str:
    told = "".join(
        f"<tr><td>{_paragraph(name)}:</td><td><b>{_paragraph(value)}</b></td></tr>"
        for name, value in rows
    )
    return f"<table>{told}</table>" if told else ""


def _list(heading: str, items: Iterable[str]) -> str:
    told = "".join(f"<li>{_paragraph(each)}</li>" for each in items)
    return f"<p>{heading}</p><ul>{told}</ul>" if told else ""
