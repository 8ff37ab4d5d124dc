import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from aiopslab.errors import AIOpsLabError, PromptError
from aiopslab.prompts import asking
from aiopslab.prompts.asking import Asker, Refusal
from aiopslab.prompts.endpoint import Endpoint, most_tokens
from aiopslab.prompts.limits import CapReached, Pace, Spending
from aiopslab.prompts.store import Request
from tests.prompts.stub import answer, endpoint, serving

KEY = "sk-very-secret-key-0123456789"
HELLO = Request("stub", ({"role": "user", "content": "hello"},), {"max_tokens": 5})


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Back off for hundredths of the time, and without a key of the developer's."""
    monkeypatch.setattr(asking, "BACKOFF_S", 0.005)
    for name in ("AIOPSLAB_LLM_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def ask(where, request=HELLO, cap=None, spending=None):
    async def asked():
        async with Asker(where, spending or Spending(cap)) as asker:
            return await asker.ask(request)

    return asyncio.run(asked())


def first(*responses):
    """Answer the first times with what is given, and then as it should be."""

    async def behave(request, before):
        return responses[before]() if before < len(responses) else None

    return behave


def always(response):
    async def behave(request, before):
        return response()

    return behave


def json_of(status, **body):
    return lambda: web.json_response(body, status=status)


def text_of(status, body, **headers):
    return lambda: web.Response(text=body, status=status, headers=headers)


BUSY = [
    text_of(429, "slow down", **{"Retry-After": "0"}),
    json_of(500, error={"message": "oops"}),
    text_of(503, "<html>"),
    text_of(200, '{"choices": [{"mess'),
    text_of(200, ""),
    text_of(200, "[" * 100_000),
    json_of(200, error={"message": "upstream"}),
    json_of(200, choices=[]),
    json_of(200, choices=[{"message": {"content": 1}}]),
]


@pytest.mark.parametrize("bad", BUSY)
def test_what_may_pass_is_asked_again(bad):
    with serving(first(bad, bad)) as stub:
        assert ask(endpoint(stub)).output == "HELLO"
        assert stub.calls == 3


@pytest.mark.parametrize("bad", BUSY)
def test_attempts_end(bad):
    with serving(always(bad)) as stub:
        with pytest.raises(Refusal, match="3 attempts"):
            ask(endpoint(stub, attempts=3))
        assert stub.calls == 3


@pytest.mark.parametrize(
    ("bad", "is_final"),
    [
        (json_of(401, error={"message": "bad key"}), True),
        (json_of(404, error={"message": "no such model"}), True),
        (json_of(429, error={"message": "pay", "code": "insufficient_quota"}), True),
        (text_of(429, "tomorrow", **{"Retry-After": "86400"}), True),
        (json_of(400, error={"message": "too long"}), False),
        (json_of(422, detail="no"), False),
    ],
)
def test_what_cannot_pass_is_asked_once(bad, is_final):
    with serving(always(bad)) as stub:
        with pytest.raises(Refusal) as refused:
            ask(endpoint(stub))
        assert stub.calls == 1 and refused.value.is_final is is_final


def test_an_endpoint_that_hangs_or_drips_is_left():
    async def hang(request, before):
        if before:
            return None
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)

    with serving(hang) as stub:
        assert ask(endpoint(stub, timeout_s=0.3)).output == "HELLO"
        assert stub.calls == 2


def test_an_answer_that_breaks_off_is_asked_again():
    async def broken(request, before):
        if not before:
            request.transport.abort()

    with serving(broken) as stub:
        assert ask(endpoint(stub)).output == "HELLO"


def test_an_answer_without_end_is_left(monkeypatch):
    monkeypatch.setattr(asking, "LARGEST", 10_000)
    with serving(always(text_of(200, "a" * 100_000))) as stub:
        with pytest.raises(Refusal, match="MB"):
            ask(endpoint(stub))
        assert stub.calls == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_by_all(form):
    async def behave(request, before):
        if stub.calls == 1:
            until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return text_of(429, "", **{"Retry-After": "1" if form == "seconds" else until})()

    async def both(where):
        async with Asker(where, Spending(None)) as asker:
            first = asyncio.create_task(asker.ask(HELLO))
            while asker._not_before == 0:
                await asyncio.sleep(0.01)
            other = Request("stub", ({"role": "user", "content": "other"},), {})
            await asyncio.gather(first, asker.ask(other))

    with serving(behave) as stub:
        asyncio.run(both(endpoint(stub)))
        refused, *others = stub.starts
        assert len(others) == 2 and all(each - refused >= 0.9 for each in others)


