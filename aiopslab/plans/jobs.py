"""Jobs: what a plan comes to, one for each combination of the parameters of an entry."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from aiopslab import durations
from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.moments import zone
from aiopslab.plans.axes import MOST, resolved, values
from aiopslab.plans.plan_settings import Entry, Head
from aiopslab.reports.catalogue import Template
from aiopslab.reports.execution import Limits
from aiopslab.reports.parameters import validate
from aiopslab.reports.record import Origin, series


@dataclass(frozen=True)
class Job:
    """One report that is to be.

    Parameters
    ----------
    id
        The same whenever it comes from the same words of the plan.
    entry
        Where it stands in the plan, counted from 0.
    template
        What is run.
    given
        Values as the plan has them, by name.
    parameters
        All values, checked; times relative to now are resolved.
    origin
        Series, plan and job, of which its record tells.
    limits
        What the run may take.
    retries
        How often it may be tried again.
    """

    id: str
    entry: int
    template: Template
    given: dict[str, Any]
    parameters: dict[str, Any]
    origin: Origin
    limits: Limits
    retries: int


def expand(
    head: Head, entry: Entry, number: int, template: Template, plan: str, now: datetime
) -> tuple[Job, ...]:
    """Return the jobs of an entry.

    Parameters
    ----------
    head
        Of its plan.
    entry, number
        Which, and where it stands, counted from 0.
    template
        That it names.
    plan
        What the records call the plan.
    now
        What relative times are relative to.

    Returns
    -------
    tuple of Job
        The last parameter of the matrix changes the fastest.

    Raises
    ------
    ParameterError
        With every value that does not fit on a line of its own.
    """
    home = zone((entry.schedule and entry.schedule.timezone) or head.timezone)
    axes, fixed, columns = _checked(entry, template, now, home)
    limits = _limits(head, entry)
    retries = head.retries if entry.retries is None else entry.retries
    jobs = []
    for places in product(*(range(len(each)) for each in axes.values())):
        chosen = {name: axes[name][at] for name, at in zip(axes, places, strict=True)}
        checked = {name: columns[name][at] for name, at in zip(axes, places, strict=True)}
        given = {**entry.parameters, **chosen}
        line = _series(entry, template, chosen, given)
        id_ = _id(line, [entry.template, given])
        origin = Origin(series=line, plan=plan, job=id_)
        jobs.append(Job(id_, number, template, given, fixed | checked, origin, limits, retries))
    return tuple(jobs)


def _checked(
    entry: Entry, template: Template, now: datetime, home: ZoneInfo
) -> tuple[dict[str, list[Any]], dict[str, Any], dict[str, list[Any]]]:
    """Return the axes as given, the fixed values as checked, and the axes as checked.

    Each value is checked once, however many combinations it is part of.
    """
    known = {each.name: each for each in template.parameters}
    problems = [
        f"matrix.{name} is a parameter of the entry, too; keep one of them"
        for name in entry.matrix
        if name in entry.parameters
    ]
    axes: dict[str, list[Any]] = {}
    columns: dict[str, list[Any]] = {}
    for name, axis in entry.matrix.items():
        if name not in known:
            nearest = did_you_mean(name, [*known])
            problems.append(f"matrix.{name}: there is no such parameter. {nearest}")
            continue
        try:
            axes[name] = values(axis, known[name], now, home)
            resolve = [resolved(each, known[name], now, home) for each in axes[name]]
            columns[name] = [validate([known[name]], {name: each})[name] for each in resolve]
        except ParameterError as error:
            problems += [f"matrix.{name}: {each}" for each in listed(error)]
    fixed: dict[str, Any] = {}
    given: dict[str, Any] = {}
    for name, value in entry.parameters.items():
        try:
            given[name] = resolved(value, known[name], now, home) if name in known else value
        except ParameterError as error:
            problems += [f"{name}: {each}. {error.remedy}" for each in listed(error)]
    try:
        others = [each for each in template.parameters if each.name not in entry.matrix]
        fixed = validate(others, {name: each for name, each in given.items() if name not in axes})
    except ParameterError as error:
        problems += listed(error)
    if (count := math.prod(map(len, axes.values()))) > MOST:
        problems.append(f"the matrix comes to {count:,} reports; an entry may have {MOST:,}")
    if problems:
        remedy = f"Run `aiopslab run {entry.template} --help` to see the parameters."
        raise ParameterError("\n".join(problems), remedy)
    return axes, fixed, columns


def listed(error: ParameterError) -> list[str]:
    """Return the problems that an error tells of, each with its remedy on the same line."""
    found: list[str] = []
    for line in error.problem.splitlines():
        if line.startswith(" ") and found:
            found[-1] += f". {line.strip(' →')}"
        else:
            found.append(line)
    return found


def _limits(head: Head, entry: Entry) -> Limits:
    def seconds(name: str) -> float | None:
        own = getattr(entry.timeout, name) if entry.timeout else None
        parsed = durations.parse(own or getattr(head.timeout, name) or "")
        return None if parsed is None else parsed.total_seconds()

    return Limits(cell_s=seconds("cell"), report_s=seconds("report"))


def _series(
    entry: Entry, template: Template, chosen: Mapping[str, Any], given: Mapping[str, Any]
) -> str:
    """Return what the runs of this combination share from one pass to the next."""
    if entry.name is None:
        return series(template.name, given)
    told = ", ".join(f"{name}={_told(value)}" for name, value in chosen.items())
    return f"{entry.name} ({told})" if told else entry.name


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _id(line: str, meaning: Sequence[Any]) -> str:
    """Return a name that a file may have, which tells these words from all others."""
    canonical = json.dumps([line, *meaning], sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()
    slug = re.sub("[^a-z0-9]+", "-", line.lower())[:40].strip("-")
    return f"{slug or 'report'}-{digest[:10]}"
