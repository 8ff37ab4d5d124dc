"""Axes: the values that one parameter of a matrix takes, from a list or from a range."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from aiopslab import durations
from aiopslab.errors import ParameterError
from aiopslab.moments import is_relative, resolve, shown, told
from aiopslab.plans.plan_settings import Axis, Range
from aiopslab.reports.parameters import Parameter

MOST = 100_000  # values of a parameter, and jobs of an entry
DAY = timedelta(days=1)


def values(axis: Axis, parameter: Parameter, now: datetime, home: ZoneInfo) -> list[Any]:
    """Return the values of an axis in their order.

    Parameters
    ----------
    axis
        A list, or a range of numbers or dates.
    parameter
        That takes them; its type tells dates from times.
    now, home
        What relative times are relative to, and where days begin.

    Raises
    ------
    ParameterError
        If a value is there twice, or the range has no values, or too many.

    Examples
    --------
    >>> share = Parameter("share", "float", ..., "")
    >>> tenths = Range.model_validate({"from": 0.1, "to": 0.3, "step": 0.1})
    >>> values(tenths, share, datetime.now(UTC), ZoneInfo("UTC"))
    [0.1, 0.2, 0.3]
    """
    if isinstance(axis, Range):
        return _range(axis, parameter, now, home)
    seen: set[str] = set()
    for value in axis:
        text = json.dumps(value, sort_keys=True, default=str)
        if text in seen:
            raise ParameterError(f"{text} is there twice", "Keep one of them.")
        seen.add(text)
    return list(axis)


def resolved(value: Any, parameter: Parameter, now: datetime, home: ZoneInfo) -> Any:
    """Return a time relative to now as the date or the time that its parameter takes.

    Everything else is returned as it is, and so is what only looks like one: the text "today" for
    a parameter that takes any text.
    """
    kind = relative(value, parameter)
    return told(value, home.key, kind, now) if kind else value


def relative(value: Any, parameter: Parameter) -> str:
    """Return ``date-time`` or ``date`` of a time relative to now, empty of everything else."""
    forms = _forms(parameter) if is_relative(value) else set()
    return next((each for each in ("date-time", "date") if each in forms), "")


def _forms(parameter: Parameter) -> set[str]:
    """Return the formats of text that a parameter takes, in the words of JSON schema."""

    def walk(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if isinstance(schema.get("format"), str):
                yield schema["format"]
            for each in schema.get("anyOf", ()):
                yield from walk(each)

    return set(walk(parameter.adapter().json_schema()))


def _told(moment: date) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return moment.isoformat()


def _range(given: Range, parameter: Parameter, now: datetime, home: ZoneInfo) -> list[Any]:
    ends = given.start, given.end
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in ends):
        return _numbers(given.start, given.end, 1 if given.step is None else given.step)
    forms = _forms(parameter)
    if all(isinstance(each, str) for each in ends) and forms & {"date", "date-time"}:
        step = durations.parse("1D" if given.step is None else str(given.step))
        if step is None:
            raise ParameterError(
                f"the step is {given.step!r}", "Give a duration, such as 1D or 6h."
            )
        first, last = (_time(each, "date-time" in forms, now, home) for each in ends)
        return _times(first, last, step.to_pytimedelta())
    raise ParameterError(
        f"a range from {given.start!r} to {given.end!r} does not suit {parameter.kind()}",
        "Write for example {from: 1, to: 9}, or {from: today-7d, to: today} where it takes dates.",
    )


def _numbers(start: float, end: float, step: Any) -> list[Any]:
    """Return exact decimal steps: from 0.1 to 0.3 by 0.1 there are three."""
    try:
        first, last, by = (Decimal(str(each)) for each in (start, end, step))
        steps = (last - first) / by
        if isinstance(step, bool) or steps < 0:
            raise ParameterError(f"steps of {step} never come from {start} to {end}", "Turn them.")
        count = int(steps) + 1
    except (InvalidOperation, ArithmeticError, ValueError):
        raise ParameterError(
            f"a range from {start} to {end} with the step {step!r} has no end",
            "Give numbers, and a step that is not 0.",
        ) from None
    if count > MOST:
        raise ParameterError(f"the range has {count:,} values", "Take larger steps.")
    number = int if all(isinstance(each, int) for each in (start, end, step)) else float
    return [number(first + at * by) for at in range(count)]


def _time(text: str, has_hours: bool, now: datetime, home: ZoneInfo) -> date:
    if is_relative(text):
        moment = resolve(text, now, home)
        return moment if has_hours else moment.date()
    try:
        if not has_hours:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(
            f"{text!r} is no {'time' if has_hours else 'date'}",
            "Write it as 2026-03-01 (a time as 2026-03-01T12:00:00Z), or relative as today-7d.",
        ) from None
    return shown(moment.replace(tzinfo=home)) if moment.tzinfo is None else moment.astimezone(home)


def _times(first: date, last: date, step: timedelta) -> list[str]:
    """Return steps of the calendar where they are of whole days, else those of a stopwatch."""
    are_days = step % DAY == timedelta(0)
    if not isinstance(first, datetime) and not are_days:
        raise ParameterError(f"dates do not go in steps of {step}", "Take whole days.")
    if isinstance(first, datetime) and isinstance(last, datetime) and not are_days:
        first, last = first.astimezone(UTC), last.astimezone(UTC)
    if last < first:
        raise ParameterError(f"{last} is before {first}", "Turn them round.")
    if (count := (last - first) // step + 2) > MOST:  # one more where the clocks go back
        raise ParameterError(f"the range has {count:,} dates", "Take larger steps.")
    steps = (first + at * step for at in range(count))
    moments = (shown(each) if isinstance(each, datetime) else each for each in steps)
    return [_told(each) for each in moments if each <= last]
