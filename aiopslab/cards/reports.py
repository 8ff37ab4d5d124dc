"""Reports: the runs of a gallery that judged a thing, and what they measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from aiopslab.cards.card import Section
from aiopslab.errors import ReportError
from aiopslab.findings import LEVELS
from aiopslab.reports.record import Record, records

Concerns = Callable[[str], bool]

COLUMNS = ("date (UTC)", "report", "verdict", "what it says", "asked of")
SHOWN = 20  # reports of a card, the newest


@dataclass(frozen=True)
class Judged:
    """What the reports of a gallery say of a thing.

    Parameters
    ----------
    gallery
        Its folder; ``None`` where none was named.
    runs
        That opened it or were told of it, the newest first.
    """

    gallery: Path | None
    runs: tuple[Record, ...]

    def reports(self) -> Section:
        """Return one row a report."""
        unknown = (
            "Not known: no gallery was named."
            if self.gallery is None
            else f"No report of {self.gallery.name} has judged it."
        )
        rows = tuple(
            (each.started[:19].replace("T", " "), each.id, *_said(each), ", ".join(_data(each)))
            for each in self.runs[:SHOWN]
        )
        return Section("Reports that judged it", COLUMNS, rows, unknown)

    def measures(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield ``name, value, interval, where it comes from`` of the newest of each template."""
        seen: set[str] = set()
        for run in self.runs:
            if run.verdict is None or run.template in seen:
                continue
            seen.add(run.template)
            effects = {
                each.effect.name: each.effect
                for each in run.verdict.findings
                if each.effect is not None and each.effect.interval is not None
            }
            for effect in effects.values():
                percent = f"{100 * effect.interval.confidence:g} %" if effect.interval else ""
                span = f"{effect.interval} ({percent})"
                yield effect.name, f"{effect.value:.4g} {effect.unit}".rstrip(), span, run.id
            for name, value in run.verdict.metrics.items():
                if name not in effects and isfinite(value):
                    yield name, f"{value:.4g}", "", run.id

    def limits(self) -> Iterator[tuple[str, str]]:
        """Yield what the newest report of each template found that is not in order."""
        seen: set[str] = set()
        for run in self.runs:
            if run.verdict is None or run.template in seen:
                continue
            seen.add(run.template)
            for each in sorted(run.verdict.findings, key=lambda each: -LEVELS.index(each.severity)):
                if each.severity != "ok":
                    yield f"{each.subject}: {each.claim}", f"{each.severity}, {run.id}"


def judged(gallery: Path | None, concerns: Concerns) -> Judged:
    """Find the reports of a gallery that concern a thing.

    Parameters
    ----------
    gallery
        Folder of the runs; ``None`` where there is none.
    concerns
        Tells whether an address, such as the value of a parameter, is of the thing.

    Raises
    ------
    ReportError
        If there is no such folder.
    """
    if gallery is None:
        return Judged(None, ())
    if not gallery.is_dir():
        raise ReportError(f"there is no folder {gallery}", "Give the folder that reports are in.")
    # A record that cannot be read says nothing of anything; the gallery itself names it.
    readable = (each for each in records(gallery) if isinstance(each, Record))
    found = [each for each in readable if any(map(concerns, _addresses(each)))]
    found.sort(key=lambda each: (each.started, each.id), reverse=True)
    return Judged(gallery, tuple(found))


def _addresses(run: Record) -> Iterator[str]:
    """Yield what a run was told and what it opened."""
    yield from (str(each.get("source", "")) for each in run.evidence)
    for value in run.parameters.values():
        yield from (each for each in _listed(value) if isinstance(each, str))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _said(run: Record) -> tuple[str, str]:
    if run.verdict is None:
        return run.status, str(run.failure) if run.failure else "It came to no verdict."
    return run.verdict.level, run.verdict.headline


def _data(run: Record) -> Iterator[str]:
    """Yield the evidence of a run with its digest."""
    for each in run.evidence:
        digest = str(each.get("digest", ""))
        yield f"{each.get('source', '')}" + (f" ({digest[:12]})" if digest else "")
