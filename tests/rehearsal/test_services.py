import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.services import gateway
from aiopslab.rehearsal.services.app import DownstreamError, Service, Settings
from aiopslab.rehearsal.services.auth import sign, verified
from aiopslab.rehearsal.services.classifier import Classifier, mislabelled
from aiopslab.rehearsal.services.database import Pool, PoolExhausted, hold_connections
from aiopslab.rehearsal.services.llm import (
    _READ_AT_MOST,
    MINI,
    USUAL,
    Model,
    costly,
    extract,
    lean,
    tokens,
)
from aiopslab.rehearsal.services.retriever import Index
from aiopslab.rehearsal.services.throttle import Throttle


def test_settings_survive_the_way_to_the_process(tmp_path):
    settings = Settings("auth", {"auth": 1}, tmp_path, seed=3, effects=("deploy",))
    assert Settings.from_json(settings.to_json()) == settings


@given(st.from_regex(r"u-[0-9]{2}", fullmatch=True), st.integers(1, 2**40), st.integers(0, 2**40))
def test_a_token_is_good_until_it_expires(user, expires, now):
    assert verified(sign(user, expires), now) == (user if expires > now else None)


@pytest.mark.parametrize("token", ["", "x", "u-01.99", "u-01.9999999999.0", "ü.9.9"])
def test_a_forged_token_is_refused(token):
    assert verified(token, now=0) is None


@given(st.lists(st.sampled_from("abcdef"), min_size=2), st.integers(0, 99))
def test_a_botched_annotation_keeps_how_often_each_label_occurs(topics, seed):
    assert Counter(mislabelled(topics, seed)) == Counter(topics)


@given(st.text(), st.text(), st.integers(1, 5))
def test_an_answer_is_made_of_sentences_of_the_context(question, context, sentences):
    answer = extract(question, context, sentences)
    assert set(tokens(answer)) <= set(tokens(context))


def test_the_costly_prompt_is_ten_times_as_long():
    assert len(tokens(costly().text)) > 10 * len(tokens(lean().text))
    assert costly().version != lean().version


def test_the_pool_lends_no_more_than_it_has(tmp_path):
    async def use():
        pool = Pool(tmp_path / "x.db", size=2)
        async with pool.connection(), pool.connection():
            assert pool.used == 2
            with pytest.raises(PoolExhausted, match=r"0\.01 s"):
                async with pool.connection(patience_s=0.01):
                    pass
            assert pool.pending == 0
        assert pool.used == 0

    asyncio.run(use())


def test_sessions_that_hold_connections_make_others_wait(tmp_path):
    async def use():
        pool = Pool(tmp_path / "x.db", size=3)
        clock = asyncio.get_running_loop().time
        async with hold_connections(pool):
            await asyncio.sleep(0.01)
            assert (pool.used, pool.pending) == (3, 6)
            began = clock()
            async with pool.connection(patience_s=60):  # however slow the machine
                waited = clock() - began
        assert pool.used == 0
        return waited

    assert asyncio.run(use()) > 0.3


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 60)), max_size=40))
def test_no_window_holds_more_than_the_throttle_admits(asked):
    throttle, now, admitted = Throttle(tokens=100, seconds=10), 0.0, []
    for pause, count in asked:
        now += pause
        if throttle.admits(now, count):
            admitted.append((now, count))
        else:  # it refuses only what would be too much
            assert sum(each for time, each in admitted if time > now - 10) + count > 100
        assert sum(each for time, each in admitted if time > now - 10) <= 100


@pytest.fixture
def model(tmp_path):
    return Model(Service(Settings("llm", {}, tmp_path)))


