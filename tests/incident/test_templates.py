import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiopslab.incident import templates
from aiopslab.incident.templates import EMPTY, EXAMPLE, LINE, mine

NUMBERS = st.one_of(st.integers(-(10**12), 10**12), st.floats(-1e30, 1e30))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def template(line):
    (found,) = mine([line]).templates
    return found


def words(rng, count, length=7):
    return " ".join("".join(rng.choice(list(LETTERS), length)) for _ in range(count))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("at 2026-03-01T12:00:00.123Z it began", "at <TIME> it began"),
        ("took 1m30.5s, then 12ms, then 3 %", "took <NUM>, then <NUM>, then <NUM>"),
        ("read 5.5GiB of 12 MB", "read <NUM> of <NUM>"),
        ("order #1234 of user_42 failed", "order #<NUM> of user_<NUM> failed"),
        ("status:500 retry:3", "status:<NUM> retry:<NUM>"),
        ("from ::1 and [fe80::1]:8080", "from <IP> and [<IP>]:<NUM>"),
        ("closed by 10.0.0.1.", "closed by <IP>."),
        ("span_9fceb02d0ae5 at 0x7ffe", "span_<HEX> at <HEX>"),
        ("std::vector and Foo::Bar", "std::vector and Foo::Bar"),
        ("in app.py:12 and (Main.java:7)", "in app.py:12 and (Main.java:7)"),
        ("uid=0 tty= user=alice a == b", "uid=<NUM> tty= user=alice a == b"),
        ("loss 1e-05, then 1e10", "loss <NUM>, then <NUM>"),
    ],
)
def test_a_line_reads_as_before_with_its_values_masked(line, expected):
    assert template(line) == expected


@settings(max_examples=200, deadline=None)
@given(
    line=st.lists(st.sampled_from(["shard", *"([#, ", "x=", "key:", "u_", "w-"]), min_size=1),
    one=NUMBERS,
    other=NUMBERS,
)
@example(line=["w-"], one=7, other=1e-30)
@example(line=["x="], one=0, other=1.0000000272564224e16)
@example(line=["x="], one=0, other=12345678e30)
def test_a_number_never_changes_the_template(line, one, other):
    filled = [
        " ".join(each if each == "shard" else f"{each}{value}" for each in line)
        for value in (one, other)
    ]
    assert mine(filled).ids.tolist() == [1, 1]


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(st.text(max_size=40) | st.none(), max_size=30), seed=st.integers(0, 9))
def test_equal_lines_share_a_template_wherever_they_stand(bodies, seed):
    shuffled = np.random.default_rng(seed).permutation(np.array([*bodies, *bodies], dtype=object))
    found = {}
    for body, number in zip(shuffled, mine(shuffled).ids, strict=True):
        assert found.setdefault(body, number) == number


def test_statements_with_names_in_them_are_told_apart():
    rng = np.random.default_rng(0)
    statements = [
        "log in of {} from {}",
        "log in refused for a bad token of {}",
        "cache miss for key {} after {} tries",
        "loaded model {} in {} ms on device cuda:{}",
        'level=info msg="request done" user={} status={} duration={}ms',
    ]
    truth = rng.integers(len(statements), size=500)
    names = [words(rng, 1) for _ in range(40)]
    lines = [statements[number].format(rng.choice(names), rng.integers(999), 7) for number in truth]
    pairs = set(zip(truth.tolist(), mine(lines).ids.tolist(), strict=True))
    assert len(pairs) == len(statements)


def test_success_and_failure_are_not_one_template_for_being_short():
    assert (
        len(set(mine(["cache hit", "cache miss", "connection lost", "connection made"]).ids)) == 4
    )


def record(**fields):
    return json.dumps(fields)


def test_a_json_record_is_told_by_its_message():
    bodies = [
        record(level="info", ts=1, msg="served 3 rows", user="a"),
        record(user="b c", msg="served 99 rows", more={"x": [1]}),
        record(level="error", msg="served 3 rows", error="no route to 10.0.0.1"),
        record(message="served 5 rows", err={"message": "no route to 10.0.0.9"}),
        record(log=record(message="served 7 rows") + "\n", stream="stdout"),
        json.dumps({"msg": "served 1 rows"}, indent=2),
    ]
    mined = mine(bodies)
    assert mined.ids.tolist() == [1, 1, 2, 2, 1, 1]
    assert mined.templates[2] == "served <NUM> rows no route to <IP>"
    assert mined.examples[1] == bodies[0]


