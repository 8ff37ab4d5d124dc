"""An executed notebook as an HTML page: one of a gallery, or a file that stands alone."""

import base64
import gzip
import json
import re
import warnings
from functools import cache
from math import isnan
from typing import Any, Literal

from aiopslab.errors import ReportError
from aiopslab.findings import Level
from aiopslab.reports import addresses
from aiopslab.reports.cells import Cells
from aiopslab.reports.markup import asset, csp_hash, environment, safe
from aiopslab.reports.record import Record, series

Edition = Literal["internal", "redacted"]
GLYPHS = {"ok": "✓", "watch": "◐", "act": "▲", "failed": "✕", "running": "…"}
UNKNOWN_SIZE = "       ? MB"
_LINKED = re.compile(r'\A"use strict";\nconst PLOTLY = \{"src": "[^"]*"\};')
_SITE_LINKS = re.compile(r'<a class="site".*?</a>', re.DOTALL)


def page(notebook: dict[str, Any], record: Record, edition: Edition = "internal") -> str:
    """Render a run as a page of a gallery.

    Parameters
    ----------
    notebook
        The executed notebook, format 4, as plain JSON.
    record
        Of its run.
    edition
        ``redacted`` leaves out how to run it again and the record itself, for outsiders.

    Returns
    -------
    str
        HTML that needs no network, and no other file but the plotly.js that the reports of a
        gallery share, where there is a figure. Its Content-Security-Policy lets the page's own
        script run and what that loads, and nothing else, so markup that slipped into an output
        stays dead.

    See Also
    --------
    self_contained : The same page as one file.
    """
    cells = Cells()
    blocks = [block for cell in notebook["cells"] for block in cells.render(cell)]
    script = _script({"src": f"../{addresses.plotly()}"}) if cells.figures else _script({})
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
            facts=_facts(record, edition),
            has_code=edition == "internal",
            kept=safe(_kept(record)) if edition == "internal" else "",
            figures=[(anchor, safe(figure)) for anchor, figure in cells.figures],
            index=f"../{addresses.INDEX}",
            series=f"../{addresses.series(series_of(record))}",
            script=safe(script),
            script_hash=safe(csp_hash(script)),
            style=safe(asset("style.css")),
        )
    )
    size = len(text.encode("utf-8", "backslashreplace"))
    return text.replace(UNKNOWN_SIZE, f"{size / 1e6:8.2f} MB", 1)


def self_contained(html: str) -> str:
    """Make one file of a page of a gallery: plotly.js is in it, compressed; links to others go.

    Parameters
    ----------
    html
        What `page` made.

    Raises
    ------
    ReportError
        If it is no page of this library.
    """
    if '<meta name="generator" content="AIOps Lab' not in html:
        raise ReportError("this is no report of AIOps Lab", "Give a report.html of a gallery.")
    before, opening, rest = html.rpartition("<script>")  # ours is the last
    script, closing, after = rest.partition("</script>")
    whole = _LINKED.sub(lambda _: _opening({"packed": _packed()}), script)
    before = _SITE_LINKS.sub("", before).replace(csp_hash(script), csp_hash(whole), 1)
    return f"{before}{opening}{whole}{closing}{after}"


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
    return [(name, readable_number(value)) for name, value in figures.items()]


def readable_number(value: float) -> str:
    """Return a number as a headline figure.

    Examples
    --------
    >>> readable_number(1234.5678), readable_number(0.012345), readable_number(float("nan"))
    ('1,235', '0.0123', '–')
    """
    if isnan(value):
        return "–"
    return f"{value:,.0f}" if 100 <= abs(value) < 1e15 else f"{value:.3g}"


def series_of(record: Record) -> str:
    """Return the series of a run; records of older versions do not name it."""
    return record.series or series(record.template, record.parameters)


def plotly_js() -> str:
    """Return the plotly.js that draws the figures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from plotly.offline import get_plotlyjs
    return str(get_plotlyjs())


def _script(plotly: dict[str, str]) -> str:
    return _opening(plotly) + asset("report.js").removeprefix('"use strict";')


def _opening(plotly: dict[str, str]) -> str:
    return f'"use strict";\nconst PLOTLY = {json.dumps(plotly)};'


@cache
def _packed() -> str:
    return base64.b64encode(gzip.compress(plotly_js().encode(), 9, mtime=0)).decode()


def _kept(record: Record) -> str:
    """Return the record as it stands in the page, for programs that read it again."""
    plain = {name: value for name, value in record.to_json().items() if name != "process"}
    return json.dumps(plain, ensure_ascii=False).replace("<", "\\u003c")


def _facts(record: Record, edition: Edition) -> list[tuple[str, str]]:
    facts = [
        ("report", f"{record.title} ({record.template})"),
        ("run", record.id),
        ("series", series_of(record)),
        ("started", f"{record.started[:19].replace('T', ' ')} UTC"),
        ("took", f"{record.duration_s:.1f} s" if record.ended else "not ended"),
        ("size of this page", UNKNOWN_SIZE),
    ]
    facts += [(f"parameter {name}", _plain(value)) for name, value in record.parameters.items()]
    if edition == "internal":
        facts += _inner_facts(record)
    return facts


def _inner_facts(record: Record) -> list[tuple[str, str]]:
    """Return what only those inside may know: on what it was run, with what, and how."""
    facts = []
    for each in record.evidence:
        facts.append(("data", f"{each['source']}; rows: {_rows(each['frames'])}"))
        facts.append(("data digest", f"sha256 {each['digest']}"))
        facts += [("assumed", note) for note in each["notes"]]
    given = " ".join(
        f"-p {name}={_shell(value)}"
        for name, value in record.parameters.items()
        if value is not None
    )
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return [
        *facts,
        ("template digest", f"sha256 {record.template_digest}"),
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
