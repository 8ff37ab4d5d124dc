"""The edition of a report for outsiders, built from what they may know and nothing else."""

import hashlib
import hmac
import re
import secrets
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from aiopslab.findings import VERDICT_MIME, Finding, Verdict
from aiopslab.reports.cells import PLOTLY_MIME
from aiopslab.reports.record import Failure, Record, series, write_atomically
from aiopslab.reports.render import series_of
from aiopslab.sharing.masks import Mask, telling
from aiopslab.sharing.redacted_figure import Names, redacted_figure

Part = Literal["actions", "prose", "tables"]
KEY = ".pseudonyms.key"
DETAIL = "What it said is left out of this edition."


class Settings(BaseModel):
    """What outsiders may read.

    Parameters
    ----------
    services
        ``keep`` their names, or put a ``pseudonym`` in their place. A pseudonym is the same in all
        reports of a gallery; figures are left out then, unless they are marked as fit to share.
    names
        Services, beside the subjects of findings, that get a pseudonym.
    hide
        Further words that are replaced wherever they stand.
    allow
        What else to show, with the same words replaced: ``actions`` of the verdict, ``prose`` of
        the template, ``tables``, which may hold log lines, prompts and passages of documents.

    Examples
    --------
    >>> Settings(services="pseudonym").allow
    ()
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    services: Literal["keep", "pseudonym"] = "keep"
    names: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    allow: tuple[Part, ...] = ()


class Redaction:
    """Turns runs into what outsiders may read of them.

    Parameters
    ----------
    settings
        What they may read.
    key
        By which pseudonyms are made: without it they cannot be guessed from a list of names.
    """

    def __init__(self, settings: Settings, key: bytes) -> None:
        self.settings = settings
        self._key = key

    def run(self, notebook: dict[str, Any], record: Record) -> tuple[dict[str, Any], Record]:
        """Return the notebook and the record of a run as outsiders may read them.

        Parameters
        ----------
        notebook
            The executed notebook, format 4.
        record
            Of its run.

        Returns
        -------
        notebook
            Headings, figures without free text, the verdict; what `Settings.allow` names.
        record
            Template, times, verdict, and the parameters that are numbers; notes say what is left
            out.
        """
        mask = self._mask(record)
        verdict = self._verdict(record.verdict, mask) if record.verdict else None
        left: list[str] = []
        cells = [self._cell(cell, verdict, mask, left) for cell in notebook["cells"]]
        if "prose" not in self.settings.allow:
            cells = list(_without_empty(cells))
        failure = record.failure and Failure(record.failure.name, DETAIL, record.failure.cell)
        is_default = series_of(record) == series(record.template, record.parameters)
        name = series_of(record)
        kept = Record(
            id=record.id,
            template=record.template,
            title=mask(record.title),
            template_digest="",
            parameters={
                name: value
                for name, value in record.parameters.items()
                if isinstance(value, bool | int | float)
            },
            started=record.started,
            ended=record.ended,
            process=(0, 0.0),
            status=record.status,
            verdict=verdict,
            failure=failure,
            notes=(_summary(left),),
            # The name that is made from the parameters would give away a guess at them.
            series=f"{record.template}-{self._digest(name)}" if is_default else mask(name),
        )
        return {"cells": cells}, kept

    def _mask(self, record: Record) -> Names:
        """Return what takes out of a text what the record itself shows to be telling."""
        values = [str(value) for value in _texts(record.parameters)]
        values += [str(each["source"]) for each in record.evidence]
        words = [word for value in values for word in telling(value)]
        here = [word for word in (socket.gethostname(), *_user()) if "." in word or len(word) > 5]
        mask = Mask([*words, *here, *self.settings.hide])
        if self.settings.services == "keep":
            return Names(mask, {})
        findings = record.verdict.findings if record.verdict else ()
        known = {finding.subject for finding in findings} | set(self.settings.names)
        return Names(mask, {name: f"service-{self._digest(name)}" for name in known if name})

    def _digest(self, name: str) -> str:
        return hmac.new(self._key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:6]

    def _verdict(self, verdict: Verdict, mask: Names) -> Verdict:
        return Verdict(
            verdict.level,
            mask(verdict.headline),
            {mask(name): value for name, value in verdict.metrics.items()},
            tuple(_finding(each, mask) for each in verdict.findings),
            tuple(map(mask, verdict.actions)) if "actions" in self.settings.allow else (),
        )

    def _cell(
        self, cell: dict[str, Any], verdict: Verdict | None, mask: Names, left: list[str]
    ) -> dict[str, Any]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            lines = source.splitlines()
            if "prose" not in self.settings.allow:
                lines = [line for line in lines if re.match(r"#{1,4} ", line)]
            text = mask("\n".join(lines))
            return {"cell_type": "markdown", "metadata": {}, "source": text}
        outputs = [
            shown
            for output in cell.get("outputs", [])
            for shown in self._output(output, verdict, mask, left)
        ]
        if source.strip():
            left.append("code")
        return {"cell_type": "code", "metadata": {}, "source": "", "outputs": outputs}

    def _output(
        self, output: dict[str, Any], verdict: Verdict | None, mask: Names, left: list[str]
    ) -> Iterator[dict[str, Any]]:
        data = output.get("data", {})
        if VERDICT_MIME in data and verdict:
            yield _shown({VERDICT_MIME: verdict.to_json(), "text/html": verdict._repr_html_()})
        elif PLOTLY_MIME in data:
            figure = redacted_figure(data[PLOTLY_MIME], mask)
            if figure is None:
                left.append("figures")
            else:
                yield _shown({PLOTLY_MIME: figure})
        elif "<table" in "".join(data.get("text/html", "")) and "tables" in self.settings.allow:
            yield _shown({"text/html": _tables("".join(data["text/html"]), mask)})
        else:
            left.append("other outputs")


def key(folder: Path) -> bytes:
    """Return the key of the pseudonyms of a gallery, which is made when it is first needed."""
    path = folder / KEY
    if not path.is_file():
        write_atomically(path, secrets.token_hex(32))
        path.chmod(0o600)
    return path.read_bytes()


def _finding(finding: Finding, mask: Names) -> Finding:
    effect = finding.effect and replace(
        finding.effect, name=mask(finding.effect.name), unit=mask(finding.effect.unit)
    )
    return replace(
        finding,
        claim=mask(finding.claim),
        subject=mask(finding.subject),
        evidence="",
        effect=effect,
    )


def _tables(html: str, mask: Names) -> str:
    """Return the tables in some HTML, cell by cell: no attribute and no other markup passes."""
    from html import escape

    from bs4 import BeautifulSoup

    made = []
    for table in BeautifulSoup(html, "html.parser").find_all("table"):
        rows = []
        for row in table.find_all("tr"):
            cells = [
                f"<{cell.name}>{escape(mask(cell.get_text(' ', strip=True)))}</{cell.name}>"
                for cell in row.find_all(["th", "td"])
            ]
            rows.append(f"<tr>{''.join(cells)}</tr>")
        made.append(f'<table class="dataframe"><tbody>{"".join(rows)}</tbody></table>')
    return "".join(made)


def _without_empty(cells: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the cells that show something, and of the headings those that something is below."""
    heading: dict[str, Any] | None = None
    for cell in cells:
        if cell["cell_type"] == "markdown":
            heading = cell if cell["source"] else heading
        elif cell["outputs"]:
            if heading:
                yield heading
            heading = None
            yield cell


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def _summary(left: list[str]) -> str:
    counts = [f"{left.count(what)} {what}" for what in ("figures", "other outputs") if what in left]
    more = f"; so are {' and '.join(counts)}" if counts else ""
    return f"This is the edition for outsiders. Code and sources of data are left out{more}."


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)


def _user() -> list[str]:
    try:
        return [getuser()]
    except (KeyError, OSError):  # a user without a name
        return []
