import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from aiopslab.errors import ModelError
from aiopslab.models.files import MINILM, find
from aiopslab.models.minilm import MiniLM
from tests.models import transformer
from tests.models.needed import need

# What a day brings: empty, emoji, right to left, halves of surrogate pairs, control characters.
TEXTS = [
    "",
    " \n\t",
    "The pod was killed: out of memory.",
    "🔥🧯 deploy 👩‍👩‍👧‍👦",
    "الخدمة لا تستجيب",
    "השירות אינו מגיב",
    "服务没有响应。",
    "서비스가 응답하지 않습니다",
    "a\ud800b",
    "\x00\x07\u200b\ufeff",
    "[SEP] [MASK]",
    "naïve café №5",
    "error " * 200,
]


@pytest.fixture(scope="module")
def minilm():
    need(MINILM)
    return MiniLM()


def test_vectors_are_those_that_were_published_for_the_model(minilm):
    # The example of the documentation of Sentence Transformers, and that of the model's card.
    weather, sun, stadium, example = minilm.embed(
        [
            "The weather is lovely today.",
            "It's so sunny outside!",
            "He drove to the stadium.",
            "This is an example sentence",
        ]
    )
    cosines = [weather @ sun, weather @ stadium, sun @ stadium]
    assert cosines == pytest.approx([0.6660, 0.1046, 0.1411], abs=1e-4)
    first = [0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.0374481, 0.0026528]
    assert example[:6] == pytest.approx(first, abs=1e-6)


def test_vectors_are_those_of_the_same_network_by_numpy(minilm):
    weights, vocabulary = find(MINILM)
    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tensors = transformer.read(weights)
    texts = [each for each in TEXTS if "\ud800" not in each]
    expected = [transformer.embed(tensors, tokenizer.encode(each).ids) for each in texts]
    # float32 beside float64: a component of a unit vector differs by less than a millionth.
    np.testing.assert_allclose(minilm.embed(texts), expected, rtol=0, atol=1e-6)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(TEXTS) | st.text(max_size=60), max_size=5),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_vector_depends_on_its_text_alone_to_the_bit(minilm, texts, threads, random):
    together = MiniLM(threads).embed(texts)
    assert together.shape == (len(texts), 384) and together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-6)
    order = random.sample(range(len(texts)), len(texts))
    np.testing.assert_array_equal(minilm.embed([texts[each] for each in order]), together[order])
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(minilm.embed([text])[0], vector)


PROCESS = """
import os, pickle, sys
from aiopslab.models.minilm import MiniLM
texts = pickle.load(sys.stdin.buffer)
first = MiniLM().embed(texts)
if os.fork() == 0:  # as the kernel of a report is
    assert (MiniLM().embed(texts) == first).all()
    os._exit(0)
assert os.wait()[1] == 0
sys.stdout.buffer.write(first.tobytes())
"""


