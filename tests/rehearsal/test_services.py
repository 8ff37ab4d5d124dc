import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.services.app import Settings
from aiopslab.rehearsal.services.auth import sign, verified
from aiopslab.rehearsal.services.classifier import Classifier, mislabelled
from aiopslab.rehearsal.services.database import Pool, PoolExhausted, hold_connections
from aiopslab.rehearsal.services.llm import costly, extract, lean, tokens
from aiopslab.rehearsal.services.retriever import Index


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


@pytest.fixture(scope="module")
def classifier():
    return Classifier(seed=7)


@pytest.fixture(scope="module")
def index(classifier, tmp_path_factory):
    return Index(str(tmp_path_factory.mktemp("chroma")), classifier._embedding)


def accuracy(classifier):
    asked = corpus.questions()
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
