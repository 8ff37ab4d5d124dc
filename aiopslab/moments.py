"""Moments: times told relative to now, in a time zone, right on the days the clocks change."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiopslab.errors import ParameterError, did_you_mean

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
DAY = 86400
_STEP = r"[+-]\d{1,6}(?:s|min|h|d|w)|/\d{0,4}(?:s|min|h|d)"
_MOMENT = re.compile(rf"(now|today)((?:{_STEP})*)(?:@([\w+/-]+))?")
_PART = re.compile(r"([+-]|/)(\d*)(s|min|h|d|w)")
FORMS = "now, today, now-1h, today-7d@Europe/Berlin, now/15min"


def is_relative(text: object) -> bool:
    """Tell a time that is relative to now from everything else.

    Examples
    --------
    >>> is_relative("today-7d@Europe/Berlin"), is_relative("2026-03-01"), is_relative("nowhere")
    (True, False, False)
    """
    return isinstance(text, str) and _MOMENT.fullmatch(text.strip()) is not None


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name.

    Raises
    ------
    ParameterError
        If there is none of this name.

    Examples
    --------
    >>> zone("Europe/Berlin").key
    'Europe/Berlin'
    """
    from zoneinfo import available_timezones

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        known = sorted(available_timezones())
        near = did_you_mean(name, known)
        remedy = near if near.startswith("Did") else "Give an IANA name, such as Europe/Berlin."
        raise ParameterError(f"there is no time zone {name!r}", remedy) from None


def resolve(text: str, now: datetime, home: ZoneInfo) -> datetime:
    """Return the moment that a text tells.

    Parameters
    ----------
    text
        ``now`` or ``today`` (its midnight), then any number of steps from left to right:
        ``+N`` or ``-N`` with a unit (``s, min, h, d, w``), and ``/N`` with a unit, which goes back
        to the last full one; then ``@ZONE`` where it is not `home`.
    now
        With an offset.
    home
        The time zone of days.

    Returns
    -------
    datetime.datetime
        In that time zone.

    Raises
    ------
    ParameterError
        If the text tells no moment, or the time zone is unknown.

    Notes
    -----
    Days and weeks are those of the calendar: a day after 12:00 is 12:00, though the clocks were
    changed in between. Hours, minutes and seconds pass as they do. A time that the clocks leave out
    is the one that they show instead; of one that they show twice, it is the first.

    Examples
    --------
    >>> at = datetime(2026, 3, 29, 10, 20, tzinfo=UTC)  # the clocks went forward in the night
    >>> print(resolve("now-1d", at, ZoneInfo("Europe/Berlin")))
    2026-03-28 12:20:00+01:00
    >>> print(resolve("now-24h/1h", at, ZoneInfo("Europe/Berlin")))
    2026-03-28 11:00:00+01:00
    """
    told = _MOMENT.fullmatch(text.strip())
    if told is None:
        raise ParameterError(f"{text!r} is no time relative to now", f"Write {FORMS}.")
    base, steps, place = told.groups()
    where = zone(place) if place else home
    moment = now.astimezone(where)
    if base == "today":
        moment = _midnight(moment)
    for sign, count, unit in _PART.findall(steps):
        try:
            moment = _stepped(moment, sign, int(count or 1), unit)
        except OverflowError:
            raise ParameterError(f"{text!r} is beyond the calendar", "Take fewer days.") from None
    return moment


def told(text: str, zone_name: str, kind: str = "date-time", now: datetime | None = None) -> str:
    """Return a moment as a parameter of a template takes it: a time in UTC, or a date.

    Parameters
    ----------
    text
        As of `resolve`.
    zone_name
        The time zone of days.
    kind
        ``date-time`` or ``date``.
    now
        This very moment where ``None``.

    Examples
    --------
    >>> told("today-1d", "Europe/Berlin", now=datetime(2026, 3, 29, 10, 20, tzinfo=UTC))
    '2026-03-27T23:00:00Z'
    """
    moment = resolve(text, now or datetime.now(UTC), zone(zone_name))
    if kind == "date":
        return moment.date().isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _stepped(moment: datetime, sign: str, count: int, unit: str) -> datetime:
    seconds = count * UNITS[unit]
    if sign == "/":
        return _floored(moment, seconds)
    way = 1 if sign == "+" else -1
    if unit in {"d", "w"}:
        return shown(moment + timedelta(seconds=way * seconds))  # of the wall clock
    return (moment.astimezone(UTC) + timedelta(seconds=way * seconds)).astimezone(moment.tzinfo)


def _floored(moment: datetime, seconds: int) -> datetime:
    """Go back to the last full part of the day, or to the last midnight."""
    if not 0 < seconds <= DAY or DAY % seconds:
        raise ParameterError(
            f"/{seconds}s does not divide a day", "Take for example /15min, /1h, /6h or /1d."
        )
    if seconds == DAY:
        return _midnight(moment)
    passed = moment.hour * 3600 + moment.minute * 60 + moment.second
    back = timedelta(seconds=passed % seconds, microseconds=moment.microsecond)
    floored = moment - back
    if not _exists(floored):
        return shown(floored.replace(fold=0))
    return floored if floored <= moment else floored.replace(fold=0)


def _midnight(moment: datetime) -> datetime:
    return shown(moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def _exists(moment: datetime) -> bool:
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == (
        moment.replace(tzinfo=None)
    )


def shown(moment: datetime) -> datetime:
    """Return a time of the wall clock as the clocks show it, where they leave it out."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)
