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

from aiopslab.governance import chain, user
from aiopslab.governance.audit import AuditError, Trail, record
from aiopslab.governance.canonical import canonical

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


@pytest.mark.parametrize("size", [7_000, 8_191, 8_192, 9_000, 500_000])
def test_what_follows_a_long_record_is_chained_to_it(tmp_path, size):
    trail = Trail(tmp_path / "audit.jsonl")
    for _ in range(2):
        trail.append("run", why="x" * (size - 228))  # of which the rest is the record itself
        trail.append("run")
    assert trail.verify().records == 4


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


@given(
    at=st.integers(0, RECORDS),
    which=st.integers(0, RECORDS - 1),
    other=st.integers(0, RECORDS - 1),
    how=st.sampled_from(["put in again", "swapped", "removed", "forged"]),
)
def test_any_line_put_in_swapped_or_removed_is_found(written, folder, at, which, other, how):
    head = json.loads(written[-1])["hash"]
    lines = [*written]
    if how == "put in again":
        lines.insert(at, written[which])
    elif how == "swapped":
        lines[which], lines[other] = lines[other], lines[which]
    elif how == "removed":
        del lines[which]
    else:  # whole in itself, with a hash of its own
        last = json.loads(written[at - 1]) if at else None
        forged = chain.after(last, "run", {"principal": "eve"})
        lines.insert(at, canonical(forged) + b"\n")
    if lines == written:
        assert verified(folder, lines).records == RECORDS
        return
    if how == "forged" and at == RECORDS:  # at the end it is what any record is: an addition
        assert verified(folder, lines, head).records == RECORDS + 1
        return
    with pytest.raises(AuditError):
        verified(folder, lines, head)


@given(size=st.integers(0, 10_000))
def test_an_end_that_was_cut_off_is_found_by_what_was_seen(written, folder, size):
    content = b"".join(written)
    cut = content[: min(size, len(content) - 1)]
    with pytest.raises(AuditError):
        verified(folder, [cut], json.loads(written[-1])["hash"])


def test_nothing_is_recorded_where_the_environment_names_no_trail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert record("prune", subject="reports") is None
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(tmp_path / "audit.jsonl"))
    record("prune", subject="reports", runs=["a"])
    (told,) = Trail(tmp_path / "audit.jsonl").records()
    assert (told["principal"], told["decision"], told["runs"]) == (user(), "done", ["a"])


@pytest.fixture
def archived(tmp_path):
    """A trail of six records in three files."""
    trail = Trail(tmp_path / "audit.jsonl")
    for number in range(2):
        for principal in ("ana", "bob"):
            trail.append("run", principal=principal, round=number)
        trail.archive()
    return trail


def test_a_trail_goes_on_over_its_archives(archived):
    head = next(each for each in archived.records() if each["number"] == 2)["hash"]
    archived.append("run", principal="ana", round=2)
    told = [(each["number"], each["event"]) for each in archived.records()]
    assert told == [*enumerate(["run", "run", "archive", "run", "run", "archive", "run"], 1)]
    assert archived.verify(head).records == 7
    closed = sorted(archived.path.parent.glob("audit-*.jsonl"))
    assert len(closed) == 2 and {stat.S_IMODE(each.stat().st_mode) for each in closed} == {0o400}
    assert Trail(closed[-1]).verify().records == 5  # an archive is a trail like any other


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("how", ["gone", "edited", "cut", "other"])
def test_whatever_is_done_to_an_archive_is_found(archived, which, how):
    closed = sorted(
        archived.path.parent.glob("audit-*.jsonl"), key=lambda each: each.stat().st_size
    )
    path = closed[which]
    content = path.read_bytes()
    path.unlink()
    if how == "edited":
        path.write_bytes(content.replace(b"ana", b"eve"))
    elif how == "cut":
        path.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    elif how == "other":
        path.write_bytes(closed[1 - which].read_bytes())
    with pytest.raises(AuditError, match="Bring the archive back" if how == "gone" else "changed"):
        archived.verify()


@pytest.mark.parametrize("name", ["audit.jsonl", "../audit.jsonl", "/etc/passwd", 7, None])
def test_an_archive_that_leads_elsewhere_or_in_a_circle_is_found(tmp_path, name):
    forged = chain.after({"number": 6, "hash": "0" * 64}, "archive", {"archive": name})
    (tmp_path / "audit.jsonl").write_bytes(canonical(forged) + b"\n")
    with pytest.raises(AuditError, match="does not follow"):
        Trail(tmp_path / "audit.jsonl").verify()


