"""How long runs are kept: what a plan says under ``retention:``, and the removal of the rest."""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiopslab.errors import ReportError
from aiopslab.governance import record
from aiopslab.reports import gallery
from aiopslab.reports.facts import Facts

State = Literal["ok", "watch", "act", "failed"]
GOING = ".going-"  # a folder that is being removed is no run any more


class Settings(BaseModel):
    """Which runs stay.

    Parameters
    ----------
    keep
        So many of each series stay however old they are, the newest first; runs that failed do
        not count.
    days
        Runs younger than this stay, however many they are.
    failed_days
        The same of runs that failed.
    always
        Runs in these states stay.

    Notes
    -----
    A run that goes on stays, and so do the newest run of each series and the newest that did not
    fail, whatever is set.

    Examples
    --------
    >>> Settings(keep=3).days
    90
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Annotated[int, Field(ge=1)] = 30
    days: Annotated[float, Field(ge=0)] = 90
    failed_days: Annotated[float, Field(ge=0)] = 14
    always: tuple[State, ...] = ()


def expired(runs: Iterable[Facts], settings: Settings, now: datetime) -> list[Facts]:
    """Return the runs that may go, the newest first.

    Parameters
    ----------
    runs
        Of any series, in any order.
    settings
        Which stay.
    now
        By which their age is told, with a time zone.

    Examples
    --------
    >>> run = Facts("r1", "t", "T", "s", "ok", "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z", "",
    ...     9.0, {}, {}, {}, [], True)
    >>> expired([run], Settings(days=0), datetime(2027, 1, 1, tzinfo=UTC))  # the last of its series
    []
    """
    series: dict[str, list[Facts]] = {}
    for run in sorted(runs, key=lambda run: (run.started, run.id), reverse=True):
        series.setdefault(run.series, []).append(run)
    gone = [run for each in series.values() for run in _expired_of_one(each, settings, now)]
    return sorted(gone, key=lambda run: (run.started, run.id), reverse=True)


def _expired_of_one(runs: Sequence[Facts], settings: Settings, now: datetime) -> list[Facts]:
    """Return the runs of one series that may go; they come the newest first."""
    whole = [run for run in runs if run.state not in {"failed", "running"}]
    stay = {runs[0].id} | {run.id for run in whole[: settings.keep]}
    gone = []
    for run in runs:
        days = settings.failed_days if run.state == "failed" else settings.days
        is_young = datetime.fromisoformat(run.started) > now - timedelta(days=days)
        is_wanted = run.state in {"running", *settings.always}
        if not (run.id in stay or is_young or is_wanted):
            gone.append(run)
    return gone


def prune(
    folder: Path, settings: Settings, now: datetime | None = None, *, dry_run: bool = False
) -> list[Facts]:
    """Remove the runs of a gallery that have expired, and bring its pages up to date.

    Parameters
    ----------
    folder
        Of the gallery.
    settings
        Which runs stay.
    now
        By which their age is told; the present unless given.
    dry_run
        Say what would go, and remove nothing.

    Returns
    -------
    list of Facts
        What went, the newest first. What MLflow knows of a run stays there.

    Raises
    ------
    ReportError
        If the folder does not exist, or a run cannot be removed.
    AuditError
        If it cannot be recorded in the audit trail, where there is one; nothing was removed.
    """
    if not dry_run:
        _finish(folder)
    gone = expired(gallery.runs(folder), settings, now or datetime.now(UTC))
    if gone and not dry_run:
        ids = [run.id for run in gone]
        record("prune", subject=str(folder.resolve()), runs=ids, decision="permit")
        for run in gone:
            _remove(folder / run.id)
        gallery.build(folder)
        record("prune", subject=str(folder.resolve()), runs=ids)
    return gone


def _remove(home: Path) -> None:
    """Remove the folder of a run, which others see whole or not at all."""
    if home.is_symlink():  # what it leads to is not ours
        return
    going = home.with_name(GOING + home.name)
    try:
        home.rename(going)
        shutil.rmtree(going)
    except FileNotFoundError:
        return  # another was faster
    except OSError as error:
        raise ReportError(
            f"cannot remove {home}: {error.strerror}", "See to its permissions, and prune again."
        ) from None


def _finish(folder: Path) -> None:
    """Remove what an earlier removal left when it was interrupted."""
    for rest in folder.glob(f"{GOING}*"):
        shutil.rmtree(rest, ignore_errors=True)
