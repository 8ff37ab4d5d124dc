"""Whole rehearsals, run by the command as a user would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from aiopslab.frames import FRAME_NAMES, conform
from aiopslab.rehearsal.services import SERVICES

pytestmark = [pytest.mark.server, pytest.mark.slow]

COMMAND = [sys.executable, "-m", "aiopslab.rehearsal.command"]
# It records at once: where a rehearsal ends early, the first windows need not be full.
HASTY = [
    *(sys.executable, "-c"),
    "from aiopslab.rehearsal import command, run; run._WARM_UP_S = 1; command.rehearse()",
]


class Running:
    """A rehearsal in a process of its own."""

    def __init__(self, folder, *options, command=COMMAND):
        self.log = folder.with_name(f"{folder.name}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "-o", str(folder), *options],
                stdout=log,
                stderr=log,
                # Who is killed leaves its scratch folder behind.
                env={**os.environ, "TMPDIR": str(folder.parent)},
            )

    @property
    def said(self):
        return self.log.read_text()

    def wait_until(self, phase, seconds=60):
        """Wait for a phase of the rehearsal, and return its services by name."""
        until = time.monotonic() + seconds
        while f"{phase}:" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            time.sleep(0.1)
        found = {}
        for child in psutil.Process(self.process.pid).children():
            command = child.cmdline()
            if "aiopslab.rehearsal.services" in command:
                found[json.loads(command[-1])["name"]] = child
        return found

    def end(self, seconds=60):
        return self.process.wait(seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*options, command=COMMAND):
        running = Running(tmp_path / "recording", *options, command=command)
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="module")
def slow_auth(tmp_path_factory):
    """A rehearsal of a fault, and its folder; it takes a minute, so others run meanwhile."""
    folder = tmp_path_factory.mktemp("slow_auth") / "recording"
    options = ["--fault", "auth:latency", "--at", "20", "--minutes", "0.7", "--seed", "5"]
    running = Running(folder, *options)
    yield running, running.wait_until("warming up"), folder
    running.stop()


def gone(processes, seconds=10):
    _, alive = psutil.wait_procs(processes.values(), timeout=seconds)
    return not alive


def read(folder):
    frames = {
        name: conform(name, pd.read_parquet(folder / f"{name}.parquet")) for name in FRAME_NAMES
    }
    return frames, json.loads((folder / "truth.json").read_text())


@pytest.mark.usefixtures("slow_auth")
def test_ctrl_c_keeps_what_was_recorded(start, tmp_path):
    running = start("--fault", "none", "--minutes", "5", command=HASTY)
    services = running.wait_until("recording")
    time.sleep(4)
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 130
    assert gone(services)
    assert "what was recorded is in" in running.said
    frames, truth = read(tmp_path / "recording")
    assert truth["complete"] is False
    assert truth["fault"] is None
    assert 2 <= len(frames["metrics"]) <= 10


def test_sigterm_while_it_starts_leaves_nothing_behind(start, tmp_path):
    running = start("--fault", "none", "--minutes", "5")
    services = running.wait_until("warming up")
    running.process.terminate()
    assert running.end() == 143
    assert gone(services)
    assert [each.name for each in tmp_path.iterdir()] == ["recording.log"]


def test_a_service_that_dies_by_itself_ends_the_rehearsal(start, tmp_path):
    running = start("--fault", "none", "--minutes", "5", command=HASTY)
    services = running.wait_until("recording")
    time.sleep(4)
    services["classifier"].kill()
    assert running.end() == 1
    assert gone(services)
    assert "classifier ended unexpectedly, by signal SIGKILL" in running.said
    assert '"body": "started"' in running.said, "the tail of its log is shown"
    assert "Traceback (most recent call last)" not in running.said
    frames, truth = read(tmp_path / "recording")
    assert truth["complete"] is False
    assert len(frames["metrics"])


def test_services_die_with_a_parent_that_is_killed(start):
    running = start("--fault", "none", "--minutes", "5")
    services = running.wait_until("warming up")
    assert set(services) == set(SERVICES)
    running.process.kill()
    running.process.wait()
    assert gone(services)


def test_a_taken_port_is_named(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start("--fault", "none", "--port", str(port - 1))
        assert running.end() == 2
    assert f"port {port} (auth) is taken" in running.said


def test_nothing_is_replaced_unless_it_is_a_recording(start, tmp_path):
    folder = tmp_path / "recording"
    folder.mkdir()
    (folder / "thesis.txt").write_text("dear")
    running = start("--fault", "none", "--overwrite")
    assert running.end() == 2
    assert "not a recording either" in running.said
    assert [each.name for each in folder.iterdir()] == ["thesis.txt"]
    (folder / "truth.json").write_text("{}")
    running = start("--fault", "none")
    assert running.end() == 2
    assert "--overwrite" in running.said


def test_a_fault_shows_in_the_service_that_has_it(slow_auth):
    running, services, folder = slow_auth
    assert set(services) == set(SERVICES)
    assert running.end(120) == 0, running.said
    assert gone(services)
    frames, truth = read(folder)

    assert truth["complete"] is True
    assert truth["root_cause_service"] == "auth"
    assert "http.server.request.duration_p50_ms" in truth["root_cause_metrics"]
    assert truth["command"] == (
        "aiopslab rehearse --fault auth:latency --at 20 --minutes 0.7 --seed 5"
    )
    metrics, began = frames["metrics"], pd.Timestamp(truth["started"])
    slow = metrics.xs("http.server.request.duration_p50_ms", axis=1, level="metric")
    before = slow[slow.index < began].median()
    after = slow[slow.index > began + pd.Timedelta(seconds=12)].median()
    # The gateway waits for auth; nobody else is slowed down.
    assert set((after - before).nlargest(2).index) == {"auth", "gateway"}
    assert after["auth"] > before["auth"] + 200
    assert (metrics.xs("up", axis=1, level="metric") == 1).all(axis=None)

    assert ("gateway", "auth") in set(frames["topology"].itertuples(index=False, name=None))
    spans = frames["spans"]
    assert set(spans["service"]) == set(SERVICES)
    roots = spans[spans["parent_span_id"].isna()]
    assert set(roots["service"]) <= {"gateway", "indexer"}
    assert spans["parent_span_id"].dropna().isin(spans["span_id"]).all()
    assert frames["logs"]["trace_id"].dropna().isin(spans["trace_id"]).mean() > 0.9
    assert len(frames["calls"]) > 30
    assert frames["calls"]["retrieved_ids"].map(len).max() == 4
    assert frames["calls"]["feedback"].dropna().isin([0, 1]).all()
    seen = frames["observations"]
    assert (seen["prediction"] == seen["target"]).mean() > 0.75
    assert set(truth["decoys"]) == set(frames["changes"]["ref"])