def test_a_json_record_without_a_message_is_told_by_its_fields():
    bodies = [
        record(method="GET", path="/a/b", status=200, agent="Some Browser 1.0"),
        record(method="GET", path="/c", status=500, agent="Another one, quite different"),
    ]
    mined = mine(bodies)
    assert mined.ids.tolist() == [1, 1]
    assert mined.templates[1].startswith("method=GET path=<PATH> status=<NUM>")


@pytest.mark.parametrize(
    "body",
    [
        '{"msg": "cut off',
        "{}",
        "{not json}",
        '{"msg": null, "n": NaN}',
        '{"n": 1' + "0" * 5_000 + "}",
        '{"a":' * 50_000,
        '{"a":' * 400 + "1" + "}" * 400,
        '{"msg": {"msg": ' * 2_000 + "1" + "}}" * 2_000,
    ],
)
def test_a_record_that_is_none_is_text(body):
    mined = mine([body, body, "hello there"])
    assert mined.ids[0] == mined.ids[1] != mined.ids[2]


def test_empty_lines_keep_to_themselves():
    mined = mine(["(empty file)", None, "", " \n\t", "(empty line)", float("nan"), "(empty disk)"])
    assert mined.templates[0] == EMPTY
    assert np.flatnonzero(mined.ids == 0).tolist() == [1, 2, 3, 5]


def test_no_lines_are_no_templates():
    mined = mine([])
    assert (len(mined.ids), len(mined.templates), len(mined.examples)) == (0, 0, 0)
    assert mined.templates.str.len().sum() == 0


def test_untrusted_text_stays_text():
    bodies = [
        "<script>alert(1)</script> 7",
        "nul \0 byte",
        "lone \ud800 surrogate",
        "naïve 日本語 ✓",
    ]
    mined = mine(bodies)
    assert mined.templates[1] == "<script>alert(<NUM>)<<PATH>> <NUM>"
    assert mined.examples[1] == bodies[0]
    assert mined.examples[3] == "lone ? surrogate"
    assert mined.templates[4] == "naïve 日本語 ✓"


@pytest.mark.parametrize(
    "unit",
    [
        *"a1/[- \n",
        "1:",
        "1.",
        "::",
        "0x",
        "1m",
        "a=",
        "a-",
        "/a",
        "ab12",
        '{"a":',
        "\ud800",
        "2026-",
    ],
)
def test_a_megabyte_of_anything_is_one_line_of_which_little_is_kept(unit):
    line = (unit * 1_000_000)[:1_000_000]
    mined = mine([line, "hello there", line])
    number = mined.ids[0]
    assert mined.ids[2] == number != mined.ids[1]
    assert len(mined.templates[number]) <= 4 * LINE  # a mask may be longer than what it stands for
    begun = line.strip()[:EXAMPLE].encode("utf-8", "replace").decode()
    assert mined.examples[number] == begun


def test_many_lines_of_a_few_statements_are_a_few_templates():
    kinds = ("GET /api/{n} took {m} ms", "user={n} left after {m}s", '{{"msg": "ok", "n": {n}}}')
    mined = mine(kinds[n % 3].format(n=n, m=n % 97) for n in range(30_000))
    assert mined.ids.tolist() == [1, 2, 3] * 10_000
    assert mined.templates[mined.ids[:3]].tolist() == [
        "GET <PATH> took <NUM>",
        "user=<NUM> left after <NUM>",
        "ok",
    ]


def test_free_text_is_a_template_a_line():
    rng = np.random.default_rng(0)
    prose = [words(rng, 8) for _ in range(1_000)]
    assert mine([*prose, *prose]).ids.tolist() == 2 * list(range(1, 1_001))


def test_a_template_in_use_survives_among_free_text():
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(400):
        lines += [f"job said {words(rng, 4)}", f"job said worker {words(rng, 1)} is done"]
    assert len(set(mine(lines).ids[1::2])) == 1


def test_templates_that_made_room_are_still_known(monkeypatch):
    monkeypatch.setattr(templates, "TEMPLATES", 5)
    monkeypatch.setattr(templates, "REMEMBERED", 5)
    rng = np.random.default_rng(0)
    lines = [words(rng, 3) for _ in range(50)]
    mined = mine(lines)
    assert mined.templates[mined.ids].tolist() == lines
    assert mined.examples[mined.ids].tolist() == lines


def test_the_seed_of_python_hashes_changes_nothing():
    program = (
        "import numpy as np; from aiopslab.incident.templates import mine\n"
        "rng = np.random.default_rng(0)\n"
        "lines = [' '.join(rng.choice(list('abcdef'), 5)) for _ in range(500)]\n"
        "mined = mine(lines); print(mined.ids.tolist(), mined.templates.tolist())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(said) == 1
