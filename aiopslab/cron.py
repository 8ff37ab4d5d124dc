"""Cron: the five fields of a crontab line, read as cron reads them."""

import re
from dataclasses import dataclass

from aiopslab.errors import ParameterError

FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "weekday": (0, 7),
}
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMES = {
    "month": {name: at for at, name in enumerate(MONTHS, start=1)},
    "weekday": {name: at for at, name in enumerate(WEEKDAYS)},
}
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/(\d+))?")


@dataclass(frozen=True)
class Cron:
    """When something is run, by the clock on the wall.

    Parameters
    ----------
    text
        The five fields.
    minutes, hours, days, months, weekdays
        Those that match; Sunday is 0.
    any_day, any_weekday
        Whether the field is a star. Where neither is, a day matches that is one or the other.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    any_day: bool
    any_weekday: bool

    @property
    def is_either(self) -> bool:
        """Whether a day matches by its number or by its weekday."""
        return not self.any_day and not self.any_weekday


def parse(text: str) -> Cron:
    """Read five fields, or a macro such as ``@daily``.

    Raises
    ------
    ParameterError
        With the field that is wrong, or where no day will ever match.

    Examples
    --------
    >>> cron = parse("*/30 6-8 * * mon-fri")
    >>> cron.minutes, cron.hours, cron.weekdays
    ((0, 30), (6, 7, 8), (1, 2, 3, 4, 5))
    """
    fields = MACROS.get(text.strip().lower(), text).lower().split()
    if len(fields) != len(FIELDS):
        raise ParameterError(
            f"{text!r} has {len(fields)} fields; cron has five",
            'Write minute, hour, day, month, weekday: "0 6 * * mon-fri".',
        )
    named = dict(zip(FIELDS, fields, strict=True))
    minutes, hours, days, months, weekdays = (_field(*each) for each in named.items())
    cron = Cron(
        " ".join(fields),
        minutes,
        hours,
        days,
        months,
        tuple(sorted({each % 7 for each in weekdays})),
        named["day"].startswith("*"),
        named["weekday"].startswith("*"),
    )
    if cron.any_weekday and min(days) > max(LONGEST[each] for each in months):
        raise ParameterError(f"{text!r} matches no day of any year", "Mend the day or the month.")
    return cron


def _field(name: str, text: str) -> tuple[int, ...]:
    low, high = FIELDS[name]
    found: set[int] = set()
    for part in text.split(","):
        told = _PART.fullmatch(part)
        if told is None:
            raise ParameterError(
                f"the {name} {text!r} is none of cron's", f"Give {low} to {high}, *, */N or A-B."
            )
        star, first, last, step = told.groups()
        if star == "*":
            start, end = low, high if name != "weekday" else 6
        else:
            start = _number(name, first)
            end = _number(name, last) if last else (high if step else start)
        if end < start or (step and int(step) == 0):
            raise ParameterError(
                f"the {name} {text!r} has no values", f"Give {low} to {high}, *, */N or A-B."
            )
        found |= set(range(start, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _number(name: str, text: str) -> int:
    low, high = FIELDS[name]
    number = NAMES.get(name, {}).get(text)
    if number is None and text.isdigit():
        number = int(text)
    if number is None or not low <= number <= high:
        raise ParameterError(f"the {name} is {text!r}", f"Give {low} to {high}.")
    return number
