"""Timetable: when an entry of a plan is due, right on the days that the clocks change."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from aiopslab import durations
from aiopslab.cron import Cron, parse
from aiopslab.plans.plan_settings import Entry, Head

CatchUp = Literal["last", "all", "none"]
GRACE = timedelta(minutes=1)  # within which a run is on time
HORIZON_DAYS = 366 * 9  # in which every day of a leap year comes
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Timetable:
    """When an entry is due, and what becomes of the times that were missed.

    Parameters
    ----------
    name
        Of the entry.
    cron
        The five fields.
    zone
        IANA name of the time zone that they are told in.
    jitter_s
        Each time is put off by up to so many seconds, by as many whenever it is asked.
    catch_up
        ``last``: of those that were missed the last is run; ``all``, or ``none``.
    """

    name: str
    cron: str
    zone: str
    jitter_s: float = 0.0
    catch_up: CatchUp = "last"

    @property
    def tz(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.zone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times after a moment, without their jitter, in UTC."""
        return times(parse(self.cron), self.tz, moment)

    def begins(self, time: datetime) -> datetime:
        """Return when the run of a time begins: put off, but never to the next one."""
        if not self.jitter_s:
            return time
        room = self.jitter_s
        following = next(self.after(time), None)
        if following is not None:
            room = min(room, (following - time).total_seconds() - 1)
        digest = hashlib.sha256(f"{self.name}@{time.isoformat()}".encode()).digest()
        return time + timedelta(seconds=room * int.from_bytes(digest[:6]) / 2**48)

    def next_begin(self, moment: datetime) -> datetime | None:
        """Return when the next run begins, after a moment."""
        since = moment.astimezone(UTC) - timedelta(seconds=self.jitter_s)
        begins = (self.begins(time) for time in self.after(since))
        return next((each for each in begins if each > moment), None)

    def due(self, since: datetime, now: datetime) -> list[datetime]:
        """Return the times after `since` whose runs should have begun by now."""
        found = []
        for time in self.after(since):
            if self.begins(time) > now:
                break
            found.append(time)
        return found

    def chosen(self, due: list[datetime], now: datetime) -> list[datetime]:
        """Return those of the due times that are run; the others count as missed."""
        if self.catch_up == "all":
            return due
        last = due[-1:]
        if self.catch_up == "none":
            return [each for each in last if now - self.begins(each) <= GRACE]
        return last


def of(head: Head, entry: Entry) -> Timetable | None:
    """Return the timetable of an entry, if it has one."""
    given = entry.schedule
    if given is None or entry.name is None:
        return None
    jitter = durations.parse(given.jitter or "")
    seconds = 0.0 if jitter is None else jitter.total_seconds()
    zone = given.timezone or head.timezone
    return Timetable(entry.name, given.cron, zone, seconds, given.catch_up)


def times(cron: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the times of a schedule after a moment, in UTC.

    Parameters
    ----------
    cron
        The schedule.
    zone
        That it is told in.
    after
        With an offset.

    Notes
    -----
    As of cron(8) of Vixie: a schedule of every hour goes by the clock, 23 or 25 times on the days
    that it is changed. Any other is run once a day that it names: a time that the clocks leave out
    is run when they jump, and one that they show twice, the first time.

    Examples
    --------
    >>> berlin, night = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 28, 12, tzinfo=UTC)
    >>> for _, time in zip(range(2), times(parse("30 2 * * *"), berlin, night)):
    ...     print(time.astimezone(berlin))
    2026-03-29 03:00:00+02:00
    2026-03-30 02:30:00+02:00
    """
    day = (after.astimezone(zone) - DAY).date()
    last = after.astimezone(UTC)
    for offset in range(HORIZON_DAYS):
        for time in _of_day(cron, zone, day + offset * DAY):
            if time > last:
                yield time
                last = time


@lru_cache(maxsize=16)
def _of_day(cron: Cron, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    if not _matches(cron, day):
        return ()
    is_hourly = len(cron.hours) == 24
    found: set[datetime] = set()
    for hour in cron.hours:
        for minute in cron.minutes:
            wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
            is_shown = first.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
            if is_shown:
                found |= {first, second} if is_hourly else {first}
            elif not is_hourly:
                found.add(_jump(zone, second, first))
    return tuple(sorted(found))


def _matches(cron: Cron, day: date) -> bool:
    by_day = day.day in cron.days
    by_weekday = day.isoweekday() % 7 in cron.weekdays
    matches = by_day or by_weekday if cron.is_either else by_day and by_weekday
    return day.month in cron.months and matches


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment between two at which the clocks jump."""
    old = before.astimezone(zone).utcoffset()
    moment = before
    while moment < after and moment.astimezone(zone).utcoffset() == old:
        moment += MINUTE
    return moment
