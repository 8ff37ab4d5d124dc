"""Exports: checked by the tools that read them where these are here, else by their grammar."""

import ast
import json
import os
import shlex
import shutil
import subprocess
from datetime import UTC, datetime

import kubernetes_validate
import pytest
import yaml

from aiopslab.cron import parse
from aiopslab.plans.plan import load
from aiopslab.plans.schedule_export import calendars, files
from aiopslab.plans.timetable import Timetable
from tests.notebooks import CONCLUDES, template

# Of apache-airflow-providers-papermill, and of the operators that all others inherit from.
OPERATOR = {"input_nb", "output_nb", "parameters", "kernel_name", "language_name"}
OPERATOR |= {"task_id", "retries", "retry_delay", "execution_timeout"}
DAG = {"dag_id", "schedule", "start_date", "catchup", "max_active_runs", "tags"}
DAG |= {"user_defined_macros"}
# Of CreateJobDefinition of jupyter-scheduler 2.12.
DEFINITION = {"name", "input_uri", "runtime_environment_name", "output_formats", "parameters"}
DEFINITION |= {"schedule", "timezone"}

NASTY = """100% "sure" 'of' $HOME \\ {{ x }}"""
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")


@pytest.fixture
def plan(tmp_path):
    parameters = (
        "rows: int = 3  # How many\nlabel: str = 'x'  # As it is called\n"
        "start: AwareDatetime | None = None  # From when\nday: date | None = None  # Which"
    )
    template(tmp_path / "made.ipynb", CONCLUDES, parameters=parameters)
    reports = [
        {
            "name": NASTY,
            "template": "made.ipynb",
            "parameters": {"start": "now-1d", "day": "today", "label": NASTY},
            "matrix": {"rows": [1, 2]},
            "schedule": {"cron": "30 6 * * mon-fri", "jitter": "5min"},
        },
        {
            "name": "drift",
            "template": "drift",
            "schedule": {
                "cron": "0 4 1 * 7",
                "timezone": "America/Santiago",
                "catch_up": "none",
            },
        },
        {"name": "by hand", "template": "made.ipynb"},
    ]
    head = {"timezone": "Europe/Berlin", "timeout": {"report": "1h"}, "reports": reports}
    (tmp_path / "night.yml").write_text(json.dumps(head))
    return load(tmp_path / "night.yml")


def test_each_entry_with_a_schedule_has_a_timer_and_a_service(plan):
    found = files(plan, "systemd")
    assert len(found) == 4
    timer = found["aiopslab-night-drift.timer"]
    assert "OnCalendar=*-*-01 04:00:00 America/Santiago" in timer
    assert "OnCalendar=Sun *-*-* 04:00:00 America/Santiago" in timer
    assert "Persistent=false" in timer
    other = found["aiopslab-night-100-sure-of-home-x.timer"]
    assert "Persistent=true" in other and "RandomizedDelaySec=300s" in other


@needs_systemd
def test_systemd_takes_the_units(plan, tmp_path):
    units = tmp_path / "units"
    units.mkdir()
    for name, text in files(plan, "systemd").items():
        (units / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, units.iterdir())]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "units" not in said.stderr, said.stderr


@needs_systemd
@pytest.mark.parametrize(
    "cron", ["30 6 * * mon-fri", "*/15 * * * *", "0 4 1 * 7", "5 0 29 2 *", "0 22 1,15 1-6 *"]
)
def test_systemd_calls_the_same_times(cron):
    table, start = Timetable("a", cron, "Europe/Berlin"), datetime(2026, 11, 26, 12, tzinfo=UTC)
    wanted = [each for each, _ in zip(table.after(start), range(8), strict=False)]
    called = set()
    for calendar in calendars(parse(cron), "Europe/Berlin"):
        said = subprocess.run(
            [
                *("systemd-analyze", "calendar", "--iterations=9"),
                *("--base-time=2026-11-26 12:00 UTC", calendar),
            ],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"TZ": "UTC"},
        ).stdout
        for line in said.splitlines():
            if "elapse:" in line or "Iter." in line:
                day, clock = line.split(": ", 1)[1].split()[1:3]
                called.add(datetime.fromisoformat(f"{day}T{clock}+00:00"))
    assert wanted and sorted(called)[: len(wanted)] == wanted


def test_a_crontab_runs_the_entries_by_their_names(plan):
    table = files(plan, "crontab")["crontab"]
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    assert lines[::2] == ["CRON_TZ=Europe/Berlin", "CRON_TZ=America/Santiago"]
    minute, hour, *_, rest = lines[1].split(" ", 5)
    assert (minute, hour) == ("30", "6")
    assert "%" not in rest.replace("\\%", "")  # which cron takes for a line break
    words = shlex.split(rest.replace("\\%", "%"))
    assert words[1:] == ["run-all", str(plan.path), "--only", NASTY]


