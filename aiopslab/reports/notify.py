"""Notify: tell people of a run whose verdict changed, that failed, or that works again.

What was told is kept in ``.notify`` beside the reports, by series and by target: the same failure
is told once, and again while it lasts, after `Settings.remind`. A message that could not be
delivered is due again with the next run.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiopslab.durations import parse as duration
from aiopslab.reports import digest, message, told
from aiopslab.reports.courier import Parcel, deliver
from aiopslab.reports.events import Occasion, Standing, occasion, standing
from aiopslab.reports.notify_settings import Settings, Target
from aiopslab.reports.picture import picture
from aiopslab.reports.record import NOTEBOOK, Record

if TYPE_CHECKING:
    from datetime import timedelta

INDEX = "index.html"
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
        with told.held(told.place(gallery, record.series, "series"), _patience(settings)):
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
    seen = dict(known.targets)
    parcels: dict[str, Parcel] = {}
    for target in settings.targets:
        if not target.follows(record.series):
            continue
        before = seen.get(target.name) or (standing(previous) if previous else None)
        why = occasion(before, after, target.events, target.levels, _remind(settings))
        seen[target.name] = _seen(before, after, why)
        if target.digest is not None:
            yield from _collect(record, before, why, target, settings, gallery)
        elif why is not None:
            parcels[target.name] = _parcel(record, why, before, target, settings, gallery)
    for name, problem in _delivered(parcels, settings):
        if problem:
            yield problem
            seen[name] = known.targets.get(name) or Standing("ok", "ok", after.since)
    told.write(path, told.Told(record.series, record.started, seen))


def _seen(before: Standing | None, after: Standing, why: Occasion | None) -> Standing:
    """Return how the series stands for a target once it knows."""
    now = after.since
    if before is None or before.key != after.key:
        return replace(after, told=now if why else None)
    return replace(before, told=now if why else before.told)


def _parcel(
    record: Record,
    why: Occasion,
    before: Standing | None,
    target: Target,
    settings: Settings,
    gallery: Path,
) -> Parcel:
    where = message.address(record, gallery, settings.link)
    png = picture(gallery / record.id / NOTEBOOK)
    return Parcel(target.name, target.url, message.compose(record, why, before, where, png))


def _delivered(parcels: dict[str, Parcel], settings: Settings) -> Iterator[tuple[str, str]]:
    from aiopslab.reports.secrets import reveal

    if parcels:
        problems = deliver(list(parcels.values()), _patience(settings), reveal)
        yield from zip(parcels, problems, strict=True)


def _collect(
    record: Record,
    before: Standing | None,
    why: Occasion | None,
    target: Target,
    settings: Settings,
    gallery: Path,
) -> Iterator[str]:
    """Put a run into the digest of a target, and send that where its time has come."""
    after = standing(record)
    happened = None
    if why is not None:
        was = before.state if before and before.state != after.state else ""
        where = message.address(record, gallery, settings.link)
        said = message.headline(record)
        at = f"{after.since:%Y-%m-%d %H:%M} UTC"
        happened = digest.Entry(message.name_of(record), after.state, was, said, where, at)
    path = told.place(gallery, target.name, digest.SUFFIX)
    with told.held(path, _patience(settings)):
        digest.write(path, digest.read(path, after.since).after(after.state, happened))
    yield from send_digests(settings, gallery, after.since, (target.name,))


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
    """
    problems = []
    for target in settings.targets:
        if target.digest is None or (only and target.name not in only):
            continue
        path = told.place(gallery, target.name, digest.SUFFIX)
        with told.held(path, _patience(settings)):
            waiting = digest.read(path, now)
            if not digest.is_due(waiting, target.digest, now):
                digest.write(path, waiting)  # the first time: collecting begins
                continue
            where = _front(settings, gallery)
            parcel = Parcel(target.name, target.url, digest.compose(waiting, now, where))
            ((_, problem),) = _delivered({target.name: parcel}, settings)
            if problem:
                problems.append(problem)
            else:
                digest.write(path, digest.Collection(now))
    return problems


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
    where = _front(settings, gallery)
    trial = message.trial(where)
    chosen = [each for each in settings.targets if not only or each.name in only]
    return dict(
        _delivered({each.name: Parcel(each.name, each.url, trial) for each in chosen}, settings)
    )


def _front(settings: Settings, gallery: Path) -> str:
    """Return where the gallery is."""
    link = settings.link
    return f"{link.rstrip('/')}/{INDEX}" if link else (gallery.resolve() / INDEX).as_uri()


def _patience(settings: Settings) -> float:
    read = duration(settings.patience)
    return float(read.total_seconds()) if read is not None else 0.0


def _remind(settings: Settings) -> "timedelta | None":
    read = None if settings.remind == "never" else duration(settings.remind)
    return None if read is None else read.to_pytimedelta()
