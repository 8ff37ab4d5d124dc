import multiprocessing
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import ModelError
from aiopslab.models.files import MINILM
from aiopslab.models.minilm import MiniLM
from aiopslab.models.vectors import CHUNK, cached
from tests.models.needed import need


class Letters:
    """Embeds a text as numbers that no other text has, and remembers what it was asked."""

    dimensions = 4

    def __init__(self, name="letters-1"):
        self.name = name
        self.asked = []

    def embed(self, texts):
        self.asked += texts
        seeds = [each.encode("utf-8", "surrogatepass") for each in texts]
        draws = [[random.Random(each).random() for _ in range(4)] for each in seeds]
        return np.array(draws, dtype=np.float32).reshape(len(texts), 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some" / "vectors.db"


texts_of_a_day = st.lists(st.text(max_size=3) | st.sampled_from(["", "\ud800", "🔥"]), max_size=20)


@settings(max_examples=40)
@given(st.lists(texts_of_a_day, max_size=4))
def test_vectors_are_those_of_the_embedder_and_no_text_is_embedded_twice(
    tmp_path_factory, requests
):
    embedder = Letters()
    path = tmp_path_factory.mktemp("cache") / "vectors.db"
    for texts in requests:
        vectors = cached(embedder, path).embed(texts)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, Letters().embed(texts))
    assert sorted(embedder.asked) == sorted({text for texts in requests for text in texts})


def test_vectors_of_minilm_are_its_own_to_the_bit(path):
    need(MINILM)
    minilm = MiniLM()
    texts = ["The pod was killed.", "", "🔥", "\ud800", "The pod was killed."]
    for _ in range(2):
        np.testing.assert_array_equal(cached(minilm, path).embed(texts), minilm.embed(texts))


def test_what_was_cut_is_told_every_time_as_without_the_cache(path):
    need(MINILM)
    minilm, texts = MiniLM(), ["error " * 300, "short", "error " * 300]
    said = []
    for embed in (minilm.embed, cached(minilm, path).embed, cached(minilm, path).embed):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            embed(texts)
        said.append([(str(each.message), each.filename) for each in caught])
    assert len(said[0]) == 1 and said[0] == said[1] == said[2]


def test_embedders_of_other_names_share_nothing(path):
    first, second = Letters("letters-1"), Letters("letters-2")
    for each in (first, second, first, second):
        cached(each, path).embed(["a", "b"])
    assert first.asked == second.asked == ["a", "b"]


def test_progress_counts_distinct_texts_to_their_end(path):
    embedder, seen = Letters(), []
    cached(embedder, path).embed(["0", "1"])
    texts = [str(each) for each in range(3 * CHUNK)] * 2
    cached(embedder, path).embed(texts, lambda *each: seen.append(each))
    total = 3 * CHUNK
    assert seen == [(2, total), (CHUNK + 2, total), (2 * CHUNK + 2, total), (total, total)]


@pytest.mark.parametrize(
    "damage",
    [
        "vector = substr(vector, 1, 8)",
        "vector = zeroblob(16)",
        "vector = vector || x'00000000'",
        "vector = 'not a blob'",
        "checksum = checksum + 1",
        "checksum = 'none'",
    ],
)
def test_a_row_that_is_damaged_is_embedded_anew(path, damage):
    embedder = Letters()
    expected = cached(embedder, path).embed(["a", "b"])
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE vectors SET {damage}")
    connection.close()
    for _ in range(2):
        np.testing.assert_array_equal(cached(embedder, path).embed(["a", "b"]), expected)
    assert embedder.asked == ["a", "b"] * 2


KILLED = """
import sys, time
import numpy as np
from types import SimpleNamespace
from aiopslab.models.vectors import cached
def embed(texts):
    print(len(texts), flush=True)
    time.sleep(0.05)
    return np.array([[len(text), 1] for text in texts], dtype=np.float32)
embedder = SimpleNamespace(name="slow-1", dimensions=2, embed=embed)
cached(embedder, sys.argv[1]).embed([str(each) for each in range(100_000)])
"""


def test_a_process_that_is_killed_loses_a_chunk_at_most(path):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(4):
        assert child.stdout.readline().strip() == str(CHUNK)
    child.send_signal(signal.SIGKILL)
    child.wait()
    begun = 4 * CHUNK + CHUNK * len(child.stdout.read().split())
    child.stdout.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (kept,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    connection.close()
    assert begun - CHUNK <= kept <= begun
    embedder = Letters("slow-1")
    embedder.dimensions = 2
    embedder.embed = lambda texts: np.array([[len(each), 1] for each in texts])
    seen = []
    vectors = cached(embedder, path).embed(
        [str(each) for each in range(kept + 10)], lambda *each: seen.append(each)
    )
    assert seen[0] == (kept, kept + 10)
    assert vectors[:, 0].tolist() == [len(str(each)) for each in range(kept + 10)]


def _embed(path, texts):
    return cached(Letters(), path).embed(texts)


def test_processes_share_a_file_that_none_of_them_made_before(path):
    requests = [[str(each) for each in range(start, start + 300)] for start in (0, 100, 200, 50)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.starmap(_embed, [(path, texts) for texts in requests])
    for texts, vectors in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(vectors, Letters().embed(texts))
    again = Letters()
    cached(again, path).embed([str(each) for each in range(500)])
    assert again.asked == []


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros(4),
        np.zeros((1, 4)),
        np.zeros((2, 3)),
        np.full((2, 4), np.nan),
        np.full((2, 4), 1e300),
    ],
)
def test_what_is_no_vector_a_text_is_told_and_not_kept(path, vectors):
    embedder = Letters()
    embedder.embed = lambda texts: vectors
    with np.errstate(over="ignore"), pytest.raises(ModelError, match="letters-1 embedded 2 texts"):
        cached(embedder, path).embed(["a", "b"])
    seen = []
    cached(Letters(), path).embed(["a", "b"], lambda *each: seen.append(each))
    assert seen[0] == (0, 2)


def test_what_is_wrong_with_an_endpoint_is_not_put_on_the_file(path):
    embedder = Letters()

    def fail(texts):
        raise ConnectionError("no route to host")

    embedder.embed = fail
    with pytest.raises(ConnectionError, match="no route"):
        cached(embedder, path).embed(["a"])


def test_a_file_that_is_none_of_ours_is_told_and_left(tmp_path):
    path = tmp_path / "vectors.db"
    path.write_text("no database, but long enough to be looked at as one" * 100)
    with pytest.raises(ModelError, match="cannot be used as a cache of vectors"):
        cached(Letters(), path).embed(["a"])
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(ModelError, match="something else"):
        cached(Letters(), other).embed(["a"])
    with pytest.raises(ModelError, match="cannot be used"):
        cached(Letters(), path / "below").embed(["a"])


def test_no_texts_and_what_is_no_text(path):
    assert cached(Letters(), path).embed([]).shape == (0, 4)
    with pytest.raises(ModelError, match="text 1 is None"):
        cached(Letters(), path).embed(["a", None])


def test_it_can_be_sent_to_another_process(path):
    sent = pickle.loads(pickle.dumps(cached(Letters(), path)))
    assert (sent.name, sent.dimensions, sent.path) == ("letters-1", 4, path)
