import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from aiopslab.errors import PromptError
from aiopslab.prompts.store import Answer, Request, Store

HELLO = ({"role": "user", "content": "Hello"},)


def request(content="Hello", **more):
    told = {"model": "m", "parameters": {"temperature": 0}, "repetition": 0, **more}
    return Request(messages=({"role": "user", "content": content},), **told)


def answer(output="Hi"):
    return Answer(output, 3, 1, 12.5, 0.25, "stop", 100.0)


def test_an_answer_comes_back_as_it_was_in_this_process_and_the_next(tmp_path):
    path = tmp_path / "deep" / "calls.db"
    with Store(path) as store:
        assert store.find(request()) is None
        store.keep(request(), answer())
        assert store.find(request()) == answer()
    with Store(path) as store:
        assert store.find(request()) == answer() and len(store) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"},
        {"parameters": {"temperature": 1}},
        {"parameters": {}},
        {"repetition": 1},
        {"content": "Hello "},
    ],
)
def test_another_model_parameter_message_or_repetition_is_another_call(tmp_path, other):
    with Store(tmp_path / "calls.db") as store:
        store.keep(request(), answer())
        assert store.find(request(**other)) is None


def test_the_order_of_parameters_makes_no_other_call():
    one, other = (request(parameters=each) for each in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert one.key == other.key


def test_parameters_never_stand_in_for_model_or_messages():
    body = request(parameters={"model": "dear", "messages": []}).body
    assert body["model"] == "m" and body["messages"] == list(HELLO)


def test_the_first_answer_stays(tmp_path):
    with Store(tmp_path / "calls.db") as store:
        store.keep(request(), answer("first"))
        store.keep(request(), answer("second"))
        assert store.find(request()).output == "first"


@pytest.mark.parametrize(
    "text", ["", "👩‍🚀 e\u0301", "שלום \u202e", "nul \x00 end", "a" * 1_000_000]
)
def test_odd_outputs_are_kept(tmp_path, text):
    with Store(tmp_path / "calls.db") as store:
        store.keep(request(text), answer(text))
        assert store.find(request(text)).output == text


def test_half_a_surrogate_pair_harms_nothing(tmp_path):
    with Store(tmp_path / "calls.db") as store:
        store.keep(request("\ud83d"), answer("half \ud83d"))
        assert store.find(request("\ud83d")).output == "half ?"


def test_another_file_is_left_as_it_is(tmp_path):
    text, database, later = (tmp_path / each for each in ("a.txt", "b.db", "c.db"))
    text.write_bytes(b"not a database" * 100)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE runs (a)")
    Store(later).close()
    with sqlite3.connect(later) as connection:
        connection.execute("PRAGMA user_version = 99")
    for path, why in (
        (text, "not a database"),
        (database, "something else"),
        (later, "version 99"),
    ):
        before = path.read_bytes()
        with pytest.raises(PromptError, match=why):
            Store(path)
        assert path.read_bytes() == before
    with pytest.raises(PromptError, match="cannot be used"):
        Store(text / "below" / "calls.db")


def test_a_full_disk_is_told(tmp_path):
    with Store(tmp_path / "calls.db") as store:
        store._connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(PromptError, match="full"):
            store.keep(request(), answer("a" * 100_000))


def test_many_may_open_a_new_file_at_once(tmp_path):
    failed = []

    def write(number):
        try:
            with Store(tmp_path / "calls.db") as store:
                store.keep(request(str(number)), answer())
        except PromptError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(each,)) for each in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed
    with Store(tmp_path / "calls.db") as store:
        assert len(store) == 16


def test_a_request_is_marked_for_all_who_share_the_file(tmp_path):
    with Store(tmp_path / "calls.db") as one, Store(tmp_path / "calls.db") as other:
        with one.asking(request()) as ours, other.asking(request()) as theirs:
            assert ours and not theirs
            with other.asking(request("else")) as free:
                assert free
        with other.asking(request()) as now:
            assert now


KILLED = """
import os, sys, time
from aiopslab.prompts.store import Answer, Request, Store
store = Store(sys.argv[1])
asked = Request("m", ({"role": "user", "content": "Hello"},), {"temperature": 0})
with store.asking(asked) as ours:
    for number in range(10**6):
        told = Request("m", ({"role": "user", "content": str(number)},), {})
        store.keep(told, Answer("a" * 1000, 1, 1, 1.0, None, "stop", 1.0))
        print(number, flush=True)
"""


def test_what_was_kept_survives_a_kill_and_the_mark_does_not(tmp_path):
    path = tmp_path / "calls.db"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(200):
        child.stdout.readline()
    with Store(path) as store, store.asking(request()) as ours:
        assert not ours
    os.kill(child.pid, signal.SIGKILL)
    said = child.stdout.read().split("\n")  # up to what was printed when it died
    child.wait()
    child.stdout.close()
    last = int(said[-2]) if len(said) > 1 else 199
    with Store(path) as store:
        assert len(store) in (last + 1, last + 2)
        assert store.find(request(str(last), parameters={})).output == "a" * 1000
        with store.asking(request()) as ours:
            assert ours
        assert store._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
