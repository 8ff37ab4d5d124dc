"""Adapters: what other libraries embed with, kept and looked at like our own."""

import warnings

import numpy as np
import pytest
from chromadb.api.types import EmbeddingFunction
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ModelError
from aiopslab.models.adapters import Adapted, from_chroma, from_sentence_transformers
from aiopslab.models.vectors import cached
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.retriever import Retriever

CORPUS = Corpus.of_texts({"b.md": "bbb bbb", "a.md": "aaa aaa", "c.md": "ccc ccc"})


def letters(texts):
    return [[float(text.count(letter)) for letter in "abc"] for text in texts]


class Letters(EmbeddingFunction):
    """As chromadb has them: it checks and converts what ``__call__`` returns."""

    def __init__(self):
        self.asked = []

    def __call__(self, input):
        self.asked += input
        return letters(input)


class Encoder:
    """What is used of a sentence transformer."""

    def __init__(self, dimension):
        self.dimension = dimension

    def encode(self, texts):
        return np.array(letters(texts), dtype=np.float16)

    def get_sentence_embedding_dimension(self):
        return self.dimension


@pytest.mark.parametrize(
    "embedder",
    [
        from_chroma(Letters(), "letters-1"),
        from_sentence_transformers(Encoder(3), "letters-2"),
        from_sentence_transformers(Encoder(None), "letters-3"),
    ],
    ids=lambda each: each.name,
)
def test_a_model_of_another_library_searches(embedder, tmp_path):
    assert embedder.dimensions == 3
    assert embedder.embed(["abba", "c"]).tolist() == [[2, 2, 0], [0, 0, 1]]
    assert embedder.embed(["a"]).dtype == np.float32 and embedder.embed([]).shape == (0, 3)
    for each in (embedder, cached(embedder, tmp_path / "vectors.db")):
        retriever = Retriever(CORPUS, {"own": each})
        hits = retriever.search("aab", Configuration(search="dense", embedder="own", k=2))
        assert hits["document"].tolist() == ["a.md", "b.md"]


def test_a_function_of_chroma_is_asked_once_for_each_text(tmp_path):
    function = Letters()
    embed = cached(from_chroma(function, "letters-1"), tmp_path / "vectors.db").embed
    first = embed(["a", "b", "a"])
    again = embed(["b", "a"])
    assert np.array_equal(again, first[[1, 0]])
    assert function.asked.count("a") == function.asked.count("b") == 1


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([[1.0, 2.0]], r"\(1, 2\)"),
        ([[1.0], [2.0], [3.0]], r"\(3, 1\)"),
        ([1.0, 2.0], r"\(2,\)"),
        ([[], []], r"\(2, 0\)"),
        ([[1.0, 2.0], [3.0]], "no table of numbers"),
        ([["a", "b"], ["c", "d"]], "no table of numbers"),
        ([[1.0, None], [1.0, 2.0]], "not all finite"),
        ([[1.0, float("inf")], [1.0, 2.0]], "not all finite"),
        (None, r"\(\)"),
    ],
)
def test_what_is_not_one_vector_a_text_is_an_error(told, wrong):
    with warnings.catch_warnings(), pytest.raises(ModelError, match=wrong) as error:
        warnings.simplefilter("error")
        Adapted("model-7", lambda texts: told).embed(["one", "two"])
    assert "model-7 embedded 2 texts" in str(error.value)


def test_a_size_that_is_not_as_said_or_changes_is_an_error():
    with pytest.raises(ModelError, match="expected a vector of 4 numbers"):
        from_sentence_transformers(Encoder(4), "letters").embed(["a"])
    growing = Adapted("growing", lambda texts: [[1.0] * len(texts[0])] * len(texts))
    growing.embed(["abc"])
    with pytest.raises(ModelError, match="of 3 numbers"):
        growing.embed(["abcd"])


@pytest.mark.parametrize("name", ["", "  "])
def test_vectors_are_never_kept_under_no_name(name):
    with pytest.raises(ModelError, match="no name"):
        from_chroma(letters, name)


@given(st.lists(st.text("abc"), max_size=5))
def test_one_text_alone_has_the_vector_that_it_has_among_others(texts):
    embedder = Adapted("letters", letters)
    alone = [embedder.embed([text])[0] for text in texts]
    assert np.array_equal(embedder.embed(texts), np.reshape(alone, (len(texts), 3)))


def test_one_text_is_no_list_of_texts():
    with pytest.raises(ModelError, match="one text"):
        Adapted("letters", letters).embed("abc")
