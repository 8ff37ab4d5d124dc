"""An executed notebook as one self-contained HTML page."""

import base64
import gzip
import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from functools import cache
from html import escape
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.findings import VERDICT_MIME, Level
from aiopslab.reports.record import Record
from aiopslab.reports.tables import readable

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = Path(__file__).parent / "assets"
PLOTLY_MIME = "application/vnd.plotly.v1+json"
PAPERMILL_NOTICE = "papermill-error-cell-tag"  # our banner says it better
STREAM_LIMIT = 20_000  # characters of printed text a cell shows; the notebook keeps them all
GLYPHS = {"ok": "✓", "watch": "◐", "act": "▲", "failed": "✕", "running": "…"}
UNKNOWN_SIZE = "       ? MB"


def page(notebook: dict[str, Any], record: Record) -> str:
    """Render a run.

    Parameters
    ----------
    notebook
        The executed notebook, format 4, as plain JSON.
    record
        Of its run.

    Returns
    -------
    str
        HTML that needs no other file and no network. plotly.js is in it once, compressed, and only
        where there is a figure. The page's own scripts are the only ones its Content-Security-
        Policy lets run, so markup that slipped into an output stays dead.
    """
    cells = Cells()
    blocks = [block for cell in notebook["cells"] for block in cells.render(cell)]
    script = asset("report.js")
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            record=record,
            title=f"{record.title} · {record.started[:16].replace('T', ' ')} UTC",
            level=state(record),
            glyph=GLYPHS[state(record)],
            headline=headline(record),
            tiles=tiles(record),
            sections=cells.sections,
            blocks=[safe(block) for block in blocks],
            facts=_facts(record),
            figures=[(anchor, safe(figure)) for anchor, figure in cells.figures],
            plotly=safe(_plotly() if cells.figures else ""),
            script=safe(script),
            script_hash=safe(csp_hash(script)),
            style=safe(asset("style.css")),
        )
    )
    size = len(text.encode("utf-8", "backslashreplace"))
    return text.replace(UNKNOWN_SIZE, f"{size / 1e6:8.2f} MB", 1)


def state(record: Record) -> Level | str:
    """Return the word that stands for a run: its verdict's level, or ``failed``, ``running``."""
    if record.status == "finished" and record.verdict is not None:
        return record.verdict.level
    return record.status


def headline(record: Record) -> str:
    """Return the sentence that stands for a run."""
    if record.failure is not None:
        return "This report failed; what follows is as far as it came."
    return record.verdict.headline if record.verdict else "This report is still running."


def tiles(record: Record) -> list[tuple[str, str]]:
    """Return the headline figures, readable."""
    figures = record.verdict.metrics if record.verdict else {}
    return [(name, _figure(value)) for name, value in figures.items()]


def _figure(value: float) -> str:
    if isnan(value):
        return "–"
    return f"{value:,.0f}" if 100 <= abs(value) < 1e15 else f"{value:.3g}"