def test_kubernetes_takes_the_manifests(plan, tmp_path):
    (name, text), *rest = files(plan, "kubernetes").items()
    assert not rest and name == "aiopslab-night.yaml"
    config, *jobs = yaml.safe_load_all(text)
    for each in (config, *jobs):
        kubernetes_validate.validate(each, "1.31", strict=True)
    assert [job["spec"]["timeZone"] for job in jobs] == ["Europe/Berlin", "America/Santiago"]
    assert [job["spec"]["schedule"] for job in jobs] == ["30 6 * * 1,2,3,4,5", "0 4 1 * 0"]
    assert {job["spec"]["concurrencyPolicy"] for job in jobs} == {"Forbid"}
    assert "startingDeadlineSeconds" not in jobs[0]["spec"]
    assert jobs[1]["spec"]["startingDeadlineSeconds"] == 60
    pod = jobs[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert NASTY in pod["containers"][0]["args"]
    # What is mounted is the plan and its notebook, as they are here.
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for item in pod["volumes"][0]["configMap"]["items"]:
        (mounted / item["path"]).write_text(config["data"][item["key"]])
    there = load(mounted / "night.yml")
    now = datetime.now(UTC)
    assert [job.id for job in there.jobs(now)] == [job.id for job in plan.jobs(now)]


def calls(tree, name):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    ]


def test_an_airflow_dag_calls_its_operator_as_that_is_documented(plan):
    """Airflow is not installed here: what is checked is Python's grammar and the arguments."""
    found = files(plan, "airflow")
    assert set(found) == {"aiopslab_night_drift.py", "aiopslab_night_100_sure_of_home_x.py"}
    for text in found.values():
        compile(text, "dag", "exec")
        tree = ast.parse(text)
        (dag,) = calls(tree, "DAG")
        assert {each.arg for each in dag.keywords} == DAG
        for task in calls(tree, "PapermillOperator"):
            assert {each.arg for each in task.keywords} <= OPERATOR
    tasks = calls(ast.parse(found["aiopslab_night_100_sure_of_home_x.py"]), "PapermillOperator")
    given = [{each.arg: each.value for each in task.keywords} for task in tasks]
    parameters = [ast.literal_eval(each["parameters"]) for each in given]
    assert [each["rows"] for each in parameters] == [1, 2]
    assert parameters[0]["label"] == "{% raw %}" + NASTY + "{% endraw %}"
    assert parameters[0]["start"] == (
        "{{ told('now-1d', 'Europe/Berlin', 'date-time', data_interval_end) }}"
    )
    assert len({ast.literal_eval(each["task_id"]) for each in given}) == 2


def test_what_airflow_renders_is_what_the_template_takes(plan):
    import jinja2

    from aiopslab.moments import told

    text = files(plan, "airflow")["aiopslab_night_100_sure_of_home_x.py"]
    task = calls(ast.parse(text), "PapermillOperator")[0]
    given = {each.arg: each.value for each in task.keywords}
    at = datetime(2026, 3, 29, 10, 20, tzinfo=UTC)
    rendered = {
        name: jinja2.Template(value).render(told=told, data_interval_end=at)
        for name, value in ast.literal_eval(given["parameters"]).items()
        if isinstance(value, str)
    }
    wanted = plan.jobs(at)[0].parameters
    assert rendered == {name: wanted[name] for name in ("start", "day", "label")}


def test_jupyter_scheduler_gets_definitions_of_the_fields_that_it_takes(plan):
    found = files(plan, "jupyter-scheduler")
    definitions = {name: json.loads(text) for name, text in found.items() if name.endswith(".json")}
    assert len(definitions) == 3 and {"made.ipynb", "drift.ipynb"} < set(found)
    for each in definitions.values():
        assert set(each) == DEFINITION
        assert each["input_uri"] in found
        assert all(isinstance(value, str) for value in each["parameters"].values())
    nasty = next(each for each in definitions.values() if each["input_uri"] == "made.ipynb")
    values = {name: eval(code) for name, code in nasty["parameters"].items()}
    assert values["label"] == NASTY and values["rows"] in (1, 2)
    assert datetime.fromisoformat(values["start"]) < datetime.now(UTC)
    assert (nasty["schedule"], nasty["timezone"]) == ("30 6 * * mon-fri", "Europe/Berlin")


def test_the_command_writes_the_files(plan, tmp_path, aiopslab):
    code, out, _ = aiopslab(
        "schedule", "export", plan.path, "--to", "crontab", "-o", tmp_path / "units"
    )
    assert code == 0 and (tmp_path / "units" / "crontab").exists()
    assert str(tmp_path / "units" / "crontab") in out
