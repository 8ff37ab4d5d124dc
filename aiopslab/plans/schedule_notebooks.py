"""Schedules of a plan for what runs notebooks itself: Airflow and jupyter-scheduler."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiopslab.plans.axes import relative
from aiopslab.plans.jobs import Job
from aiopslab.plans.plan import Plan
from aiopslab.plans.schedule_export import slugs
from aiopslab.plans.scheduler import timetables
from aiopslab.plans.timetable import Timetable
from aiopslab.reports.catalogue import FOLDERS

MOMENTS = "aiopslab.moments"

AIRFLOW = '''\
"""Reports of {plan}, run by Airflow.

Put it into the folder of DAGs, where apache-airflow-providers-papermill and aiopslab are installed.
Each task leaves an executed notebook; a page, a place in a gallery, retries by the kind of failure
and limits of cells come of `aiopslab run-all` alone. Ranges of dates are as of the export.
{notes}"""

from datetime import datetime, timedelta, timezone

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.timetables.trigger import CronTriggerTimetable

try:
    from airflow.sdk import DAG
except ImportError:  # before Airflow 3
    from airflow import DAG

from aiopslab.reports import find
from {moments} import told

with DAG(
    dag_id={dag!r},
    schedule=CronTriggerTimetable({cron!r}, timezone={zone!r}),
    start_date=datetime({start}, tzinfo=timezone.utc),
    catchup={catchup!r},
    max_active_runs=1,
    user_defined_macros={{"told": told}},
    tags=["aiopslab"],
):
'''
TASK = """\
    PapermillOperator(
        task_id={task!r},
        input_nb=str(find({template!r}).path),
        output_nb={output!r},
        parameters={parameters!r},
        kernel_name="python3",
        retries={retries!r},
        retry_delay=timedelta(minutes=1),
        execution_timeout={timeout},
    )
"""


def airflow(plan: Plan) -> dict[str, str]:
    """Return a module with a DAG for each entry, and in it a task for each report."""
    found = {}
    names = slugs(plan)
    for each in timetables(plan):
        notes = "It is not put off by chance, as the plan has it.\n" if each.jitter_s else ""
        if each.catch_up == "none":
            notes += "The last of the times that were missed is run, unlike the plan has it.\n"
        start = datetime.now(UTC)
        text = AIRFLOW.format(
            plan=json.dumps(plan.path.name)[1:-1],
            notes=notes,
            moments=MOMENTS,
            dag=names[each.name],
            cron=each.cron,
            zone=each.zone,
            start=f"{start.year}, {start.month}, {start.day}",
            catchup=each.catch_up == "all",
        )
        tasks = [_task(plan, each, job) for job in plan.only([each.name]).jobs(start)]
        found[f"{names[each.name].replace('-', '_')}.py"] = "\n".join([text + tasks[0], *tasks[1:]])
    return found


def _task(plan: Plan, each: Timetable, job: Job) -> str:
    def jinja(text: str, kind: str) -> Any:
        return "{{ " + f"told({text!r}, {each.zone!r}, {kind!r}, data_interval_end)" + " }}"

    seconds = job.limits.report_s
    return TASK.format(
        task=job.id,
        template=_template(job),
        output=f"{plan.output}/{job.id}-{{{{ ts_nodash }}}}.ipynb",
        parameters={
            name: value if _is_told(job, name) else _plain(value)
            for name, value in _values(job, jinja).items()
        },
        retries=job.retries,
        timeout="None" if seconds is None else f"timedelta(seconds={seconds!r})",
    )


def _template(job: Job) -> str:
    path = job.template.path
    return job.template.name if path.parent in FOLDERS else str(path.absolute())


def _plain(value: Any) -> Any:
    """Return a value whose texts Airflow takes as they are: it reads Jinja in them."""
    if isinstance(value, str):
        marks = ("{{", "{%", "{#")
        raw = "{% raw %}" + value + "{% endraw %}"
        return raw if any(mark in value for mark in marks) else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _is_told(job: Job, name: str) -> bool:
    known = {each.name: each for each in job.template.parameters}
    return name in job.given and bool(relative(job.given[name], known[name]))


def _values(job: Job, tell: Callable[[str, str], Any]) -> dict[str, Any]:
    """Return the values that are given, times relative to now as what tells them when it is run."""
    known = {each.name: each for each in job.template.parameters}
    return {
        name: tell(value, relative(value, known[name]))
        if _is_told(job, name)
        else job.parameters[name]
        for name, value in job.given.items()
    }


def jupyter_scheduler(plan: Plan) -> dict[str, str]:
    """Return a job definition for each report, as its REST API takes it, and the notebooks."""
    found = {"README.md": _JUPYTER}
    for each in timetables(plan):
        for job in plan.only([each.name]).jobs(datetime.now(UTC)):
            notebook = f"{job.template.name}.ipynb"
            found[notebook] = job.template.path.read_text(encoding="utf-8")
            found[f"{job.id}.json"] = json.dumps(_definition(each, job, notebook), indent=1) + "\n"
    return found


def _definition(each: Timetable, job: Job, notebook: str) -> dict[str, Any]:
    def code(text: str, kind: str) -> str:
        told = f"told({text!r}, {each.zone!r}, {kind!r})"
        return f"__import__({MOMENTS!r}, fromlist=['told']).{told}"

    values = _values(job, code)
    return {
        "name": re.sub(r"[^\w .,()=-]", "_", job.origin.series),
        "input_uri": notebook,
        "runtime_environment_name": "python",
        "output_formats": ["ipynb", "html"],
        # It writes `name = value` into a cell, so values are code.
        "parameters": {
            name: value if _is_told(job, name) else repr(value) for name, value in values.items()
        },
        "schedule": each.cron,
        "timezone": each.zone,
    }


_JUPYTER = """\
# Job definitions for jupyter-scheduler

Copy this folder into the root of the Jupyter server (its notebooks are beside the definitions), and
post each definition:

    for file in *.json; do
      curl -X POST -H "Authorization: token $TOKEN" -H "Content-Type: application/json" \\
        --data @"$file" http://localhost:8888/scheduler/job_definitions
    done

Where they lie in a folder of the root, prefix it to `input_uri`. It runs nothing that was missed,
knows no jitter, and keeps executed notebooks, without pages and gallery. Dates of ranges are those
of the day of the export.
"""
