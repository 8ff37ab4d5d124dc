import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from aiohttp import web
from pandas.testing import assert_frame_equal

from aiopslab.errors import PromptError
from aiopslab.frames import conform
from aiopslab.prompts import asking, run
from aiopslab.prompts.progress import Progress
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import run_prompts
from aiopslab.prompts.store import Store
from aiopslab.terminal import shown
from tests.prompts.stub import answer, endpoint, serving

SHORT = Prompt.of("short", "Short: {{ text }}", max_tokens=5)
LONG = Prompt.of("long", "Long: {{ text }}", max_tokens=5)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(asking, "BACKOFF_S", 0.005)
    for name in ("AIOPSLAB_LLM_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "calls.db") as store:
        yield store


def items(count):
    return pd.DataFrame({"item": [f"i{each}" for each in range(count)], "text": range(count)})


def told(table):
    """Return all that must not depend on how often a run was broken off."""
    return table.drop(columns=["reused", "timestamp", "latency_ms"])


def test_every_prompt_is_asked_on_every_item_and_a_second_run_asks_nothing(store):
    with serving() as stub:
        first = run_prompts([SHORT, LONG], items(5), endpoint(stub), store, repetitions=2)
        assert stub.calls == 20
        again = run_prompts([SHORT, LONG], items(5), endpoint(stub), store, repetitions=2)
        assert stub.calls == 20
    assert (first.progress.answered, again.progress.reused) == (20, 20)
    assert first.progress.cost_usd == pytest.approx(20 * 15e-6) and again.progress.cost_usd == 0
    assert_frame_equal(first.calls.drop(columns="reused"), again.calls.drop(columns="reused"))
    assert first.calls["output"].tolist()[:3] == ["SHORT: 0", "SHORT: 0", "LONG: 0"]
    assert set(first.calls["status"]) == {"answered"} and not first.stopped


def test_the_calls_satisfy_their_contract(store):
    with serving() as stub:
        told = run_prompts([SHORT], items(3), endpoint(stub), store)
    assert len(conform("calls", told.calls)) == 3


def test_another_item_costs_one_call_more(store):
    with serving() as stub:
        run_prompts([SHORT], items(3), endpoint(stub), store)
        grown = run_prompts([SHORT], items(4), endpoint(stub), store)
        assert stub.calls == 4 and grown.progress.reused == 3


def test_the_same_call_is_made_once_whoever_asks_it(store):
    twin = Prompt.of("twin", "Short: {{ text }}", max_tokens=5)
    doubled = items(4).assign(text=["a", "b", "a", "a"])
    with serving(delay_s=0.05) as stub:
        found = run_prompts([SHORT, twin], doubled, endpoint(stub), store)
        assert stub.calls == 2
    assert found.same == ("i2", "i3")
    assert found.calls["output"].notna().all() and found.progress.reused == 6


def test_one_item_is_enough_to_run(store):
    with serving() as stub:
        assert len(run_prompts([SHORT], items(1), endpoint(stub), store).calls) == 1


def test_no_more_calls_are_under_way_than_was_asked_for(store):
    with serving(delay_s=0.02) as stub:
        run_prompts([SHORT], items(40), endpoint(stub, concurrency=5), store)
        assert stub.most_at_once == 5


def test_a_busy_endpoint_loses_no_item(store):
    async def tenth(request, before):
        if stub.calls % 10 == 0:
            return web.Response(status=429, headers={"Retry-After": "0"})

    with serving(tenth) as stub:
        found = run_prompts([SHORT], items(100), endpoint(stub, concurrency=16), store)
        assert stub.calls > 100 and sum(stub.answered.values()) == 100
    assert set(found.calls["status"]) == {"answered"}


def test_what_failed_is_told_and_asked_anew_the_next_time(store):
    async def third(request, before):
        body = await request.json()
        if body["messages"][0]["content"] == "Short: 2" and not mended:
            return web.json_response({"error": {"message": "filtered"}}, status=400)

    mended = False
    with serving(third) as stub:
        found = run_prompts([SHORT], items(4), endpoint(stub), store)
        assert found.calls["status"].tolist() == ["answered", "answered", "failed", "answered"]
        assert "filtered" in found.calls["error"][2] and found.calls["output"].isna().sum() == 1
        mended = True
        again = run_prompts([SHORT], items(4), endpoint(stub), store)
        assert again.progress.answered == 1 and again.progress.failed == 0


@pytest.mark.parametrize(("status", "most"), [(401, 4), (400, run.GIVES_UP + 4)])
def test_an_endpoint_that_refuses_is_not_asked_for_all(store, status, most):
    async def refuse(request, before):
        return web.json_response({"error": {"message": "no"}}, status=status)

    with serving(refuse) as stub:
        with pytest.raises(PromptError, match=f"{status}: no"):
            run_prompts([SHORT], items(200), endpoint(stub, concurrency=4), store)
        assert stub.calls <= most


def test_a_cap_is_not_passed_and_what_was_answered_is_kept(store):
    where = {"concurrency": 8}
    with serving(delay_s=0.01) as stub:
        cap = 20 * 15e-6 + 1e-4  # an answer costs 15 millionths, a reservation takes some 2e-4
        found = run_prompts([SHORT], items(100), endpoint(stub, **where), store, cap_usd=2 * cap)
        answered = (found.calls["status"] == "answered").sum()
        assert "the cap of" in found.stopped and 0 < answered < 100
        assert stub.calls == answered == len(store)
        assert stub.calls * 15e-6 <= 2 * cap
        assert found.calls["status"].value_counts()["not asked"] == 100 - answered
        again = run_prompts([SHORT], items(100), endpoint(stub, **where), store, cap_usd=1.0)
        assert stub.calls == 100 and again.progress.reused == answered and not again.stopped


def test_a_cap_that_the_first_call_might_pass_lets_nothing_through(store):
    with serving() as stub:
        found = run_prompts([SHORT], items(3), endpoint(stub), store, cap_usd=1e-5)
        assert stub.calls == 0 and set(found.calls["status"]) == {"not asked"}


def test_a_cap_that_cannot_be_kept_is_refused(store):
    bare = Prompt.of("bare", "{{ text }}")
    with serving() as stub:
        for prompt, where, cap in (
            (bare, {}, 1.0),
            (SHORT, {"output_price": None}, 1.0),
            (SHORT, {}, -1.0),
            (SHORT, {}, float("nan")),
        ):
            with pytest.raises(PromptError, match="cap"):
                run_prompts([prompt], items(1), endpoint(stub, **where), store, cap_usd=cap)
        free = endpoint(stub, input_price=0.0, output_price=0.0)
        assert run_prompts([bare], items(1), free, store, cap_usd=0.0).progress.answered == 1


@pytest.mark.parametrize(
    ("prompts", "table", "why"),
    [
        ([SHORT, SHORT], items(2), "two prompts"),
        ([], items(2), "too few"),
        ([SHORT], items(0), "too few"),
        ([SHORT], items(2).assign(item="a"), "more than once"),
        ([SHORT], items(2).rename(columns={"text": "txt"}), "item 'i0'.*needs 'text'"),
        ([SHORT], items(2).assign(text=["a", None]), "item 'i1'.*missing"),
    ],
)
def test_bad_input_is_told_before_anything_is_paid_for(store, prompts, table, why):
    with serving() as stub:
        with pytest.raises(PromptError, match=why):
            run_prompts(prompts, table, endpoint(stub), store)
        with pytest.raises(PromptError, match="sets 'stream'"):
            run_prompts([SHORT], items(1), endpoint(stub), store, parameters={"stream": True})
        assert stub.calls == 0


def test_odd_text_goes_there_and_back(store):
    odd = ["👩‍🚀 e\u0301", "שלום \u202e עולם", "", " \n", "{{ 7 * 7 }}", "nul\x00"]
    with serving() as stub:
        found = run_prompts([SHORT], pd.DataFrame({"text": odd}), endpoint(stub), store)
        again = run_prompts([SHORT], pd.DataFrame({"text": odd}), endpoint(stub), store)
    assert found.calls["output"].tolist() == [f"Short: {each}".upper() for each in odd]
    assert again.calls["output"].tolist() == found.calls["output"].tolist()


def test_an_empty_output_is_an_answer(store):
    async def nothing(request, before):
        return answer("")

    with serving(nothing) as stub:
        found = run_prompts([SHORT], items(2), endpoint(stub), store)
        run_prompts([SHORT], items(2), endpoint(stub), store)
        assert found.calls["output"].tolist() == ["", ""] and stub.calls == 2


def test_it_runs_where_a_loop_is_running(store):
    async def cell():
        return run_prompts([SHORT], items(3), endpoint(stub), store)

    with serving() as stub:
        assert len(asyncio.run(cell()).calls) == 3


def test_progress_is_reported_to_the_end_in_the_thread_of_the_caller(store):
    seen = []

    def report(progress):
        seen.append((str(progress), threading.current_thread()))

    with serving(delay_s=0.01) as stub:
        run_prompts([SHORT], items(60), endpoint(stub, concurrency=2), store, report=report)
    assert seen[-1][0] == "60 of 60 calls, 0 reused, 0.0009 USD"
    assert {each for _, each in seen} == {threading.current_thread()}
    assert len(seen) > 1


def test_progress_is_shown(capsys):
    with shown() as report:
        report(Progress(10, answered=3, reused=2, failed=1, cost_usd=0.5))
    assert "6 of 10 calls, 2 reused, 1 failed, 0.5000 USD" in capsys.readouterr().err


def test_a_report_that_fails_ends_the_run(store):
    def report(progress):
        raise ZeroDivisionError

    before = threading.active_count()
    with serving(delay_s=0.05) as stub:
        with pytest.raises(ZeroDivisionError):
            run_prompts([SHORT], items(500), endpoint(stub), store, report=report)
        assert stub.calls < 100 and len(store) == sum(stub.answered.values())
    assert threading.active_count() == before


def test_an_interrupt_keeps_what_was_answered_and_lets_those_under_way_end(store):
    def interrupt(progress):
        if progress.answered >= 10:
            os.kill(os.getpid(), signal.SIGINT)

    with serving(delay_s=0.05) as stub:
        with pytest.raises(KeyboardInterrupt):
            run_prompts([SHORT], items(500), endpoint(stub), store, report=interrupt)
        assert 10 <= len(store) == sum(stub.answered.values()) == stub.calls < 400
        found = run_prompts([SHORT], items(500), endpoint(stub, concurrency=64), store)
        assert stub.calls == 500 and set(found.calls["status"]) == {"answered"}


def test_an_interrupt_does_not_wait_for_an_endpoint_that_hangs(store, monkeypatch):
    monkeypatch.setattr(run, "GRACE_S", 0.2)

    def interrupt(progress):
        if stub.calls:
            raise KeyboardInterrupt

    with serving(delay_s=60) as stub, pytest.raises(KeyboardInterrupt):
        run_prompts([SHORT], items(5), endpoint(stub, timeout_s=300), store, report=interrupt)
    assert len(store) == 0


def test_an_answer_that_cannot_be_kept_ends_the_run(store):
    store._connection.execute("PRAGMA max_page_count = 2")

    async def large(request, before):
        return answer("a" * 100_000)

    with serving(large) as stub:
        with pytest.raises(PromptError, match="full"):
            run_prompts([SHORT], items(100), endpoint(stub, concurrency=2), store)
        assert stub.calls <= 4


CHILD = """
import sys
import pandas as pd
from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import run_prompts
from aiopslab.prompts.store import Store
address, path, count = sys.argv[1:]
numbers = range(int(count))
items = pd.DataFrame({"item": [f"i{each}" for each in numbers], "text": numbers})
prompt = Prompt.of("short", "Short: {{ text }}", max_tokens=5)
found = run_prompts([prompt], items, Endpoint(address, "stub", concurrency=8), Store(path))
print(found.progress.answered, found.progress.reused, flush=True)
"""


def child(stub, path, count):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, stub.address, str(path), str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_run_that_is_killed_resumes_with_no_repeated_call(tmp_path):
    path, count = tmp_path / "calls.db", 120
    with serving(delay_s=0.05) as stub:
        victim = child(stub, path, count)
        while sum(stub.answered.values()) < 40:
            assert victim.poll() is None
            time.sleep(0.005)
        victim.kill()
        victim.communicate()
        time.sleep(0.2)  # until the server has noticed
        where = endpoint(stub, input_price=None, output_price=None)
        with Store(path) as store:
            kept = len(store)
            resumed = run_prompts([SHORT], items(count), where, store)
        answered = sum(stub.answered.values())
        assert resumed.progress.reused == kept >= 40 - 8
        assert count <= answered <= count + 8  # those under way at the kill
        assert all(times <= 2 for times in stub.answered.values())
    with serving() as other, Store(tmp_path / "other.db") as store:
        where = endpoint(other, input_price=None, output_price=None)
        whole = run_prompts([SHORT], items(count), where, store)
    assert_frame_equal(told(resumed.calls), told(whole.calls))


def test_two_processes_on_one_store_ask_each_call_once(tmp_path):
    path, count = tmp_path / "calls.db", 60
    with serving(delay_s=0.05) as stub:
        both = [child(stub, path, count) for _ in range(2)]
        said = [each.communicate()[0].split() for each in both]
        assert [each.returncode for each in both] == [0, 0]
        assert stub.calls == count
    assert sum(int(answered) for answered, _ in said) == count
    assert all(int(answered) + int(reused) == count for answered, reused in said)


def test_no_key_is_in_the_store(tmp_path, monkeypatch):
    key = "sk-very-secret-key-0123456789"
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", key)

    async def echo(request, before):
        return answer(json.dumps(dict(request.headers)))

    with serving(echo) as stub, Store(tmp_path / "calls.db") as store:
        found = run_prompts([SHORT], items(3), endpoint(stub), store)
    assert "Bearer" in found.calls["output"][0] or "…" in found.calls["output"][0]
    for file in tmp_path.iterdir():
        assert key.encode() not in file.read_bytes()
