"""The audit trail: any edit, removal or reorder is found, also where many write at once."""

import json
import resource
import signal
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.governance.audit import AuditError, Trail

RECORDS = 5


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    trail = Trail(tmp_path_factory.mktemp("trail") / "audit.jsonl")
    for number in range(RECORDS):
        trail.append("run", principal=f"user{number}", why="é\n\ud800")
    return trail.path.read_bytes().splitlines(keepends=True)


def verified(folder, lines, seen=""):
    path = Path(folder) / "copy.jsonl"
    path.write_bytes(b"".join(lines))
    return Trail(path).verify(seen)


def test_a_whole_trail_is_confirmed(written, tmp_path):
    checked = verified(tmp_path, written)
    assert (checked.records, checked.head) == (RECORDS, json.loads(written[-1])["hash"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("copies")


@given(data=st.data())
def test_any_byte_that_changes_is_found(written, folder, data):
    content = bytearray(b"".join(written))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(AuditError):
        verified(folder, [bytes(content)])


@pytest.mark.parametrize("bit", [0, 5])  # 5 turns capitals into small letters
def test_every_byte_counts(written, tmp_path, bit):
    trail = Trail(tmp_path / "tampered.jsonl")
    content = b"".join(written[:2])
    for at in range(len(content)):
        trail.path.write_bytes(content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :])
        with pytest.raises(AuditError, match="was changed"):
            list(trail.records())


@given(order=st.permutations(range(RECORDS)), kept=st.integers(1, RECORDS))
def test_any_removal_or_reorder_is_found(written, folder, order, kept):
    chosen = order[:kept]
    if chosen == list(range(kept)):  # a trail cut off at its end: only a kept hash shows it
        head = json.loads(written[-1])["hash"]
        if kept < RECORDS:
            with pytest.raises(AuditError, match="cut off"):
                verified(folder, [written[each] for each in chosen], head)
        return
    with pytest.raises(AuditError):
        verified(folder, [written[each] for each in chosen])


def test_a_torn_end_is_neither_read_nor_written_past(written, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(written)[:-10])
    with pytest.raises(AuditError, match="no end"):
        Trail(path).verify()
    with pytest.raises(AuditError, match="the last record"):
        Trail(path).append("run")
    assert path.read_bytes() == b"".join(written)[:-10]


def test_a_hash_that_was_seen_is_found_again(written, tmp_path):
    seen = json.loads(written[2])["hash"]
    assert verified(tmp_path, written, seen).records == RECORDS
    with pytest.raises(AuditError, match="cut off"):
        verified(tmp_path, written[:2], seen)


def _append(path, count):
    for _ in range(count):
        Trail(path).append("run", principal="many")


def test_processes_that_write_at_once_make_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(_append, [path] * 3, [20] * 3))
    assert Trail(path).verify().records == 60


def test_a_disk_that_is_full_leaves_no_half_record(tmp_path):
    trail = Trail(tmp_path / "audit.jsonl")
    trail.append("run")
    whole = trail.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, hard))
    try:
        with pytest.raises(AuditError, match="cannot write"):
            trail.append("run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert trail.path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot write"):
        Trail(tmp_path / "file" / "audit.jsonl").append("run")


def test_others_may_not_read_it_and_what_is_not_there_is_no_trail(tmp_path):
    trail = Trail(tmp_path / "audit.jsonl")
    assert list(trail.records()) == []
    with pytest.raises(AuditError, match="there is no audit trail"):
        trail.verify()
    trail.append("run")
    assert stat.S_IMODE(trail.path.stat().st_mode) == 0o600


def test_a_record_too_long_to_be_read_again_is_refused(tmp_path):
    trail = Trail(tmp_path / "audit.jsonl")
    trail.append("run")
    with pytest.raises(AuditError, match="bytes"):
        trail.append("run", why="x" * 2_000_000)
    assert trail.verify().records == 1


def test_the_command_verifies(written, tmp_path, aiopslab):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(written))
    code, told, _ = aiopslab("audit", "verify", path)
    assert code == 0 and "5 records, unchanged" in told
    path.write_bytes(b"".join(written).replace(b"user2", b"user9"))
    code, _, told = aiopslab("audit", "verify", path)
    assert code == 2 and "record 3" in told
    code, _, told = aiopslab("audit", "verify", tmp_path / "none.jsonl")
    assert code == 2 and "there is no audit trail" in told
