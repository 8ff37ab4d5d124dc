"""The cells of an executed notebook as HTML, with the sections and figures they hold."""

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from aiopslab.findings import VERDICT_MIME
from aiopslab.reports.tables import readable

if TYPE_CHECKING:
    from mistune import Markdown

PLOTLY_MIME = "application/vnd.plotly.v1+json"
PAPERMILL_NOTICE = "papermill-error-cell-tag"  # our banner says it better
STREAM_LIMIT = 20_000  # characters of printed text a cell shows; the notebook keeps them all


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
        html = str(_markdown()(source))

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


def _capped(text: str) -> str:
    if len(text) <= STREAM_LIMIT:
        return text
    left = len(text) - STREAM_LIMIT
    return f"{text[:STREAM_LIMIT]}\n… {left:,} more characters are in the notebook."


@cache
def _markdown() -> "Markdown":
    import mistune

    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def _ansi(text: str) -> str:
    """Drop colours meant for a terminal, and escape the rest."""
    return escape(re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text))
