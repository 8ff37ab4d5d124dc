"""The audit log: appended only, whole after a crash, and no byte of it changed unnoticed."""

import json
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.runbooks.audit import FIRST, AuditLog
from aiopslab.runbooks.errors import AuditError

STEP = "5" * 64


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The bytes of a log with three records."""
    log = AuditLog(tmp_path_factory.mktemp("audit") / "audit.jsonl")
    log.append("started", step=STEP, approval="a" * 64, by="on call", before={"version": "3"})
    log.append("finished", step=STEP, approval="a" * 64, after={"version": "2", "ü": "語"})
    log.append("refused", step=STEP, why="nobody approved it")
    return log.path.read_bytes()


def test_records_are_chained(log):
    first = log.append("started", step=STEP)
    second = log.append("finished", step=STEP)
    assert first["previous"] == FIRST and second["previous"] == first["hash"]
    assert [each["number"] for each in log.records()] == [1, 2]
    assert str(log.verify()).startswith("2 records, unchanged")
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


@given(st.data())
@settings(max_examples=400)
def test_any_changed_byte_is_noticed(content, tmp_path_factory, data):
    at = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["change", "remove", "insert"]))
    byte = data.draw(st.integers(0, 255))
    if how == "change" and content[at] == byte:
        return
    middle = {"change": bytes([byte]), "remove": b"", "insert": bytes([byte, content[at]])}[how]
    path = tmp_path_factory.getbasetemp() / "tampered.jsonl"
    path.write_bytes(content[:at] + middle + content[at + 1 :])
    with pytest.raises(AuditError, match="was changed"):
        AuditLog(path).verify()


@pytest.mark.parametrize("bit", [0, 5])  # 5 turns capitals into small letters
def test_every_byte_counts(content, tmp_path, bit):
    log = AuditLog(tmp_path / "tampered.jsonl")
    for at in range(len(content)):
        log.path.write_bytes(content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :])
        with pytest.raises(AuditError, match="was changed"):
            log.records()


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2], [1, 2], [0, 1, 1, 2], [0, 0], [2]], ids=str)
def test_records_moved_removed_or_repeated_are_noticed(content, tmp_path, order):
    lines = content.splitlines(keepends=True)
    path = tmp_path / "tampered.jsonl"
    path.write_bytes(b"".join(lines[each] for each in order))
    with pytest.raises(AuditError, match="was changed"):
        AuditLog(path).verify()


def test_a_log_cut_off_at_its_end_is_noticed_by_a_hash_seen_before(content, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content)
    log = AuditLog(path)
    head = log.verify().head
    path.write_bytes(b"".join(content.splitlines(keepends=True)[:2]))
    assert log.verify().records == 2
    with pytest.raises(AuditError, match="no record"):
        log.verify(head)
    path.write_bytes(content)
    log.append("refused", step=STEP)
    assert log.verify(head).records == 4


@pytest.mark.parametrize("rest", [b'{"half', b"\n", b"[]\n", b"null\n", b"{}\n", b"\xff\n"])
def test_nothing_is_appended_to_a_log_that_was_changed(content, tmp_path, rest):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content + rest)
    with pytest.raises(AuditError, match="record 4"):
        AuditLog(path).append("refused", step=STEP)
    assert path.read_bytes() == content + rest


def test_a_disk_that_is_full_leaves_no_half_record(log, monkeypatch):
    log.append("started", step=STEP)
    whole = log.path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(AuditError, match="disk is full"):
        log.append("finished", step=STEP)
    assert log.path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot write"):
        AuditLog(tmp_path / "file" / "audit.jsonl").append("started", step=STEP)


def test_a_log_that_is_not_there_is_no_log(log):
    assert log.records() == []
    with pytest.raises(AuditError, match="there is no audit log"):
        log.verify()


def test_secrets_are_hidden(log, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "correct-horse-battery")
    log.append(
        "failed",
        step=STEP,
        values={"password": "hunter2", "nested": [{"api_key": "hunter2"}]},
        reason="password=hunter2 at https://me:hunter2@host/, correct-horse-battery",
        why="Authorization: Bearer abcdef0123456789",
    )
    text = log.path.read_text()
    assert "hunter2" not in text and "correct-horse" not in text and "abcdef01" not in text
    assert log.records()[0]["step"] == STEP
    assert log.verify().records == 1


def test_text_that_is_not_even_unicode_is_recorded(log):
    log.append("failed", step=STEP, why="\ud800 \x00 \n")
    assert log.verify().records == 1
    assert len(log.path.read_bytes().splitlines()) == 1


def test_processes_side_by_side_make_one_chain(log):
    code = f"""
from aiopslab.runbooks.audit import AuditLog
for number in range(20):
    AuditLog({str(log.path)!r}).append("started", step="{STEP}", turn=number)
"""
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [each.wait(60) for each in running] == [0, 0]
    assert log.verify().records == 40


def test_it_is_one_json_object_a_line(content):
    for line in content.splitlines():
        assert {"number", "at", "event", "step", "previous", "hash"} <= set(json.loads(line))
