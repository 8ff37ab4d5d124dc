"""What the pages of a gallery tell of a run."""

import json
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from aiopslab.reports.record import PAGE, Record
from aiopslab.reports.render import series_of, state
from aiopslab.sqlite_file import storable


@dataclass(frozen=True)
class Facts:
    """What the pages of a gallery tell of a run.

    Parameters
    ----------
    id, template, title, series, started, ended, parameters, versions
        As in its record.
    state
        ``ok``, ``watch``, ``act``, ``failed`` or ``running``.
    headline
        Of its verdict, else why it failed.
    seconds
        From start to end; ``None`` while it runs.
    metrics
        Headline figures in their order; ``None`` where a figure could not be had.
    sources
        Of its evidence.
    has_page
        Whether there is a report to open.
    """

    id: str
    template: str
    title: str
    series: str
    state: str
    started: str
    ended: str
    headline: str
    seconds: float | None
    parameters: dict[str, Any]
    metrics: dict[str, float | None]
    versions: dict[str, str]
    sources: list[str]
    has_page: bool

    @property
    def month(self) -> str:
        """The month it started in, as ``2026-03``."""
        return self.started[:7]

    def to_json(self) -> str:
        """Return JSON that may stand in a script element and in any file."""
        plain = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))
        return storable(plain.replace("<", "\\u003c"))

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def told(record: Record, folder: Path) -> Facts:
    """Return what a gallery tells of a run.

    Parameters
    ----------
    record
        Of the run.
    folder
        Of the gallery.
    """
    concluded = record.verdict.headline if record.verdict else "still running"
    figures = record.verdict.metrics if record.verdict else {}
    return Facts(
        id=record.id,
        template=record.template,
        title=record.title,
        series=storable(series_of(record)),
        state=state(record),
        started=record.started,
        ended=record.ended,
        headline=str(record.failure) if record.failure else concluded,
        seconds=round(record.duration_s, 1) if record.ended else None,
        parameters=record.parameters,
        metrics={name: value if isfinite(value) else None for name, value in figures.items()},
        versions=record.versions,
        sources=[each["source"] for each in record.evidence],
        has_page=(folder / record.id / PAGE).is_file(),
    )
