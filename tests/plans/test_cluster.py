"""The cluster: a real scheduler and two real workers on loopback, one of them killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from fsspec.core import url_to_fs
from s3fs import S3FileSystem

from aiopslab.dask_scheduler import connect, spread
from aiopslab.drift.profiles import Profile
from aiopslab.errors import AIOpsLabError
from aiopslab.plans import cluster as plans_cluster
from aiopslab.reports import record as records
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import tune
from tests.notebooks import CONCLUDES, template
from tests.retrieval.worlds import Words, world

pytestmark = pytest.mark.server
AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
DASK = str(Path(sys.executable).with_name("dask"))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def started(*command, log, env):
    """A process of a session of its own, that is gone in the end with all below it."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, start_new_session=True, env=os.environ | env
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(condition, patience_s=120):
    end = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def store():
    """A store like S3, by what its clients find in their environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    S3FileSystem.clear_instance_cache()  # of other tests, at another port
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, store):
    """The address of a scheduler with two workers."""
    home = tmp_path_factory.mktemp("dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = [DASK, "scheduler", "--host", address, "--no-dashboard", "--no-show"]
    worker = [DASK, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    worker += ["--local-directory", str(home)]
    with (
        started(*scheduler, log=home / "scheduler.log", env={}),
        started(*worker, log=home / "one.log", env=store),
        started(*worker, log=home / "two.log", env=store),
    ):
        with until(lambda: connected(address)) as client:
            client.wait_for_workers(2, timeout=120)
        yield address


def connected(address):
    try:
        return connect(address, patience_s=5)
    except AIOpsLabError:
        return None


def plan(folder, *sources, rows):
    template(folder / "made.ipynb", *sources)
    reports = [{"name": "a", "template": "made.ipynb", "matrix": {"rows": rows}}]
    (folder / "plan.yml").write_text(json.dumps({"reports": reports}))
    return folder / "plan.yml"


def test_reports_go_to_a_store_that_workers_and_client_share_nothing_but(
    cluster, store, tmp_path, aiopslab, monkeypatch
):
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    made = plan(tmp_path, "assert rows != 2", CONCLUDES, rows=[1, 2])
    where = "s3://reports/nightly"
    url_to_fs(where)[0].mkdir("reports")
    code, out, err = aiopslab("run-all", made, "--cluster", cluster, "-o", where)
    assert code == 1 and "1 failed" in out and "1 ok" in out, out + err
    files, top = url_to_fs(where)
    runs = [json.loads(files.cat_file(path)) for path in files.glob(f"{top}/*/run.json")]
    assert {run["parameters"]["rows"]: run["status"] for run in runs} == {
        1: "finished",
        2: "failed",
    }
    for run in runs:
        names = {Path(path).name for path in files.find(f"{top}/{run['id']}")}
        assert {"run.json", "report.html", "notebook.ipynb"} <= names
    assert not (tmp_path / "reports").exists()


def test_a_sweep_on_a_cluster_finds_what_it_finds_here(cluster):
    corpus, truth = world()
    space = {"size": [60, 400], "search": ["lexical", "dense"], "k": [1, 3]}

    def tuned(**more):
        return tune(Retriever(corpus, {"minilm": Words()}), truth, space, **more)

    with connect(cluster) as client:
        there = tuned(mapped=spread(client))
        halved = tuned(method="halving", mapped=spread(client))
    here, timed = tuned(), ["latency_ms", "is_front"]
    pd.testing.assert_frame_equal(
        there.table().drop(columns=timed), here.table().drop(columns=timed), check_like=True
    )
    assert there.best == here.best
    assert halved.best == tuned(method="halving").best


def test_a_table_profiled_on_a_cluster_is_the_one_profiled_here(cluster, tmp_path, aiopslab):
    table = pd.DataFrame({"age": range(1000), "kind": ["a", "b"] * 500})
    for at, part in enumerate((table[:300], table[300:])):
        (tmp_path / "table").mkdir(exist_ok=True)
        part.to_parquet(tmp_path / "table" / f"{at}.parquet")
    for name, more in [("here", []), ("there", ["--cluster", cluster])]:
        made = ["-o", tmp_path / name, "--ignore", "kind", *more]
        assert aiopslab("profile", tmp_path / "table", *made)[0] == 0
    here, there = (Profile.load(tmp_path / name) for name in ("here", "there"))
    assert (there.rows, list(there.features)) == (1000, ["age"])
    assert there.quantile("age", 0.5) == here.quantile("age", 0.5)


def test_a_pass_that_is_stopped_leaves_nothing_to_be_seen_and_goes_on(cluster, tmp_path, aiopslab):
    waits = (
        "import pathlib, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / 'begun').touch()\n"
        "while not (here / 'go').exists(): time.sleep(.05)"
    )
    made = plan(tmp_path, waits, CONCLUDES, rows=[1])
    out = tmp_path / "far"
    command = [AIOPSLAB, "run-all", str(made), "--cluster", cluster, "-o", str(out)]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until(lambda: (tmp_path / "begun").exists())
    process.terminate()
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 143 and "1 interrupted" in said, said
    (tmp_path / "go").touch()
    with connect(cluster) as client:
        until(lambda: not any(client.run(_running).values()))
    assert not list(out.glob("*/run.json"))
    code, said, err = aiopslab(*command[1:], "--resume")
    assert code == 0 and "1 of 1 reports" in err, said
    assert len(list(out.glob("made-*"))) == 1


def _running(dask_worker):
    return dask_worker.state.executing_count


def test_a_killed_worker_s_report_is_made_elsewhere_and_appears_once(cluster, tmp_path, aiopslab):
    waits = (
        "import pathlib, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / f'ran-{rows}-{time.time_ns()}').touch()\n"
        "while rows == 2 and not (here / 'go').exists(): time.sleep(.05)"
    )
    made = plan(tmp_path, waits, CONCLUDES, rows=[1, 2, 3])
    out = tmp_path / "far"
    command = [AIOPSLAB, "run-all", str(made), "--cluster", cluster, "-o", str(out)]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until(lambda: list(tmp_path.glob("ran-2-*")))
    with connect(cluster) as client:
        at = client.processing()
        (holder,) = [name for name, keys in at.items() if any("rows-2" in key for key in keys)]
        os.kill(client.run(os.getpid, workers=[holder])[holder], signal.SIGKILL)
        until(lambda: holder not in client.nthreads())
    (tmp_path / "go").touch()
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0 and "3 ok" in said, said
    runs = [records.read(path) for path in out.glob("*/run.json")]
    assert sorted(run.parameters["rows"] for run in runs) == [1, 2, 3]
    assert {run.status for run in runs} == {"finished"}
    assert len(list(out.glob("made-*"))) == 3
    assert (out / "index.html").exists()
    assert len(list(tmp_path.glob("ran-2-*"))) == 2  # it had begun, and was begun anew
    code, _, err = aiopslab(*command[1:], "--resume")
    assert code == 0 and "0 of 3 reports" in err


def test_a_scheduler_that_is_not_there_is_told(aiopslab, tmp_path, monkeypatch):
    monkeypatch.setattr(plans_cluster, "connect", partial(connect, patience_s=0.5))
    made = plan(tmp_path, CONCLUDES, rows=[1])
    code, _, err = aiopslab("run-all", made, "--cluster", f"tcp://127.0.0.1:{free_port()}")
    assert code == 1 and "no dask scheduler answers" in err