class Cells:
    """Renders the cells of one notebook, collecting its sections and figures on the way."""

    def __init__(self) -> None:
        self.sections: list[dict[str, str]] = []
        self.figures: list[tuple[str, str]] = []

    def render(self, cell: dict[str, Any]) -> Iterator[str]:
        """Yield the HTML of a cell, piece by piece."""
        source = "".join(cell["source"])
        if PAPERMILL_NOTICE in cell["metadata"].get("tags", []):
            return
        if cell["cell_type"] == "markdown":
            yield self._prose(source)
        if cell["cell_type"] != "code":
            return
        if source.strip():
            code = f"<pre>{escape(source)}</pre>"
            yield f'<details class="code" open><summary>Code</summary>{code}</details>'
        for output in cell["outputs"]:
            yield from self._output(output)

    def _prose(self, source: str) -> str:
        html = _markdown(source)

        def with_anchor(match: re.Match[str]) -> str:
            title = re.sub(r"<[^>]*>", "", match[1])
            anchor = f"section-{len(self.sections) + 1}"
            self.sections.append({"anchor": anchor, "title": title})
            return f'<h2 id="{anchor}">{match[1]}</h2>'

        return re.sub(r"<h2[^>]*>(.*?)</h2>", with_anchor, html, flags=re.DOTALL)

    def _output(self, output: dict[str, Any]) -> Iterator[str]:
        kind = output["output_type"]
        if kind == "stream":
            yield f'<pre class="stream">{_ansi(_capped("".join(output["text"])))}</pre>'
        elif kind == "error":
            traceback = _ansi(_capped("\n".join(output["traceback"])))
            yield f'<pre class="traceback">{traceback}</pre>'
        else:
            yield self._data(output["data"])

    def _data(self, data: dict[str, Any]) -> str:
        if PLOTLY_MIME in data:
            return self._figure(data[PLOTLY_MIME])
        if "text/html" in data:
            html = readable("".join(data["text/html"]))
            return f'<div id="conclusion">{html}</div>' if VERDICT_MIME in data else html
        if "image/svg+xml" in data:
            # As a picture, not as markup: a picture cannot run anything.
            encoded = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
            return f'<img alt="" src="data:image/svg+xml;base64,{encoded}">'
        for mime in ("image/png", "image/jpeg"):
            if mime in data:
                return f'<img alt="" src="data:{mime};base64,{"".join(data[mime]).strip()}">'
        return f'<pre class="stream">{escape(_capped("".join(data.get("text/plain", ""))))}</pre>'

    def _figure(self, figure: dict[str, Any]) -> str:
        anchor = f"figure-{len(self.figures) + 1}"
        layout = figure.get("layout", {})
        title = re.sub(r"<[^>]*>", "", layout.get("title", {}).get("text", "Figure"))
        spoken = (layout.get("meta") or {}).get("description", title)
        plain = json.dumps({"data": figure["data"], "layout": layout}, ensure_ascii=False)
        self.figures.append((anchor, plain.replace("<", "\\u003c")))
        height = int(layout.get("height") or 450)
        return (
            f'<figure data-figure="{anchor}" aria-label="{escape(title)}">'
            f'<div class="plot" style="min-height:{height}px">'
            f'<p class="missing soft">{escape(title)}: the figure is drawn by JavaScript.</p></div>'
            f'<figcaption class="unseen">{escape(spoken)}</figcaption></figure>'
        )


def _facts(record: Record) -> list[tuple[str, str]]:
    given = " ".join(
        f"-p {name}={_shell(value)}"
        for name, value in record.parameters.items()
        if value is not None
    )
    facts = [
        ("report", f"{record.title} ({record.template})"),
        ("run", record.id),
        ("started", f"{record.started[:19].replace('T', ' ')} UTC"),
        ("took", f"{record.duration_s:.1f} s" if record.ended else "not ended"),
        ("size of this page", UNKNOWN_SIZE),
    ]
    facts += [(f"parameter {name}", _plain(value)) for name, value in record.parameters.items()]
    for each in record.evidence:
        facts.append(("data", f"{each['source']}; rows: {_rows(each['frames'])}"))
        facts.append(("data digest", f"sha256 {each['digest']}"))
        facts += [("assumed", note) for note in each["notes"]]
    facts.append(("template digest", f"sha256 {record.template_digest}"))
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return [
        *facts,
        ("versions", versions),
        ("run it again", f"aiopslab run {record.template} {given}"),
    ]


def _rows(frames: dict[str, int]) -> str:
    return ", ".join(f"{name} {rows:,}" for name, rows in frames.items())


def _plain(value: Any) -> str:
    return "none" if value in (None, [], {}) else str(value)


def _shell(value: Any) -> str:
    import shlex

    text = value if isinstance(value, str) else json.dumps(value)
    return shlex.quote(text)


def _capped(text: str) -> str:
    if len(text) <= STREAM_LIMIT:
        return text
    left = len(text) - STREAM_LIMIT
    return f"{text[:STREAM_LIMIT]}\n… {left:,} more characters are in the notebook."


def _markdown(source: str) -> str:
    import mistune

    return str(mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(source))


def _ansi(text: str) -> str:
    """Drop colours meant for a terminal, and escape the rest."""
    return escape(re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text))


def asset(name: str) -> str:
    """Return the text of a stylesheet or script of the pages."""
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from plotly.offline import get_plotlyjs
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def csp_hash(script: str) -> str:
    """Return the source by which a Content-Security-Policy lets one inline script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def environment() -> "Environment":
    """Return the jinja2 environment of the pages; it escapes everything it is not told is safe."""
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(ASSETS), autoescape=True)


def safe(html: str) -> Any:
    """Mark HTML that was made here, from escaped parts, as not to be escaped again."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704