def test_nobody_there_is_told_at_once():
    where = Endpoint("http://127.0.0.1:9/v1", "m")
    with pytest.raises(Refusal, match="cannot be reached") as refused:
        ask(where)
    assert refused.value.is_final


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (None, ""),
        ("", ""),
        ("👩‍🚀 שלום \u202e", "👩‍🚀 שלום \u202e"),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_outputs_are_taken_as_they_are(content, output):
    with serving(always(lambda: answer(content))) as stub:
        assert ask(endpoint(stub)).output == output


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "9"}, {"prompt_tokens": 2**70}, 1])
def test_what_is_not_counted_is_unknown(usage):
    choice = {"message": {"content": "a"}}
    with serving(always(json_of(200, choices=[choice], usage=usage))) as stub:
        if usage == 1:
            with pytest.raises(Refusal):
                ask(endpoint(stub, attempts=1))
            return
        told = ask(endpoint(stub))
        assert told.input_tokens is None and told.cost_usd is None


def test_the_key_is_sent_and_shown_nowhere(monkeypatch, caplog):
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", KEY)
    caplog.set_level(logging.DEBUG)
    told = [
        json_of(401, error={"message": "x" * 290 + KEY}),
        text_of(200, f"no JSON {KEY}"),
        lambda: answer(f"your key is {KEY}"),
    ]
    said = []
    for each in told:
        with serving(always(each)) as stub:
            try:
                said.append(repr(ask(endpoint(stub, attempts=1))))
            except Refusal as refusal:
                said.append(str(refusal))
            assert stub.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert len(said) == 3
    for text in (*said, caplog.text):
        assert "sk-very" not in text


