"""Batches: whatever dies at whatever moment, each job comes to one report."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict
from aiopslab.plans import batch, capacity, delivery, machine
from aiopslab.plans.batch_file import held
from aiopslab.plans.jobs import Job
from aiopslab.plans.outcome import Outcome, of_record
from aiopslab.plans.worker import Lost, Memory, Step
from aiopslab.reports import record as records
from aiopslab.reports.catalogue import Template
from aiopslab.reports.execution import Limits
from aiopslab.reports.record import Failure, Origin
from tests.notebooks import CONCLUDES, template

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
NOW = datetime(2026, 3, 29, 10, 20, tzinfo=UTC)
NOBODY = (2**22 + 1, 1.0)  # a process that is not there


class Crash(Exception):  # noqa: N818
    """The process that runs the batch is killed."""


class Silent:
    """Nobody looks on."""

    def began(self, job, attempt): ...
    def step(self, job, step): ...
    def ended(self, job, state, again_s): ...


class Scripted:
    """A crew that makes records without kernels, and dies as it is told to.

    What each attempt comes to is drawn: ``ok``, a kind of failure, ``died`` (the worker, with its
    report begun), ``mute`` (the worker, with its report done but nothing said), ``crash`` (the
    batch, with the report begun) or ``crash after`` (the batch, with the report done).
    """

    def __init__(self, folder, draw, at_url):
        self.folder, self.draw, self.at_url = folder, draw, at_url
        self.given, self.taken, self.begun = [], [], set()

    def can_take(self, job):
        return len(self.given) < 2

    def learn(self, job, kind): ...

    def take(self, job, task):
        record = records.begin("t", "T", "d", {}, task.origin)
        self.given.append((job, replace(record, process=NOBODY)))
        self.taken.append(job.id)

    def stop(self):
        return []

    def events(self, timeout_s):
        if not self.given:
            time.sleep(0.001)
            return []
        job, record = self.given.pop(0)
        if job.id not in self.begun:
            self._keep(record)
            self.begun.add(job.id)
            self.given.append((job, record))
            return [(job.id, Step(record.id if self.at_url else "", 1, 2, ""))]
        self.begun.remove(job.id)
        end = self.draw(job.id)
        if end == "crash":
            raise Crash
        if end == "died":
            return [(job.id, Lost("killed"))]
        failure = None if end in {"ok", "mute", "crash after"} else Failure("E", "no", kind=end)
        verdict = None if failure else Verdict("ok", "All is well.")
        status = "failed" if failure else "finished"
        done = replace(record, status=status, failure=failure, verdict=verdict, ended=records.now())
        self._keep(done)
        if end == "crash after":
            raise Crash
        if end == "mute":
            return [(job.id, Lost("killed"))]
        outcome = of_record(done)
        if self.at_url:
            outcome = replace(outcome, record=json.dumps(done.to_json()))
        return [(job.id, Memory(10, 10)), (job.id, outcome)]

    def _keep(self, record):
        """Write as a worker does: into the folder, or to a URL all but the record."""
        if self.at_url:
            home = self.folder / record.id
            home.mkdir(exist_ok=True)
            (home / records.PAGE).write_text("page")
        else:
            records.write(record, self.folder)


def job(name, retries=2):
    made = Template("t", Path("t.ipynb"), "T", "", (), "d")
    return Job(name, 0, made, {}, {}, Origin(series=name, job=name), Limits(), retries)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    monkeypatch.setattr(batch, "FIRST_S", 0.0)


def one_pass(folder, jobs, draw, at_url=False, resume=False):
    """Run a pass, or go on with one; return what came of it and which jobs were begun."""
    output = folder.as_uri() if at_url else str(folder)
    crew = Scripted(folder, draw, at_url)
    with held(folder / ".plans" / "p.sqlite") as file:
        last = file.last()
        if resume and last:
            batch.recover(file, last, output)
        current = last if resume and last else batch.begin(file, NOW)
        try:
            result = batch.run_all(jobs, file, current, output, crew, Silent(), lambda: False)
        except Crash:
            return None, crew.taken
    return result, crew.taken


def seen(folder):
    """Return the reports by the job that they belong to."""
    found = {}
    for path in folder.glob("*/run.json"):
        record = records.read(path)
        found.setdefault(record.job.partition("/")[2], []).append(record)
    return found


ENDS = ["ok", "ok", "cell", "parameter", "kernel", "memory", "timeout", "died", "mute"]
ends = st.lists(st.sampled_from([*ENDS, "crash", "crash after"]), max_size=25)


@pytest.mark.parametrize("at_url", [False, True])
@given(script=ends)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_dies_each_job_is_one_report_and_done_jobs_are_not_run_again(
    tmp_path_factory, at_url, script
):
    folder = tmp_path_factory.mktemp("reports")
    jobs = [job(f"job-{at}") for at in range(4)]
    rest = iter(script)
    finished = set()
    for _ in range(len(script) + 1):
        result, begun = one_pass(folder, jobs, lambda _: next(rest, "ok"), at_url, resume=True)
        assert finished.isdisjoint(begun)
        finished |= {name for name, runs in seen(folder).items() if runs[0].status == "finished"}
        if result is not None:
            found = seen(folder)
            for name, state in result.states.items():
                if state.outcome.run:  # at a URL a worker that died leaves nothing to be seen
                    assert [record.id for record in found[name]] == [state.outcome.run]
                    assert found[name][0].status == state.state
            if all(state.state == "finished" for state in result.states.values()):
                break
    assert {name: len(runs) for name, runs in seen(folder).items()} == {each.id: 1 for each in jobs}
    assert len(list(folder.glob("t-*"))) == 4


@pytest.mark.parametrize(
    ("end", "attempts"),
    [("parameter", 1), ("cell", 1), ("policy", 1), ("secret", 1)]
    + [(kind, 3) for kind in ("kernel", "memory", "timeout", "disk", "other", "died")],
)
def test_only_what_may_go_well_the_next_time_is_tried_again(tmp_path, end, attempts):
    result, begun = one_pass(tmp_path, [job("a", retries=2)], lambda _: end)
    state = result.states["a"]
    assert (len(begun), state.attempt, state.state) == (attempts, attempts, "failed")
    (kept,) = seen(tmp_path)["a"]
    assert (kept.status, kept.attempt) == ("failed", attempts)


def test_resume_runs_what_is_missing_or_failed_and_nothing_else(tmp_path):
    jobs = [job(name) for name in "abc"]
    one_pass(tmp_path, jobs[:2], lambda name: "cell" if name == "b" else "ok")
    result, begun = one_pass(tmp_path, jobs, lambda _: "ok", resume=True)
    assert begun == ["b", "c"]
    assert {state.state for state in result.states.values()} == {"finished"}
    assert one_pass(tmp_path, jobs, lambda _: "ok", resume=True)[1] == []
    assert one_pass(tmp_path, jobs, lambda _: "ok")[1] == ["a", "b", "c"]  # a pass of its own
    assert {name: len(runs) for name, runs in seen(tmp_path).items()} == dict.fromkeys("abc", 2)


def test_a_second_pass_at_once_is_told_who_holds_the_plan(tmp_path):
    path = tmp_path / "p.sqlite"
    with held(path), pytest.raises(ReportError, match=f"process {os.getpid()} on"), held(path):
        pass
    with held(path):  # and is let in once it is free
        pass


def test_a_file_of_another_program_is_refused(tmp_path):
    (tmp_path / "p.sqlite").write_text("something else that is longer than a header" * 10)
    with pytest.raises(ReportError), held(tmp_path / "p.sqlite"):
        pass


def test_memory_that_a_series_took_is_remembered(tmp_path):
    with held(tmp_path / "p.sqlite") as file:
        for peak in (5, 70, 30):
            current = batch.begin(file, NOW)
            file.add(current, [job("a")])
            file.end(current, "a", "finished", Outcome(run="r", status="finished"), peak)
        assert (file.peak("a"), file.peak("b")) == (70, None)


@pytest.fixture
def crew(tmp_path, monkeypatch):
    """A machine of 4 cores whose workers are never started."""

    class Idle:
        def __init__(self, folder, inbox): ...
        def give(self, task): ...

    monkeypatch.setattr(machine, "Worker", Idle)
    monkeypatch.setattr(machine, "_everywhere", {})
    return lambda peak: machine.Machine(4, tmp_path, lambda series: peak)


@pytest.mark.parametrize(
    ("peak", "free", "begun"),
    [
        (1_000_000_000, 64_000_000_000, 4),  # as many as there are cores
        (1_000_000_000, 2_700_000_000, 2),  # 1.2 GB each, .2 GB spare
        (50_000_000_000, 1_000_000_000, 1),  # one is run whatever it takes
        (None, 1_300_000_000, 2),  # .5 GB each where nothing is known
    ],
)
def test_as_many_run_at_once_as_cores_and_memory_bear(crew, monkeypatch, peak, free, begun):
    monkeypatch.setattr(capacity, "available_bytes", lambda: free)
    hands, count = crew(peak), 0
    while hands.can_take(job(f"job-{count}")) and count < 10:
        hands.take(job(f"job-{count}"), None)
        count += 1
    assert count == begun


def test_a_job_that_ran_out_of_memory_is_given_twice_as_much(crew, monkeypatch):
    monkeypatch.setattr(capacity, "available_bytes", lambda: 3_000_000_000)
    hands = crew(1_000_000_000)
    hands.take(job("a"), None)
    assert hands.can_take(job("b"))
    hands.learn(job("b"), "memory")
    assert not hands.can_take(job("b"))


@pytest.mark.parametrize(
    ("files", "cores", "free"),
    [
        ({}, None, None),
        ({"a/b/cpu.max": "150000 100000", "a/b/memory.max": "max"}, 2, None),
        ({"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 1, None),
        (
            {
                "a/memory.max": "1000000",
                "a/memory.current": "900000",
                "a/memory.stat": "anon 1\ninactive_file 50000\n",
            },
            None,
            150_000,
        ),
    ],
)
def test_the_limits_of_control_groups_hold(tmp_path, monkeypatch, files, cores, free):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    membership = tmp_path / "cgroup"
    membership.write_text("0::/a/b\n")
    assert capacity.cores(tmp_path / "root", membership) == (cores or 8)
    left = capacity.available_bytes(tmp_path / "root", membership)
    assert left == free if free else left > 1_000_000


def test_the_limits_of_old_control_groups_hold_in_a_container(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    root, membership = tmp_path / "root", tmp_path / "cgroup"
    membership.write_text("4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n")
    (root / "cpu").mkdir(parents=True)
    (root / "memory").mkdir()
    (root / "cpu/cpu.cfs_quota_us").write_text("300000")
    (root / "cpu/cpu.cfs_period_us").write_text("100000")
    (root / "memory/memory.limit_in_bytes").write_text("5000")
    (root / "memory/memory.usage_in_bytes").write_text("4000")
    assert capacity.cores(root, membership) == 3
    assert capacity.available_bytes(root, membership) == 1000


def test_a_url_holds_a_report_only_once_its_record_is_there(tmp_path):
    home = tmp_path / "run-1"
    home.mkdir()
    for name in ("run.json", "notebook.ipynb", ".hidden"):
        (home / name).write_text(name)
    output = f"memory://{tmp_path.name}"
    files, top = delivery._open(output)
    delivery.put(home, output)
    assert [Path(each).name for each in files.find(top)] == ["notebook.ipynb"]
    delivery.reveal("run-1", "{}", output)
    delivery.reveal("run-1", "{}", output)
    assert sorted(Path(each).name for each in files.find(top)) == ["notebook.ipynb", "run.json"]
    delivery.remove("run-1", output)
    delivery.remove("run-1", output)
    assert files.find(top) == []
    with pytest.raises(ReportError):
        delivery.put(home, "nowhere://x")


# With real workers and kernels.


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_TRACKING", "off")


def plan(folder, *sources, **entry):
    parameters = "rows: int = 3  # How many"
    template(folder / "made.ipynb", *sources, parameters=parameters)
    reports = [{"name": "a", "template": "made.ipynb", **entry}]
    (folder / "plan.yml").write_text(json.dumps({"reports": reports}))
    return folder / "plan.yml"


def test_run_all_runs_a_matrix_tells_of_it_and_has_nothing_to_resume(tmp_path, aiopslab, quiet):
    made = plan(tmp_path, "assert rows != 2", CONCLUDES, matrix={"rows": [1, 2, 3]})
    code, out, err = aiopslab("run-all", made, "--dry-run")
    assert code == 0 and "3 reports" in out and "a (rows=2)" in out
    assert not (tmp_path / "reports").exists()
    code, out, err = aiopslab("run-all", made)
    assert code == 1
    assert "2 ok" in out and "1 failed" in out and "AssertionError" in out
    assert {len(runs) for runs in seen(tmp_path / "reports").values()} == {1}
    runs = [run for each in seen(tmp_path / "reports").values() for run in each]
    assert sorted(run.series for run in runs) == [f"a (rows={rows})" for rows in (1, 2, 3)]
    assert {run.plan for run in runs} == {"plan"}
    plan(tmp_path, CONCLUDES, matrix={"rows": [1, 2, 3]})
    code, out, err = aiopslab("run-all", made, "--resume")
    assert code == 0 and "1 of 3 reports" in err and "3 ok" in out
    again = [run.id for each in seen(tmp_path / "reports").values() for run in each]
    assert len(again) == 3 and len({run.id for run in runs} & set(again)) == 2
    assert all(each in (tmp_path / "reports/index.html").read_text() for each in again)
    assert aiopslab("run-all", made, "--fail-on", "act")[0] == 0


def test_a_wrong_plan_starts_nothing(tmp_path, aiopslab):
    made = plan(tmp_path, CONCLUDES, parameters={"row": 3})
    code, _, err = aiopslab("run-all", made)
    assert code == 2 and "line 1" in err and "Did you mean 'rows'?" in err
    assert not (tmp_path / "reports").exists()


def until(condition, patience_s=120):
    end = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.05)
    return found


def below(process):
    with suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def number_in(path):
    """Return the process that wrote its number."""
    pid = path.read_text()
    return [psutil.Process(int(pid))] if pid and psutil.pid_exists(int(pid)) else []


def gone(processes):
    return until(
        lambda: all(
            not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in processes
        )
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_pass_that_is_stopped_or_killed_goes_on_where_it_was(tmp_path, number, quiet, aiopslab):
    waits = (
        f"import os, pathlib, time\nhere = pathlib.Path({str(tmp_path)!r})\n"
        "(here / f'begun-{rows}').write_text(str(os.getpid()))\n"
        "while rows == 2 and not (here / 'go').exists(): time.sleep(.05)"
    )
    made = plan(tmp_path, waits, CONCLUDES, matrix={"rows": [1, 2]})
    command = [AIOPSLAB, "run-all", str(made), "--workers", "1"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)
    kernel = until(lambda: (tmp_path / "begun-2").exists() and number_in(tmp_path / "begun-2"))
    (worker,) = [each for each in below(process) if "aiopslab.plans.worker" in each.cmdline()]
    process.send_signal(number)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == (143 if number == signal.SIGTERM else -9)
    gone([worker, *kernel])
    if number == signal.SIGTERM:
        assert "1 ok, 1 interrupted" in out or "1 interrupted, 1 ok" in out
    before = seen(tmp_path / "reports")
    assert sorted(run.status for runs in before.values() for run in runs) == ["failed", "finished"]
    (tmp_path / "go").touch()
    code, _, err = aiopslab(*command[1:], "--resume")
    assert code == 0 and "1 of 2 reports" in err
    after = seen(tmp_path / "reports")
    assert [run.status for runs in after.values() for run in runs] == ["finished", "finished"]
    kept = {run.id for runs in before.values() for run in runs if run.status == "finished"}
    assert kept < {run.id for runs in after.values() for run in runs}


def test_the_job_of_a_worker_that_is_killed_is_run_by_another(tmp_path, aiopslab, quiet):
    kills = (
        "import os, pathlib, signal, psutil\n"
        f"mark = pathlib.Path({str(tmp_path / 'once')!r})\n"
        "if not mark.exists():\n"
        "    mark.touch()\n"
        "    for each in psutil.process_iter(['cmdline', 'ppid']):\n"
        "        if 'aiopslab.plans.worker' in (each.info['cmdline'] or []):\n"
        f"            if each.info['ppid'] == {os.getpid()}: each.kill()\n"
        "    import time; time.sleep(60)"
    )
    made = plan(tmp_path, kills, CONCLUDES)
    code, _, err = aiopslab("run-all", made)
    assert code == 0 and "SIGKILL" in err and "attempt 2" in err
    ((run,),) = seen(tmp_path / "reports").values()
    assert (run.status, run.attempt) == ("finished", 2)
