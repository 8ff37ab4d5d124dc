"""Disks that are full, folders that cannot be written, files that two write."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from aiopslab.errors import DiskError, ReportError
from aiopslab.reports import record as records
from aiopslab.reports import safekeeping
from tests.faults.runs import result
from tests.notebooks import CONCLUDES


@pytest.fixture
def little_disk(tmp_path):
    """Mount a file system of 400 kB; yield where."""
    place = tmp_path / "reports"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def kept(error: ReportError) -> Path:
    return Path(error.problem.partition("is kept in ")[2])


def test_a_report_that_the_disk_cannot_hold_is_kept_elsewhere(tmp_path, little_disk):
    fat = "import random\nprint(random.randbytes(300_000).hex())"
    with pytest.raises(DiskError, match="No space left on device") as raised:
        result(tmp_path, fat, CONCLUDES)
    home = kept(raised.value)
    record = records.read(home / "run.json")
    assert (record.status, record.verdict.headline) == ("finished", "All is well.")
    assert "All is well." in (home / "report.html").read_text()
    cells = json.loads((home / "notebook.ipynb").read_text())["cells"]
    assert any("so far" in json.dumps(cell) for cell in cells)
    (left,) = little_disk.glob("made-*")
    assert {each.name for each in left.iterdir()} <= {"run.json", "notebook.ipynb"}, "no litter"
    shutil.rmtree(home.parent)


def test_a_folder_that_goes_away_meanwhile_loses_no_report(tmp_path):
    goes = f"import shutil\nshutil.rmtree({str(tmp_path / 'reports')!r})\n"
    goes += f"open({str(tmp_path / 'reports')!r}, 'w').close()"
    with pytest.raises(DiskError, match="cannot write") as raised:
        result(tmp_path, goes, CONCLUDES)
    home = kept(raised.value)
    assert records.read(home / "run.json").status == "finished"
    shutil.rmtree(home.parent)


def test_where_nothing_can_be_written_at_all_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(safekeeping, "REFUGES", (lambda: tmp_path / "none",))
    goes = f"import shutil\nshutil.rmtree({str(tmp_path / 'reports')!r})\n"
    goes += f"open({str(tmp_path / 'reports')!r}, 'w').close()"
    with pytest.raises(DiskError, match="could not be kept elsewhere"):
        result(tmp_path, goes, CONCLUDES)


def test_an_unwritable_folder_is_told_before_anything_starts(tmp_path):
    (tmp_path / "reports").write_text("a file")
    ran = tmp_path / "ran"
    with pytest.raises(ReportError, match="cannot write"):
        result(tmp_path, f"open({str(ran)!r}, 'w').close()", CONCLUDES)
    assert not ran.exists()


def test_a_cell_that_finds_the_disk_full_is_a_failure_of_the_disk(tmp_path):
    record, _, _ = result(
        tmp_path, "with open('/dev/full', 'w') as file:\n    file.write('x')", CONCLUDES
    )
    assert (record.failure.name, record.failure.kind) == ("OSError", "disk")


def test_a_gallery_that_cannot_be_written_costs_no_report(tmp_path):
    (tmp_path / "reports" / "index.html").mkdir(parents=True)
    (tmp_path / "reports" / "index.html" / "x").touch()
    record, page, _ = result(tmp_path, CONCLUDES)
    assert record.status == "finished" and "in no gallery" in record.notes[-1]
    assert "in no gallery" in page or record.notes


def test_two_writers_of_one_file_leave_one_of_both_and_readers_never_see_a_part(tmp_path):
    path, size, rounds = tmp_path / "file", 200_000, 60
    texts = {letter * size for letter in "ab"}
    records.write_atomically(path, "a" * size)

    def write(text):
        for _ in range(rounds):
            records.write_atomically(path, text)

    writers = [threading.Thread(target=write, args=[each]) for each in texts]
    for each in writers:
        each.start()
    seen = set()
    while any(each.is_alive() for each in writers):
        seen.add(path.read_text())
    for each in writers:
        each.join()
    assert seen <= texts and path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]
