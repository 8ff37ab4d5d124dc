"""Embedders behind an endpoint: what is sent where, and every way in which an answer fails."""

import asyncio
import json
import pickle

import numpy as np
import pytest
from aiohttp import web

from aiopslab.errors import AIOpsLabError, ModelError, SourceError
from aiopslab.models.files import SMOLLM2
from aiopslab.models.vectors import cached
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.embedders import CHARACTERS, EndpointEmbedder
from aiopslab.retrieval.retriever import Retriever
from tests.models.needed import need
from tests.retrieval.embeddings import answer, serving, serving_model, vector

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for each in ("AIOPSLAB_EMBEDDINGS_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(each, raising=False)


def embedder(stub, **more):
    return EndpointEmbedder(stub.address, "stub", **{"attempts": 2, "timeout_s": 10, **more})


def test_vectors_are_those_of_their_texts_in_batches_of_a_bounded_size():
    texts = ["ab", "", "a" * (CHARACTERS - 1), *(letter * 3 for letter in "abcdefgh"), "b" * 9]
    with serving() as stub:
        vectors = embedder(stub, batch=4).embed(texts)
        assert vectors.dtype == np.float32
        assert vectors.tolist() == [vector(text) for text in texts]
        assert stub.texts == texts  # each once
        sizes = [(len(body["input"]), len("".join(body["input"]))) for body in stub.asked]
        assert [size for size, _ in sizes] == [2, 1, 4, 4, 1]
        assert max(length for _, length in sizes) <= CHARACTERS
        assert all("dimensions" not in body for body in stub.asked)


def test_dimensions_are_found_by_one_call_or_asked_for(tmp_path):
    with serving() as stub:
        found = embedder(stub)
        assert found.dimensions == found.dimensions == 3 and len(stub.asked) == 1
        shortened = embedder(stub, dimensions=2)
        assert shortened.dimensions == 2 and len(stub.asked) == 1
        assert shortened.embed(["ab"]).tolist() == [[1, 1]] and stub.asked[-1]["dimensions"] == 2
        # In one cache neither takes the vectors of the other.
        for each, size in ((found, 3), (shortened, 2), (found, 3)):
            kept = cached(each, tmp_path / "vectors.db").embed(["cab"])
            assert kept.tolist() == [vector("cab", size)]
        assert stub.texts.count("cab") == 2


def test_it_searches_and_asks_for_each_text_once(tmp_path):
    corpus = Corpus.of_texts({"b.md": "bbb bbb", "a.md": "aaa aaa"})
    wanted = Configuration(search="dense", embedder="own", k=2)
    with serving() as stub:
        for _ in range(2):
            kept = cached(embedder(stub), tmp_path / "vectors.db")
            hits = Retriever(corpus, {"own": kept}).search("aab", wanted)
            assert hits["document"].tolist() == ["a.md", "b.md"]
        assert {stub.texts.count(each) for each in ("aaa aaa", "bbb bbb", "aab")} == {1}


def test_the_name_tells_endpoints_models_and_sizes_apart():
    told = [
        ("http://one/v1", "m", None),
        ("http://two/v1", "m", None),
        ("https://one/v1", "m", None),
        ("http://one:81/v1", "m", None),
        ("http://one/v1", "n", None),
        ("http://one/v1", "m", 64),
    ]
    assert len({EndpointEmbedder(*each).name for each in told}) == len(told)
    assert EndpointEmbedder("http://one/v1/", "m").name == EndpointEmbedder(*told[0]).name


def test_it_can_be_sent_to_another_process_without_its_key(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_EMBEDDINGS_TOKEN", "s3cret")
    with serving() as stub:
        first = embedder(stub)
        first.embed(["a"])
        assert b"s3cret" not in pickle.dumps(first) and "s3cret" not in repr(first)
        again = pickle.loads(pickle.dumps(first))
        assert again.name == first.name and again.embed(["ab"]).tolist() == [[1, 1, 0]]


def key_sent(stub):
    embedder(stub).embed(["a"])
    return stub.headers[-1].get("Authorization")


def test_a_key_is_sent_only_to_whom_it_is_for(monkeypatch):
    with serving() as stub:
        monkeypatch.setenv("OPENAI_API_KEY", "theirs")
        assert key_sent(stub) is None
        monkeypatch.setenv("OPENAI_BASE_URL", stub.address.replace("127.0.0.1", "localhost"))
        assert key_sent(stub) is None
        monkeypatch.setenv("OPENAI_BASE_URL", f"{stub.address}/")
        assert key_sent(stub) == "Bearer theirs"
        monkeypatch.setenv("AIOPSLAB_EMBEDDINGS_TOKEN", "ours")
        assert key_sent(stub) == "Bearer ours"


def test_a_key_that_cannot_be_sent_is_told_without_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "th\neirs")
    with serving() as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.address)
        with pytest.raises(ModelError, match="OPENAI_API_KEY") as error:
            embedder(stub).embed(["a"])
        assert "eirs" not in str(error.value) and not stub.asked