def test_what_was_changed_or_is_empty_is_not_archived(archived, tmp_path):
    with pytest.raises(AuditError, match="no record since"):
        archived.archive()
    with pytest.raises(AuditError, match="no record since"):
        Trail(tmp_path / "none.jsonl").archive()
    archived.append("run", principal="ana")
    archived.path.write_bytes(archived.path.read_bytes().replace(b"ana", b"eve"))
    before = sorted(each.name for each in tmp_path.glob("audit*.jsonl"))
    with pytest.raises(AuditError, match="changed"):
        archived.archive()
    assert sorted(each.name for each in tmp_path.glob("audit*.jsonl")) == before


def test_an_attempt_to_archive_that_died_before_its_last_step_is_made_whole(archived, monkeypatch):
    archived.append("run", principal="ana")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "died")))
        with pytest.raises(AuditError, match="died"):
            archived.archive()
    archived.append("run", principal="bob")
    archived.archive()
    assert archived.verify().records == 9


def _append_or_archive(path, count):
    for number in range(count):
        Trail(path).append("run", principal="many")
        if number == count // 2:
            Trail(path).archive()


def test_processes_that_write_and_archive_at_once_make_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_append_or_archive, [path] * 2, [12] * 2))
    events = [each["event"] for each in Trail(path).records()]
    assert (events.count("run"), events.count("archive")) == (24, 2)


def test_the_command_shows_what_is_wanted_and_steers_no_terminal(tmp_path, aiopslab, monkeypatch):
    trail = Trail(tmp_path / "audit.jsonl")
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(trail.path))
    trail.append("run", principal="ana", subject="drift", decision="permit")
    trail.append(
        "promote", principal="ana", subject="models:/loans", decision="deny", why="\x1b[2J"
    )
    trail.append(
        "promote", principal="bob\x9b", subject="\u202eloans", decision="done", data="a" * 64
    )
    trail.append("prune", principal=["?"], subject={"a": 1}, decision=None)
    code, told, _ = aiopslab("audit", "show")
    assert code == 0 and len(told.splitlines()) == 5
    assert all(each.isprintable() for each in told.splitlines())
    assert "\\x1b[2J" in told and "bob\\x9b" in told and "data aaaaaaaaaaaa" in told
    for wanted, numbers in [
        (("--by", "ana"), "12"),
        (("--event", "promote"), "23"),
        (("--decision", "deny"), "2"),
        (("--subject", "loans"), "23"),
        (("--since", "now+1d"), ""),
        (("--since", "2026-01-01", "--by", "ana", "--event", "run"), "1"),
    ]:
        code, told, _ = aiopslab("audit", "show", *wanted)
        shown = "".join(each.split()[0] for each in told.splitlines() if each[0:6].strip())
        assert (code, shown) == (0, numbers)
    code, _, told = aiopslab("audit", "show", tmp_path / "none.jsonl")
    assert code == 2 and "There is no audit trail" in told
    code, _, told = aiopslab("audit", "show", "--since", "yesterday-ish")
    assert code == 2 and "is no time" in told
    trail.path.write_bytes(trail.path.read_bytes().replace(b"promote", b"prumote"))
    code, told, problem = aiopslab("audit", "show")
    assert code == 2 and len(told.splitlines()) == 1 and "record 2" in problem


def test_the_command_archives_and_verifies_on(tmp_path, aiopslab):
    trail = Trail(tmp_path / "audit.jsonl")
    trail.append("run")
    code, told, _ = aiopslab("audit", "archive", trail.path)
    assert code == 0 and "closed into" in told
    code, told, _ = aiopslab("audit", "verify", trail.path)
    assert code == 0 and "2 records, unchanged" in told


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The files of a trail with two archives, by name."""
    trail = Trail(tmp_path_factory.mktemp("parts") / "audit.jsonl")
    for _ in range(3):
        trail.append("run", principal="ana")
        trail.append("promote", principal="bob")
        if trail.path.stat().st_size < 2_000 and len(list(trail.records())) < 6:
            trail.archive()
    return {each.name: each.read_bytes() for each in trail.path.parent.glob("audit*.jsonl")}


@given(data=st.data())
def test_any_byte_that_changes_in_any_part_of_a_trail_is_found(parts, folder, data):
    name = data.draw(st.sampled_from(sorted(parts)))
    content = bytearray(parts[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    for each, whole in parts.items():
        (Path(folder) / each).write_bytes(content if each == name else whole)
    with pytest.raises(AuditError):
        Trail(Path(folder) / "audit.jsonl").verify()
    (Path(folder) / name).write_bytes(parts[name])
    assert Trail(Path(folder) / "audit.jsonl").verify().records == 8