def test_vectors_are_the_same_in_another_process_and_in_a_fork_of_it(minilm):
    run = subprocess.run(
        [sys.executable, "-c", PROCESS], input=pickle.dumps(TEXTS), capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout == minilm.embed(TEXTS).tobytes()


def test_a_long_text_is_read_to_256_tokens_and_no_further_and_this_is_told(minilm):
    whole, cut = "error " * 254, "error " * 300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (most, less) = minilm.embed([whole, "error " * 253])
    assert minilm.count_tokens([whole, cut, ""]).tolist() == [256, 302, 2]
    assert minilm.max_tokens == 256 and (most != less).any()
    with pytest.warns(UserWarning, match=r"2 of 3 texts are longer.* 92 tokens") as told:
        vectors = minilm.embed([cut, "short", cut])
    assert len(told) == 1 and told[0].filename == __file__
    np.testing.assert_array_equal(vectors[[0, 2]], [most, most])


def test_a_megabyte_is_a_text_too(minilm):
    with pytest.warns(UserWarning, match=r"1 of 1 texts .* 249746 tokens"):
        assert np.isfinite(minilm.embed(["log " * 250_000])).all()
    assert minilm.count_tokens(["x" * 1_000_000]).tolist() == [3]


def test_halves_of_surrogates_are_joined_or_left_out(minilm):
    joined, emoji, alone, without = minilm.embed(["\ud83d\ude00", "😀", "a\ud800 b", "a b"])
    np.testing.assert_array_equal(joined, emoji)
    np.testing.assert_array_equal(alone, without)


def test_tokens_have_the_states_of_the_same_network_by_numpy_and_their_places(minilm):
    weights, vocabulary = find(MINILM)
    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tensors = transformer.read(weights)
    for text in TEXTS:
        encoded = tokenizer.encode(text.replace("\ud800", ""))
        (part,) = minilm.token_states([text])
        expected = transformer.last_states(tensors, encoded.ids)[1:-1]
        np.testing.assert_allclose(part.states, expected, rtol=0, atol=2e-5)
        if "\ud800" not in text:
            np.testing.assert_array_equal(part.spans, np.reshape(encoded.offsets[1:-1], (-1, 2)))
        vectors = minilm.token_vectors(text)
        lengths = np.linalg.norm(part.states, axis=1, keepdims=True)
        assert vectors.dtype == np.float32 and vectors.shape == part.states.shape
        np.testing.assert_allclose(vectors * lengths, part.states, rtol=0, atol=1e-5)


def test_a_token_is_where_it_is_between_halves_of_surrogates(minilm):
    text = "disk \ud83d\ude00 full\ud800 now"
    (part,) = minilm.token_states([text])
    told = [text[start:end] for start, end in part.spans.tolist()]
    assert told[0] == "disk" and told[-2:] == ["full", "now"]


def digits(count):
    """Return a text of as many tokens, each followed by a space."""
    return "".join(f"{each % 7} " for each in range(count))


@settings(max_examples=10)
@given(st.lists(st.integers(0, 900), max_size=3), st.integers(1, 3))
def test_texts_are_read_to_their_ends_whatever_their_length(minilm, lengths, threads):
    parts = list(MiniLM(threads).token_states([digits(each) for each in lengths]))
    assert [each.text for each in parts] == sorted(each.text for each in parts)
    for place, length in enumerate(lengths):
        mine = [each for each in parts if each.text == place]
        spans = np.concatenate([each.spans for each in mine])
        assert spans.tolist() == [[2 * each, 2 * each + 1] for each in range(length)]
        assert all(each.states.shape == (len(each.spans), 384) for each in mine)


@pytest.mark.parametrize("length", [254, 255, 700])
def test_a_token_is_read_in_the_window_in_whose_middle_it_is(minilm, length):
    text = digits(length)
    told = np.concatenate([each.states for each in minilm.token_states([text])])
    windows = {
        start: next(minilm.token_states([text[2 * start : 2 * (start + 254)]])).states
        for start in {254: [0], 255: [0, 1], 700: [0, 149, 297, 446]}[length]
    }
    for token, state in enumerate(told):
        off = {start: abs(start + 126.5 - token) for start in windows if start <= token}
        nearest = [start for start in off if off[start] == min(off.values())]
        assert any((windows[start][token - start] == state).all() for start in nearest)
        start = nearest[0]  # what is read before and behind it
        assert token - start >= min(50, token) and start + 254 - token > min(50, length - token - 1)


@pytest.mark.parametrize("text", ["境" * 200, "the disks\n are full " * 40])
def test_the_tokenizer_may_be_handed_a_text_in_blocks(minilm, monkeypatch, text):
    (whole,) = minilm.token_states([text])
    monkeypatch.setattr("aiopslab.models.minilm.BLOCK", 40)
    (part,) = minilm.token_states([text])
    np.testing.assert_array_equal(part.spans, whole.spans)
    np.testing.assert_array_equal(part.states, whole.states)


def test_no_texts_are_no_vectors(minilm):
    assert list(minilm.token_states([])) == []
    assert minilm.embed([]).shape == (0, 384) and minilm.count_tokens([]).shape == (0,)


@pytest.mark.parametrize("texts", ["one text", ["a", None], ["a", float("nan")], ["a", b"b"]])
def test_what_is_no_list_of_texts_is_told(minilm, texts):
    with pytest.raises(ModelError, match="expected"):
        minilm.embed(texts)
    with pytest.raises(ModelError, match="expected"):
        minilm.count_tokens(texts)
    with pytest.raises(ModelError, match="expected"):
        list(minilm.token_states(texts))


def test_the_name_tells_the_revision(minilm):
    assert minilm.name.startswith("all-minilm-l6-v2@")
    assert all(each.sha256[:12] in minilm.name for each in MINILM.files)


def test_it_can_be_sent_to_another_process(minilm):
    assert pickle.loads(pickle.dumps(MiniLM(3))) == MiniLM(3)


def test_without_its_files_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="aiopslab models fetch"):
        MiniLM()


def test_files_may_be_links(minilm, tmp_path, monkeypatch):
    expected, paths = minilm.embed(["a"]), find(MINILM)
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    for path, file in zip(paths, MINILM.files, strict=True):
        file.path.symlink_to(path)
    np.testing.assert_array_equal(MiniLM().embed(["a"]), expected)


@pytest.mark.parametrize("damaged", [0, 1])
def test_files_that_are_damaged_are_told(minilm, tmp_path, monkeypatch, damaged):
    contents = [each.read_bytes() for each in find(MINILM)]
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    for place, file in enumerate(MINILM.files):
        size = len(contents[place]) // 2 if place == damaged else None
        file.path.write_bytes(contents[place][:size])
    with pytest.raises(ModelError, match=r"cannot be read(.|\n)*Delete"):
        MiniLM().embed(["a"])