def test_a_key_that_is_refused_is_told_once_and_without_it(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_EMBEDDINGS_TOKEN", "s3cret")

    async def refuse(request, call):
        return web.json_response({"error": {"message": "bad key s3cret"}}, status=401)

    with serving(refuse) as stub:
        with pytest.raises(SourceError, match="401 Unauthorized, bad key …") as error:
            embedder(stub).embed(["a"])
        assert "Set AIOPSLAB_EMBEDDINGS_TOKEN" in str(error.value)
        assert "s3cret" not in str(error.value) and len(stub.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_what_is_refused_is_told_in_the_words_of_the_endpoint(status):
    async def refuse(request, call):
        return web.json_response({"error": {"message": "no model stub"}}, status=status)

    with serving(refuse) as stub:
        with pytest.raises(ModelError, match=f"{status} .*no model stub") as error:
            embedder(stub).embed(["a"])
        assert "model" in error.value.remedy and len(stub.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_or_failing_endpoint_is_asked_again(status):
    async def fail_once(request, call):
        return web.Response(status=status) if call == 1 else None

    with serving(fail_once) as stub:
        assert embedder(stub).embed(["ab"]).tolist() == [[1, 1, 0]]
        assert len(stub.asked) == 2


def test_what_retry_after_asks_for_is_waited():
    async def busy(request, call):
        return web.Response(status=429, headers={"Retry-After": "2"}) if call == 1 else None

    with serving(busy) as stub:
        embedder(stub).embed(["a"])
        # Without it the second attempt comes after one second at most.
        assert stub.starts[1] - stub.starts[0] >= 2


def test_a_wait_that_is_too_long_is_told_instead():
    async def busy(request, call):
        return web.Response(status=429, headers={"Retry-After": "3600"})

    with serving(busy) as stub:
        with pytest.raises(SourceError, match="asks to wait 3600 s"):
            embedder(stub).embed(["a"])
        assert len(stub.asked) == 1


def test_an_endpoint_that_keeps_failing_is_given_up():
    async def fail(request, call):
        return web.json_response({"error": {"message": "out of memory"}}, status=500)

    with serving(fail) as stub:
        with pytest.raises(SourceError, match=r"2 attempts: 500 .*out of memory"):
            embedder(stub).embed(["a"])
        assert len(stub.asked) == 2


def test_a_hanging_endpoint_is_asked_again_and_given_up():
    async def hang(request, call):
        await asyncio.sleep(60)

    with serving(hang) as stub:
        with pytest.raises(SourceError, match=r"2 attempts: no answer within 0\.3 s"):
            embedder(stub, timeout_s=0.3).embed(["a"])
        assert len(stub.asked) == 2


def test_an_answer_that_breaks_off_is_asked_for_again():
    async def break_off(request, call):
        if call > 1:
            return None
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"data": [{"index": 0, "embe')
        request.transport.close()
        return response

    with serving(break_off) as stub:
        assert embedder(stub).embed(["ab"]).tolist() == [[1, 1, 0]]
        assert len(stub.asked) == 2


@pytest.mark.parametrize(
    "text",
    ['{"data": [{"index": 0, "embe', "<html>Log in</html>", "[]", "{}", '{"data": 7}'],
)
def test_what_is_no_whole_answer_is_an_error(text):
    async def other(request, call):
        return web.Response(text=text, content_type="application/json")

    with serving(other) as stub, pytest.raises(SourceError, match="not as an OpenAI API"):
        embedder(stub).embed(["a"])


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda data: data[1:], "2 vectors of 3 texts"),
        (lambda data: [*data, data[0]], "4 vectors of 3 texts"),
        (lambda data: [{**each, "index": 0} for each in data], "not in their order"),
        (lambda data: [{**data[0], "embedding": [1.0]}, *data[1:]], "no table of numbers"),
        (lambda data: [{**each, "embedding": "AAAA"} for each in data], "no table of numbers"),
        (lambda data: [{**each, "embedding": [None] * 3} for each in data], "not all finite"),
        (lambda data: [{**each, "embedding": [1, 2]} for each in data], "of 3 numbers"),
    ],
)
def test_a_wrong_count_or_shape_is_an_error(change, wrong):
    async def spoil(request, call):
        return answer(json.loads(await request.text()), change) if call > 1 else None

    with serving(spoil) as stub:
        spoiled = embedder(stub)
        assert spoiled.dimensions == 3
        with pytest.raises(ModelError, match=wrong) as error:
            spoiled.embed(["a", "b", "c"])
        assert spoiled.name in str(error.value)


def test_half_a_character_is_sent_as_what_can_be_sent():
    with serving() as stub:
        assert embedder(stub).embed(["a\ud800b"]).tolist() == [[1, 1, 0]]
        assert stub.texts == ["a?b"]


def test_nobody_there_is_told():
    with serving() as stub:
        pass
    with pytest.raises(SourceError, match="did not answer in 2 attempts"):
        embedder(stub).embed(["a"])


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("https://user:s3cret@host/v1", {}),
        ("https://host/v1?key=s3cret", {}),
        ("https://host/v1#s3cret", {}),
        ("ftp://host/v1", {}),
        ("host/v1", {}),
        ("http://[half/v1", {}),
        ("http://host/v1", {"batch": 0}),
        ("http://host/v1", {"timeout_s": 0}),
        ("http://host/v1", {"attempts": 0}),
        ("http://host/v1", {"dimensions": 0}),
    ],
)
def test_what_is_no_endpoint_is_told_and_no_password_repeated(address, more):
    with pytest.raises(AIOpsLabError) as error:
        EndpointEmbedder(address, "m", **more)
    assert error.value.remedy and "s3cret" not in str(error.value)


def test_a_real_server_of_a_real_model_is_understood():
    need(SMOLLM2)
    texts = [f"Queue {place} is full of messages." for place in range(33)]
    with serving_model(SMOLLM2.files[0].path) as address:
        model = EndpointEmbedder(address, "smollm2", attempts=1)
        vectors = model.embed(texts)
        assert model.dimensions == 576 and vectors.shape == (33, 576)
        # Each is its own text's, in a batch as alone.
        alone = np.concatenate([model.embed([texts[place]]) for place in (0, 31, 32)])
        assert np.allclose(vectors[[0, 31, 32]], alone, atol=1e-3)
        assert len(np.unique(vectors.round(4), axis=0)) == 33
        with pytest.raises(ModelError, match=r"400 .*empty"):
            model.embed([""])
        with pytest.raises((ModelError, SourceError), match=r"too large|exceed|tokens"):
            model.embed(["word " * 3_000])
