"""Notify: tell people of a run whose verdict changed, that failed, or that works again.

What was told is kept in ``.notify`` beside the reports, by series and by target: the same failure
is told once, and again while it lasts, after `Settings.remind`. A message that could not be
delivered is due again with the next run.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiopslab.durations import parse as duration
from aiopslab.notifications import digest, message, told
from aiopslab.notifications.courier import Parcel, deliver
from aiopslab.notifications.events import Occasion, Standing, occasion, standing
from aiopslab.notifications.notify_settings import Settings, Target
from aiopslab.notifications.picture import picture
from aiopslab.reports.record import NOTEBOOK, Record

if TYPE_CHECKING:
    from datetime import timedelta

INDEX = "index.html"
SLACK_S = 5.0  # beyond what another process may take
logger = logging.getLogger(__name__)


def tell(record: Record, previous: Record | None, settings: Settings, gallery: Path) -> list[str]:
    """Tell of a run what is worth telling.

    Parameters
    ----------
    record
        Of a run that has ended, and is not going to be tried again.
    previous
        Of the last ended run of its series; only looked at where nothing was told of it yet.
    settings
        Whom to tell.
    gallery
        The folder of the reports. Its ``.notify`` holds what was told.

    Returns
    -------
    list of str
        Why somebody could not be told, for the notes of the record; addresses are not in it. This
        never raises, and takes `Settings.patience` at most for the messages.

    Notes
    -----
    The clock is that of the record: it was told when the run ended.
    """
    if record.status == "running":
        return []
    try:
        with told.held(told.place(gallery, record.series, "series"), _lock_patience(settings)):
            problems = list(_tell(record, previous, settings, gallery))
    except Exception as error:
        problems = [
            f"nobody was told of this run: {getattr(error, 'problem', type(error).__name__)}"
        ]
    for each in problems:
        logger.warning("%s: %s", record.id, each)
    return problems


def _tell(
    record: Record, previous: Record | None, settings: Settings, gallery: Path
) -> Iterator[str]:
    path = told.place(gallery, record.series, "series")
    known = told.read(path, record.series)
    if record.started < known.started:
        return  # a run that began earlier and took longer
    after = standing(record)
    first = standing(previous) if previous else None
    seen: dict[str, Standing] = dict(known.targets)
    unsaid: dict[str, Standing] = {}
    parcels: list[Parcel] = []
    png = cache(lambda: picture(gallery / record.id / NOTEBOOK))
    where = message.address(record, gallery, settings.link)
    for target in settings.targets:
        if not target.follows(record.series):
            continue
        before = known.targets.get(target.name) or first
        why = occasion(before, after, target.events, target.levels, _remind(settings))
        seen[target.name] = _seen(before, after, why)
        if target.digest is not None:
            _collect(record, before, why, where, _waiting(target, gallery), settings)
        elif why is not None:
            unsaid[target.name] = before or Standing("ok", "ok", after.since)
            text = message.compose(record, why, before, where, png())
            parcels.append(Parcel(target.name, target.url, text))
    for name, problem in _send(parcels, settings, gallery, after.since, tuple(seen)).items():
        if problem:
            yield problem
            seen[name] = unsaid.get(name, seen[name])
    told.write(path, told.Told(record.series, record.started, seen))


def _seen(before: Standing | None, after: Standing, why: Occasion | None) -> Standing:
    """Return how the series stands for a target once it knows."""
    now = after.since
    if before is None or before.key != after.key:
        return replace(after, told=now if why else None)
    return replace(before, told=now if why else before.told)


def _waiting(target: Target, gallery: Path) -> Path:
    return told.place(gallery, target.name, digest.SUFFIX)


def _collect(
    record: Record,
    before: Standing | None,
    why: Occasion | None,
    where: str,
    path: Path,
    settings: Settings,
) -> None:
    """Put a run into a digest, with what happened by it."""
    after = standing(record)
    happened = None
    if why is not None:
        was = before.state if before and before.state != after.state else ""
        at = f"{after.since:%Y-%m-%d %H:%M} UTC"
        said = message.headline(record)
        happened = digest.Entry(message.name_of(record), after.state, was, said, where, at)
    with told.held(path, _lock_patience(settings)):
        digest.write(path, digest.read(path, after.since).after(after.state, happened))


def _send(
    parcels: list[Parcel], settings: Settings, gallery: Path, now: datetime, names: tuple[str, ...]
) -> dict[str, str]:
    """Send messages, and the digests of some targets whose time has come, side by side.

    Returns
    -------
    dict
        For the name of each target why it could not be told; empty where it was.
    """
    from aiopslab.reports.secrets import reveal

    due: dict[str, Path] = {}
    with ExitStack() as locks:  # until they are sent, lest another process sends them as well
        for target in settings.targets:
            if target.digest is None or target.name not in names:
                continue
            path = _waiting(target, gallery)
            locks.enter_context(told.held(path, _lock_patience(settings)))
            waiting = digest.read(path, now)
            if digest.is_due(waiting, target.digest, now):
                text = digest.compose(waiting, now, _front(settings, gallery))
                parcels = [*parcels, Parcel(target.name, target.url, text)]
                due[target.name] = path
            else:
                digest.write(path, waiting)  # the first time: collecting begins
        problems = deliver(parcels, _patience(settings), reveal) if parcels else []
        told_of = dict(zip((each.name for each in parcels), problems, strict=True))
        for name, path in due.items():
            if not told_of[name]:
                digest.write(path, digest.Collection(now))
    return told_of


def send_digests(
    settings: Settings, gallery: Path, now: datetime, only: tuple[str, ...] = ()
) -> list[str]:
    """Send the digests whose time has come.

    Parameters
    ----------
    settings
        Whom to tell.
    gallery
        The folder of the reports.
    now
        In any time zone.
    only
        The names of targets; all where empty.

    Returns
    -------
    list of str
        Why a digest could not be delivered; it is due again then.

    Raises
    ------
    ReportError
        If what waits cannot be read or kept.
    """
    names = only or tuple(each.name for each in settings.targets)
    return [each for each in _send([], settings, gallery, now, names).values() if each]


def send_trial(settings: Settings, gallery: Path, only: tuple[str, ...] = ()) -> dict[str, str]:
    """Send a trial message.

    Parameters
    ----------
    settings
        Whom to tell.
    gallery
        The folder of the reports.
    only
        The names of targets; all where empty.

    Returns
    -------
    dict
        For each target why it could not be told; empty where it was.
    """
    trial = message.trial(_front(settings, gallery))
    chosen = [each for each in settings.targets if not only or each.name in only]
    parcels = [Parcel(each.name, each.url, trial) for each in chosen]
    return _send(parcels, settings, gallery, datetime.now(UTC), ())


def _front(settings: Settings, gallery: Path) -> str:
    """Return where the gallery is."""
    link = settings.link
    return f"{link.rstrip('/')}/{INDEX}" if link else (gallery.resolve() / INDEX).as_uri()


def _patience(settings: Settings) -> float:
    read = duration(settings.patience)
    return float(read.total_seconds()) if read is not None else 0.0


def _lock_patience(settings: Settings) -> float:
    """Return how long to wait for another process, which may be sending for as long as it may."""
    return _patience(settings) + SLACK_S


def _remind(settings: Settings) -> "timedelta | None":
    read = None if settings.remind == "never" else duration(settings.remind)
    return None if read is None else read.to_pytimedelta()