def test_a_word_that_stands_for_no_key_is_not_cut_out_of_outputs(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", "none")
    with serving(always(lambda: answer("none of it"))) as stub:
        assert ask(endpoint(stub)).output == "none of it"


def test_a_redirect_is_not_followed(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", KEY)
    with serving() as other:
        target = f"{other.address}/chat/completions"
        with serving(always(text_of(307, "", Location=target))) as stub:
            with pytest.raises(Refusal, match="redirect") as refused:
                ask(endpoint(stub))
            assert refused.value.is_final
        assert other.calls == 0


def test_openais_key_goes_to_the_host_it_is_meant_for_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving() as stub:
        ask(endpoint(stub))
        monkeypatch.setenv("OPENAI_BASE_URL", stub.address)
        ask(endpoint(stub))
        ask(endpoint(stub, key_prefix=None))
        keys = [each.get("Authorization") for each in stub.headers]
    assert keys == [None, f"Bearer {KEY}", None]
    assert Endpoint("https://api.openai.com/v1", "m").credentials().headers == {}
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert Endpoint("https://api.openai.com/v1", "m").credentials().headers
    assert not Endpoint("https://api.openai.com.evil.org/v1", "m").credentials().headers
    assert not Endpoint("http://api.openai.com/v1", "m").credentials().headers


def test_two_endpoints_have_keys_of_their_own(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_JUDGE_TOKEN", KEY)
    with serving() as stub:
        ask(endpoint(stub, key_prefix="AIOPSLAB_JUDGE"))
        ask(endpoint(stub))
        assert [each.get("Authorization") for each in stub.headers] == [f"Bearer {KEY}", None]


@pytest.mark.parametrize(
    "told",
    [
        {"base_url": "host/v1"},
        {"base_url": "file:///etc/passwd"},
        {"base_url": "http://"},
        {"base_url": "http://[::1/v1"},
        {"base_url": "http://me:pw@host/v1"},
        {"base_url": "http://host/v1?key=1"},
        {"concurrency": 0},
        {"timeout_s": float("nan")},
        {"requests_per_minute": 0},
        {"input_price": -1},
    ],
)
def test_what_is_no_endpoint_is_refused(told):
    with pytest.raises(PromptError) as error:
        Endpoint(**{"base_url": "http://host/v1", "model": "m", **told})
    assert "pw" not in str(error.value)


def test_a_key_that_cannot_be_sent_is_refused(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", "schlüssel\n2")
    with serving() as stub, pytest.raises(AIOpsLabError) as error:
        ask(endpoint(stub))
    assert "schl" not in str(error.value)


def test_a_bound_of_tokens_holds_for_text_of_any_script():
    told = Request("m", ({"role": "user", "content": "👩‍🚀" * 100},), {"max_tokens": 7})
    size, out = most_tokens(told)
    assert size >= len(("👩‍🚀" * 100).encode()) and out == 7
    assert most_tokens(Request("m", told.messages, {}))[1] == float("inf")


def test_free_tokens_cost_nothing_however_many():
    free = Endpoint("http://host/v1", "m", input_price=0, output_price=0)
    assert free.most_cost(Request("m", HELLO.messages, {})) == 0
    assert Endpoint("http://host/v1", "m").most_cost(HELLO) == float("inf")


def test_a_cap_counts_what_may_have_been_paid_for_without_an_answer():
    where = {"attempts": 3, "timeout_s": 10}
    for bad, is_paid in ((BUSY[3], True), (BUSY[0], False)):
        with serving(always(bad)) as stub:
            spending = Spending(1.0)
            with pytest.raises(Refusal):
                ask(endpoint(stub, **where), spending=spending)
            most = endpoint(stub).most_cost(HELLO)
            assert spending.spent == pytest.approx(3 * most if is_paid else 0)
            with pytest.raises(CapReached if is_paid else Refusal):
                ask(endpoint(stub, **where), cap=1.5 * most)
            assert stub.calls == (4 if is_paid else 6)


def test_an_answer_without_counts_is_taken_for_the_dearest():
    bare = json_of(200, choices=[{"message": {"content": "a"}}])
    with serving(always(bare)) as stub:
        spending = Spending(1.0)
        ask(endpoint(stub), spending=spending)
        assert spending.spent == pytest.approx(endpoint(stub).most_cost(HELLO))


def test_a_reservation_waits_for_what_is_under_way():
    async def two():
        spending = Spending(1.0)
        await spending.reserve(0.7)
        waiting = asyncio.create_task(spending.reserve(0.7))
        await asyncio.sleep(0)
        assert not waiting.done()
        spending.settle(0.7, 0.1)
        await waiting
        spending.settle(0.7, 0.7)
        with pytest.raises(CapReached):
            await spending.reserve(0.7)
        return spending.spent

    assert asyncio.run(two()) == pytest.approx(0.8)


def test_no_minute_holds_more_than_the_rate():
    pace, now, starts = Pace(30), 0.0, []
    for number in range(200):
        now += 0.1 if number % 3 else 5.0  # in clumps
        starts.append(now + pace.delay(1, now))
    assert starts == sorted(starts)
    for start in starts:
        assert sum(start <= each < start + 60 - 1e-6 for each in starts) <= 30


def test_a_pace_takes_large_amounts_and_what_they_came_to():
    pace = Pace(60)
    assert pace.delay(600, 0.0) == 0
    assert pace.delay(1, 0.0) == 600
    pace.correct(-301)
    assert pace.delay(1, 0.0) == 300


@pytest.mark.parametrize("limit", [{"requests_per_minute": 600}, {"tokens_per_minute": 60_000}])
def test_an_endpoint_is_asked_at_its_pace(limit):
    asked = [Request("stub", ({"role": "user", "content": each * 400},), {}) for each in "abcd"]

    async def several(where):
        async with Asker(where, Spending(None)) as asker:
            await asyncio.gather(*map(asker.ask, asked))

    with serving() as stub:
        asyncio.run(several(endpoint(stub, **limit)))
        assert stub.calls == 4
        assert stub.starts[-1] - stub.starts[0] >= 0.25  # three gaps of a tenth
