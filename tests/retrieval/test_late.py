"""Late pooling: against a mean over the same states that is written out, and against MiniLM."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.models.files import MINILM
from aiopslab.models.minilm import MiniLM, TokenStates
from aiopslab.retrieval import late
from aiopslab.retrieval.chunking import Fixed, Recursive
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.tokens import Words
from tests.models.needed import need


class Drawn:
    """Reads each letter that is no space as a token, of which the state is drawn."""

    name, dimensions = "drawn-1", 16

    def __init__(self, part=50):
        self.part, self.read = part, []

    def states(self, text):
        seed = np.random.default_rng(len(text))
        # Far from the origin, as states are: their sums grow with the document.
        return (seed.normal(size=(len(text), 16)) + 3).astype(np.float32)

    def token_states(self, texts):
        for place, text in enumerate(texts):
            self.read.append(text)
            at = np.array([at for at, each in enumerate(text) if each != " "], dtype=np.int64)
            spans, states = np.column_stack([at, at + 1]), self.states(text)[at]
            for first in range(0, max(len(at), 1), self.part):
                part = slice(first, first + self.part)
                yield TokenStates(place, spans[part], states[part])

    def embed(self, texts):
        return np.tile(np.eye(1, 16, dtype=np.float32), (len(texts), 1))


def spans(*rows):
    return pd.DataFrame(rows, columns=["document", "start", "end"])


@settings(max_examples=40)
@given(st.data(), st.sampled_from([0, 1, 63, 64, 65, 128, 5000]), st.sampled_from([1, 64, 127]))
def test_pooling_is_the_mean_over_the_tokens_of_a_chunk(data, length, part):
    text = "".join(" " if at % 11 == 5 else "x" for at in range(length))
    model = Drawn(part if length < 1000 else 127)
    encoded = late.encode(Corpus.of_texts({"a": text + "_", "b": "something else"}), model)
    bounds = st.lists(st.integers(0, length), min_size=2, max_size=2).map(sorted)
    drawn = [*data.draw(st.lists(bounds, max_size=20)), [max(length - 3, 0), length], [0, length]]
    vectors = encoded.vectors(spans(*(("a", *each) for each in drawn), ("b", 0, 1)))
    states = model.states(text + "_").astype(np.float64)
    for (start, end), vector in zip(drawn, vectors, strict=False):
        within = [at for at in range(start, end) if text[at] != " "]
        mean = states[within].mean(axis=0) if within else np.eye(1, 16)[0]
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=0, atol=1e-6)
    assert vectors.dtype == np.float32 and np.linalg.norm(vectors[-1]) == pytest.approx(1)


def test_a_token_that_is_cut_belongs_to_both_parts():
    states = np.eye(3, 16, dtype=np.float32)
    read = [TokenStates(0, np.array([[0, 4], [4, 4], [5, 9]]), states)]
    model = SimpleNamespace(name="m", dimensions=16, token_states=lambda texts: read)
    encoded = late.encode(Corpus.of_texts({"a": "disk full"}), model)
    found = encoded.vectors(spans(("a", 0, 2), ("a", 2, 4), ("a", 3, 6))) > 0
    assert found[:, :3].tolist() == [[True, False, False], [True, False, False], [True] * 3]


def test_chunks_of_any_strategy_are_pooled_whatever_their_order_and_company(monkeypatch):
    corpus = Corpus.of_texts({f"{each}.md": "words and spaces " * each for each in (9, 40, 3)})
    encoded = late.encode(corpus, Drawn())
    chunks = Fixed(7, 3, tokens=Words()).chunks(corpus)
    together = encoded.vectors(chunks)
    order = np.random.default_rng(0).permutation(len(chunks))
    np.testing.assert_array_equal(encoded.vectors(chunks.iloc[order]), together[order])
    monkeypatch.setattr(late, "POOLED", 2)
    np.testing.assert_array_equal(encoded.vectors(chunks), together)
    assert encoded.vectors(chunks[:0]).shape == (0, 16)


def test_each_text_is_read_once_whatever_its_documents_and_kept_by_its_content(tmp_path):
    texts = {"a": "the disk is full", "b": "the disk is full", "c": "no text left"}
    chunks = spans(("a", 4, 8), ("b", 4, 8), ("c", 0, 2))
    first, second, other = Drawn(), Drawn(), Drawn()
    vectors = late.encode(Corpus.of_texts(texts), first, cache=tmp_path / "sums").vectors(chunks)
    assert first.read == ["the disk is full", "no text left"]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    changed = Corpus.of_texts({**texts, "c": "new text"})
    again = late.encode(changed, second, cache=tmp_path / "sums")
    assert second.read == ["new text"]
    np.testing.assert_array_equal(again.vectors(chunks[:2]), vectors[:2])
    other.name = "drawn-2"
    assert late.encode(changed, other, cache=tmp_path / "sums").name == "late-drawn-2"
    assert other.read == ["the disk is full", "new text"]


def test_a_document_of_which_the_reading_ends_early_leaves_nothing(tmp_path):
    class Killed(Drawn):
        def token_states(self, texts):
            parts = super().token_states(texts)
            yield from (next(parts) for _ in range(3))
            raise KeyboardInterrupt

    corpus, model = Corpus.of_texts({"a": "x" * 100, "b": "y" * 120}), Drawn()
    with pytest.raises(KeyboardInterrupt):
        late.encode(corpus, Killed(), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    late.encode(corpus, model, cache=tmp_path)
    assert model.read == ["y" * 120]


def test_progress_is_told_in_characters_and_temporary_files_go_with_the_result(tmp_path):
    told, corpus = [], Corpus.of_texts({"a": "x" * 120, "b": "y" * 30, "c": "x "})
    encoded = late.encode(corpus, Drawn(), progress=lambda *each: told.append(each))
    assert told == [(each, 152) for each in (50, 100, 120, 150, 151, 152)]
    files = [*encoded.files.values()]
    assert all(each.exists() for each in files)
    del encoded
    assert not any(each.parent.exists() for each in files)
    late.encode(corpus, Drawn(), cache=tmp_path)
    told.clear()
    late.encode(corpus, Drawn(), cache=tmp_path, progress=lambda *each: told.append(each))
    assert told == [(152, 152)]


def test_what_cannot_be_pooled_is_told(tmp_path):
    corpus = Corpus.of_texts({"disks.md": "the disk is full"})
    encoded = late.encode(corpus, Drawn(), cache=tmp_path)
    for row, says in (
        (("disk.md", 0, 3), "(?s)'disk.md' was not encoded.*'disks.md'"),
        (("disks.md", 3, 17), "has 16 characters, and no chunk from 3 to 17"),
        (("disks.md", -1, 3), "from -1 to 3"),
        (("disks.md", 4, 3), "from 4 to 3"),
    ):
        with pytest.raises(RetrievalError, match=says):
            encoded.vectors(spans(("disks.md", 0, 3), row))
    with pytest.raises(RetrievalError, match="have no column 'end'"):
        encoded.vectors(spans()[["document", "start"]])
    (file,) = tmp_path.iterdir()
    for content in (file.read_bytes()[:-1], b""):
        file.write_bytes(content)
        with pytest.raises(RetrievalError, match=r"cannot be read(.|\n)*Delete"):
            encoded.vectors(spans(("disks.md", 0, 3)))
    with pytest.raises(RetrievalError, match="cannot be kept in"):
        late.encode(corpus, Drawn(), cache=file)
    with pytest.raises(RetrievalError, match="'letters' tells no states"):
        late.encode(corpus, SimpleNamespace(name="letters", dimensions=3))


def test_a_short_document_is_the_mean_over_its_tokens_and_a_long_one_has_context():
    need(MINILM)
    minilm, short = MiniLM(), "The pod was killed: out of memory.\nNo disk was full."
    long = "\n\n".join(f"Part {each} says how a disk is freed." for each in range(60))
    corpus = Corpus.of_texts({"short": short, "long": long, "none": "\x00", "zero": "ok \u200b"})
    encoded = late.encode(corpus, minilm)
    chunks = Recursive(30).chunks(corpus)
    vectors = encoded.vectors(chunks)
    np.testing.assert_array_equal(late.encode(corpus, MiniLM(1)).vectors(chunks), vectors)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)

    (part,) = minilm.token_states([short])
    mean = part.states.mean(axis=0, dtype=np.float64)
    (whole,) = encoded.vectors(spans(("short", 0, len(short))))
    np.testing.assert_allclose(whole, mean / np.linalg.norm(mean), rtol=0, atol=1e-6)
    assert whole @ minilm.embed([short])[0] > 0.99  # but for the marks of begin and end
    np.testing.assert_array_equal(
        encoded.vectors(spans(("none", 0, 1), ("short", 3, 3))), minilm.embed(["", ""])
    )

    mine = (chunks["document"] == "long").to_numpy()
    alone = minilm.embed(chunks["text"][mine].tolist())
    near = (vectors[mine] * alone).sum(axis=1)
    assert (near < 0.999).all()  # what stands around a chunk is in its vector
