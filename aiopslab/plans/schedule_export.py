"""Schedules of a plan in the files of what runs things by the clock: systemd, cron and others."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from aiopslab.cron import WEEKDAYS, Cron, parse
from aiopslab.errors import ParameterError
from aiopslab.plans.plan import Plan
from aiopslab.plans.scheduler import timetables
from aiopslab.plans.timetable import Timetable

NAMES = tuple(each.capitalize() for each in WEEKDAYS)


def files(plan: Plan, target: str) -> dict[str, str]:
    """Return the files of a target by their names.

    Parameters
    ----------
    plan
        With a schedule for some entries.
    target
        ``systemd``, ``crontab``, ``kubernetes``, ``airflow`` or ``jupyter-scheduler``.

    Raises
    ------
    ParameterError
        If two entries would have the same file, or a value does not fit its parameter.
    """
    from aiopslab.plans import schedule_kubernetes, schedule_notebooks

    makers = {
        "systemd": systemd,
        "crontab": crontab,
        "kubernetes": schedule_kubernetes.manifests,
        "airflow": schedule_notebooks.airflow,
        "jupyter-scheduler": schedule_notebooks.jupyter_scheduler,
    }
    return makers[target](plan)


def slugs(plan: Plan) -> dict[str, str]:
    """Return a name for files and units of each entry with a schedule, by its own name.

    Raises
    ------
    ParameterError
        If two would have the same.
    """
    found: dict[str, str] = {}
    for each in timetables(plan):
        slug = re.sub("[^a-z0-9]+", "-", f"aiopslab-{plan.name}-{each.name}".lower()).strip("-")
        if slug in found:
            raise ParameterError(
                f"{each.name!r} and {found[slug]!r} would both be called {slug}",
                "Give them names that differ in letters or digits.",
            )
        found[slug] = each.name
    return {name: slug for slug, name in found.items()}


def command(plan: Plan, name: str) -> list[str]:
    """Return the command that runs an entry."""
    program = str(Path(sys.executable).with_name("aiopslab"))
    return [program, "run-all", str(plan.path.absolute()), "--only", name]


def systemd(plan: Plan) -> dict[str, str]:
    """Return a timer and a service for each entry."""
    found = {}
    names = slugs(plan)
    for each in timetables(plan):
        slug = names[each.name]
        found[f"{slug}.timer"] = _timer(plan, each)
        found[f"{slug}.service"] = _service(plan, each)
    return found


def _timer(plan: Plan, each: Timetable) -> str:
    lines = [
        "# Put it into ~/.config/systemd/user/ beside its service (or into /etc/systemd/system/):",
        "#   systemctl --user daemon-reload && systemctl --user enable --now NAME.timer",
    ]
    if each.catch_up == "all":
        lines.append("# Of the times that were missed systemd runs one, not each.")
    lines += ["[Unit]", f"Description={_specifiers(f'{each.name} of {plan.path.name}')}", ""]
    lines += ["[Timer]", *(f"OnCalendar={day}" for day in calendars(parse(each.cron), each.zone))]
    lines.append(f"Persistent={'false' if each.catch_up == 'none' else 'true'}")
    if each.jitter_s:
        lines += [f"RandomizedDelaySec={each.jitter_s:g}s", "FixedRandomDelay=true"]
    lines += ["AccuracySec=1s", "", "[Install]", "WantedBy=timers.target", ""]
    return "\n".join(lines)


def _service(plan: Plan, each: Timetable) -> str:
    words = " ".join(_quoted(word) for word in command(plan, each.name))
    return "\n".join(
        [
            "[Unit]",
            f"Description={_specifiers(f'{each.name} of {plan.path.name}')}",
            "",
            "[Service]",
            "Type=oneshot",
            f"WorkingDirectory={_specifiers(str(plan.folder))}",
            f"ExecStart={words}",
            "TimeoutStopSec=10",
            "",
        ]
    )


def calendars(cron: Cron, zone: str) -> Iterator[str]:
    """Yield what systemd calls the times of a schedule, which together are all of them.

    Examples
    --------
    >>> list(calendars(parse("*/30 6 * * mon-fri"), "Europe/Berlin"))
    ['Mon,Tue,Wed,Thu,Fri *-*-* 06:00,30:00 Europe/Berlin']
    >>> list(calendars(parse("0 6 1 * mon"), "UTC"))
    ['*-*-01 06:00:00 UTC', 'Mon *-*-* 06:00:00 UTC']
    """
    months = _list(cron.months, 12)
    time = f"{_list(cron.hours, 24)}:{_list(cron.minutes, 60)}:00 {zone}"
    days, weekdays = _list(cron.days, 31), ",".join(NAMES[each] for each in cron.weekdays)
    if cron.is_either:
        yield f"*-{months}-{days} {time}"
        yield f"{weekdays} *-{months}-* {time}"
        return
    prefix = "" if len(cron.weekdays) == 7 else f"{weekdays} "
    yield f"{prefix}*-{months}-{days} {time}"


def _list(values: tuple[int, ...], most: int) -> str:
    return "*" if len(values) == most else ",".join(f"{each:02d}" for each in values)


def _quoted(word: str) -> str:
    r"""Quote a word of a command as systemd reads it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_specifiers(escaped)}"'


def _specifiers(text: str) -> str:
    """Escape what systemd would replace, and keep it on one line."""
    return " ".join(text.replace("%", "%%").splitlines())


def crontab(plan: Plan) -> dict[str, str]:
    """Return one table of all entries."""
    lines = [
        "# Put it to use with `crontab FILE`, of cronie or another cron that knows CRON_TZ.",
        "# cron runs nothing that was missed, and knows no jitter. A report that still runs when",
        "# it is due again is not begun twice: the second command says who runs it, and ends.",
    ]
    for each in timetables(plan):
        words = shlex.join(command(plan, each.name)).replace("%", r"\%")
        if "\n" in words:
            raise ParameterError(f"{each.name!r} has a line break", "Give it a name of one line.")
        lines += ["", f"CRON_TZ={each.zone}", f"{parse(each.cron).text} {words}"]
    return {"crontab": "\n".join([*lines, ""])}