def test_a_long_prompt_is_throttled_and_a_lean_one_is_not(model):
    async def ask(times):
        return [
            await model.complete("When is payday?", "Payday is the 25th.") for _ in range(times)
        ]

    async def surge():
        lean = await ask(3)
        async with model.costly():
            long = await ask(_READ_AT_MOST // len(tokens(costly().text)) + 1)
        return lean, long

    lean, long = asyncio.run(surge())
    assert all(each.answer == "Payday is the 25th." for each in lean)
    assert [each is None for each in long] == [False] * (len(long) - 1) + [True]
    assert long[0].cost_usd > 5 * lean[0].cost_usd


def test_the_cheaper_model_costs_less_and_forgets_the_beginning(model):
    context = "Payday is the 25th. " + "Lunch is at noon. " * 60

    async def ask():
        before = await model.complete("When is payday?", context)
        async with model.cheaper():
            return before, await model.complete("When is payday?", context)

    before, cheaper = asyncio.run(ask())
    assert "Payday is the 25th." in before.answer
    assert "Payday" not in cheaper.answer
    assert cheaper.model != before.model
    assert cheaper.cost_usd < before.cost_usd / 3


def answered_by(handler, tmp_path, monkeypatch):
    """Return what the gateway gets where a language model answers as a handler does."""

    async def ask():
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        service = Service(Settings("gateway", {"llm": port}, tmp_path))
        try:
            return await gateway._completion(service, "When is payday?", "Payday is the 25th.")
        finally:
            server.close()

    (tmp_path / "spans").mkdir()
    monkeypatch.setattr(gateway, "_LLM_TIMEOUT_S", 0.3)
    return asyncio.run(ask())


def test_who_waits_too_long_for_the_model_falls_back_to_a_dearer_one(tmp_path, monkeypatch):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    answer = answered_by(silent, tmp_path, monkeypatch)
    assert answer["choices"][0]["message"]["content"] == "Payday is the 25th."
    assert answer["model"] == "hosted-1"
    usage = answer["usage"]
    usual = USUAL.cost_usd(usage["prompt_tokens"], usage["completion_tokens"])
    assert usage["cost_usd"] == pytest.approx(10 * usual)


@pytest.mark.parametrize("status", [429, 500])
def test_who_is_refused_by_the_model_does_not_fall_back(status, tmp_path, monkeypatch):
    async def refusing(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        writer.close()

    with pytest.raises(DownstreamError, match=str(status)):
        answered_by(refusing, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(seed=7)


@pytest.fixture(scope="module")
def index(classifier, tmp_path_factory):
    return Index(str(tmp_path_factory.mktemp("chroma")), classifier._embedding)


def answered(classifier, index, asked, weights=USUAL):
    """Return how many questions get an answer that says something of their document."""
    right = 0
    for each in asked:
        topic, _, _ = classifier.predict(each.text)
        vector = classifier._embedding.encode([each.text])[0].tolist()
        found = [corpus.document(name).text for name, _ in index.nearest(vector, topic, 4)]
        context = weights.remembered("\n".join(found))
        right += corpus.answers(extract(each.text, context, lean().sentences), each.document)
    return right / len(asked)


def test_hard_questions_and_the_cheaper_model_really_get_worse_answers(classifier, index):
    usual, hard = corpus.questions(), corpus.hard_questions()
    good = answered(classifier, index, usual)
    assert good > 0.85
    assert answered(classifier, index, hard) < good - 0.3
    assert answered(classifier, index, usual, MINI) < good - 0.2
    # They are hard to answer, not hard to route: nothing is wrong with the classifier.
    assert accuracy(classifier, hard) > 0.8


def accuracy(classifier, asked=None):
    asked = asked or corpus.questions()
    return sum(classifier.predict(each.text)[0] == each.topic for each in asked) / len(asked)


def found(classifier, index):
    """Return how often the right document is among the four nearest."""
    asked = corpus.questions()
    vectors = classifier._embedding.encode([each.text for each in asked])
    hits = [
        each.document in dict(index.nearest(vector.tolist(), None, 4))
        for each, vector in zip(asked, vectors, strict=True)
    ]
    return sum(hits) / len(hits)


def test_the_assistant_is_good_at_its_work(classifier, index):
    assert accuracy(classifier) > 0.8
    assert found(classifier, index) > 0.9


def test_shuffled_labels_really_make_a_worse_classifier(classifier):
    good = accuracy(classifier)

    async def degrade():
        async with classifier.degraded():
            return accuracy(classifier)

    assert asyncio.run(degrade()) < good - 0.2
    assert accuracy(classifier) == good


def test_an_old_snapshot_really_misses_documents(classifier, index):
    written = index.written

    async def spoil():
        async with index.stale():
            index.write(["hr-01"], ["hr"], [[1.0] + [0.0] * 47])
            return found(classifier, index), index.written

    worse, written_then = asyncio.run(spoil())
    assert worse < 0.6
    assert written_then == written, "what is written is not served"
