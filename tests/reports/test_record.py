import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict
from aiopslab.reports import record as records


def begun(**changes):
    return replace(records.begin("incident", "Incident", "0" * 64, {"rows": 3}), **changes)


def test_a_record_survives_its_file(tmp_path):
    failure = records.Failure("ValueError", "<b>no</b>\ud800", 3)
    verdict = Verdict("act", "Do it", {"b": 1.0, "a": float("nan")})
    kept = begun(status="failed", failure=failure, verdict=verdict, ended=records.now())
    records.write(kept, tmp_path)
    found = records.read(tmp_path / kept.id / "run.json")
    assert list(found.verdict.metrics) == ["b", "a"]
    assert replace(found, verdict=None, failure=None) == replace(kept, verdict=None, failure=None)
    assert found.duration_s >= 0


def test_a_run_whose_process_is_gone_has_failed(tmp_path):
    alive, gone = begun(), begun(process=(os.getpid(), 1.0))
    for each in (alive, gone):
        records.write(each, tmp_path)
    assert records.read(tmp_path / alive.id / "run.json").status == "running"
    found = records.read(tmp_path / gone.id / "run.json")
    assert (found.status, found.failure.name) == ("failed", "Interrupted")


@given(st.integers(0, 400))
def test_a_torn_record_is_told_and_never_a_crash(tmp_path_factory, size):
    folder = tmp_path_factory.mktemp("runs")
    kept = begun(ended=records.now(), status="finished")
    records.write(kept, folder)
    path = folder / kept.id / "run.json"
    path.write_text(path.read_text()[:size])
    (error,) = records.records(folder)
    assert isinstance(error, ReportError)
    assert str(path) in error.problem


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"id": 1}', "\x00", '{"process": null}'])
def test_an_alien_file_is_told(tmp_path, text):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "run.json").write_text(text)
    (error,) = records.records(tmp_path)
    assert isinstance(error, ReportError)


def test_an_unwritable_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot write"):
        records.write(begun(), tmp_path / "file")


def test_a_failed_write_leaves_the_old_text_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "page"
    records.write_atomically(path, "old")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(ReportError, match="full"):
        records.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_record_is_plain_json(tmp_path):
    assert json.loads(json.dumps(begun().to_json()))["verdict"] is None


def test_runs_of_the_same_thing_share_a_series():
    assert begun().series == begun().series != begun(template="drift").id
    other = records.begin("incident", "Incident", "0" * 64, {"rows": 4})
    assert begun().series != other.series and other.series.startswith("incident-")
    told = records.Origin("nightly", "plans/ops", "nightly-1", 2)
    made = records.begin("incident", "Incident", "0" * 64, {}, told)
    assert (made.series, made.plan, made.job, made.attempt) == (
        "nightly",
        "plans/ops",
        "nightly-1",
        2,
    )


def test_a_record_from_before_series_and_kinds_is_read(tmp_path):
    kept = begun(status="failed", failure=records.Failure("E", "m"), ended=records.now())
    records.write(kept, tmp_path)
    path = tmp_path / kept.id / "run.json"
    plain = json.loads(path.read_text())
    for name in ("series", "plan", "job", "attempt", "seconds", "redacted"):
        del plain[name]
    del plain["failure"]["kind"]
    path.write_text(json.dumps(plain))
    found = records.read(path)
    assert (found.series, found.attempt, found.failure.kind) == ("", 1, "other")
