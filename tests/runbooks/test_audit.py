"""The audit log of deeds: no secret in it, and nothing after a record that was changed."""

import pytest

from aiopslab.governance.errors import AuditError
from aiopslab.runbooks.audit import AuditLog

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


@pytest.mark.parametrize("rest", [b'{"half', b"\n", b"[]\n", b"null\n", b"{}\n", b"\xff\n"])
def test_nothing_is_appended_to_a_log_that_was_changed(content, tmp_path, rest):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content + rest)
    with pytest.raises(AuditError, match="record 4"):
        AuditLog(path).append("refused", step=STEP)
    assert path.read_bytes() == content + rest


def test_nor_where_its_first_record_was_changed(content, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content.replace(b"on call", b"nobody!"))
    with pytest.raises(AuditError, match="record 1"):
        AuditLog(path).append("refused", step=STEP)


def test_who_holds_it_looks_and_records(log):
    with log.locked():
        log.check()
        log.append("started", step=STEP)
    assert [each["step"] for each in log.records()] == [STEP]


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
    assert next(log.records())["step"] == STEP
    assert log.verify().records == 1
