"""Chunks: whatever the strategy, parts of the document that leave nothing out."""

import hashlib
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.models.files import MINILM
from aiopslab.retrieval.chunking import Fixed, Headings, Recursive, Semantic, Sentence
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.tokens import Characters, Counter, Words, default_tokenizer, spans_of

WORDS = Words()


def embed(texts):
    """Return vectors that tell texts by their letters."""
    vectors = [np.bincount([ord(c) % 7 for c in text], minlength=7) + 0.1 for text in texts]
    return np.array(vectors, dtype=np.float32)


EMBEDDER = SimpleNamespace(name="letters", dimensions=7, embed=embed)
SIZE = 6
STRATEGIES = [
    Fixed(SIZE, 2, tokens=WORDS),
    Fixed(SIZE, 0, tokens=Characters()),
    Recursive(SIZE, 0, tokens=WORDS),
    Recursive(SIZE, 3, tokens=WORDS),
    Recursive(SIZE, 2, tokens=Characters()),
    Recursive(SIZE, 0, separators=(r"\.", " "), tokens=Counter("letters", len)),
    Sentence(3, 1, SIZE, tokens=WORDS),
    Headings(SIZE, tokens=WORDS),
    Semantic(EMBEDDER, SIZE, 2, tokens=WORDS),
]
PIECES = st.sampled_from(
    [
        *(
            "word",
            "a",
            " ",
            " ",
            "\n",
            "\n\n",
            ". ",
            "! ",
            "# H\n",
            "## I\n",
            "。",
            "日本語",
            "한국",
        ),
        *("```\n", "x" * 30, "é\u0301", "\u200d", "\x00", "🙂", "\t", "\u00a0", "[1]"),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def measured(tokens, text, start, end):
    if isinstance(tokens, Counter):
        return tokens.count(text[start:end])
    return sum(s < end and e > start for s, e in spans_of(text, tokens))


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: each.name[:40])
@settings(max_examples=25)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_chunks_are_parts_that_leave_nothing_out(strategy, texts):
    documents = {f"d{number}": f"{text}." for number, text in enumerate(texts)}
    corpus = Corpus.of_texts(documents)
    chunks = strategy.chunks(corpus)
    assert chunks.equals(chunks.sort_values(["document", "start"], ignore_index=True))
    assert chunks["chunk"].is_unique
    uncovered = {name: set(range(len(text))) for name, text in documents.items()}
    for row in chunks.itertuples():
        text = documents[row.document]
        assert row.text == text[row.start : row.end] == row.text.strip() != ""
        key = f"{row.document}\0{row.start}\0{row.end}\0{row.text}"
        assert row.chunk == hashlib.sha256(key.encode()).hexdigest()[:16]
        uncovered[row.document] -= set(range(row.start, row.end))
        assert measured(strategy.tokens, text, row.start, row.end) <= strategy.size
    for name, places in uncovered.items():
        assert all(documents[name][place].isspace() for place in places)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: each.name[:40])
def test_the_same_documents_have_the_same_chunks_in_any_order(strategy):
    texts = {"a": "# H\nOne two. Three!\n\n" * 9, "b": "日本語。" * 9, "c": "x" * 200}
    one, other = (
        strategy.chunks(Corpus.of_texts(dict(each)))
        for each in (texts.items(), reversed(texts.items()))
    )
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: each.name[:40])
def test_a_document_without_text_has_no_chunks(strategy):
    corpus = Corpus(
        pd.DataFrame({"document": ["a", "b"], "text": ["", " \n\t"]}),
        Corpus.of_texts({"a": "x"}).sections,
    )
    chunks = strategy.chunks(corpus)
    assert len(chunks) == 0
    assert [*chunks] == ["chunk", "document", "start", "end", "text", "section"]


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 12), st.data())
def test_fixed_windows_overlap_as_asked(count, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    text = " ".join(f"w{number}" for number in range(count))
    chunks = Fixed(size, overlap, tokens=WORDS).chunks(Corpus.of_texts({"a": text}))
    words = [each.split() for each in chunks["text"]]
    assert all(len(each) == size for each in words[:-1])
    for before, after in pairwise(words):
        assert before[len(before) - overlap :] == after[:overlap]
        assert len(after) > overlap


def classic(text, separators, size, overlap, length):
    """Split as the splitter that made the name known: lists of strings, merged by their lengths."""
    separator, rest = separators[-1], []
    for place, each in enumerate(separators):
        if each == "" or each in text:
            separator, rest = each, separators[place + 1 :]
            break
    if separator:
        first, *others = text.split(separator)
        pieces = [each for each in [first, *(separator + each for each in others)] if each]
    else:
        pieces = list(text)
    chunks, short = [], []

    def merge():
        window, total = [], 0
        for piece in short:
            if window and total + length(piece) > size:
                chunks.append("".join(window).strip())
                while window and (total > overlap or total + length(piece) > size):
                    total -= length(window.pop(0))
            window.append(piece)
            total += length(piece)
        chunks.append("".join(window).strip())
        short.clear()

    for piece in pieces:
        if length(piece) < size:
            short.append(piece)
            continue
        if short:
            merge()
        chunks += classic(piece, rest, size, overlap, length) if rest else [piece.strip()]
    if short:
        merge()
    return [each for each in chunks if each]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["ab", "c", " ", "\n", "\n\n", ".", "?", "de f"]), max_size=40),
    st.integers(2, 12),
    st.data(),
)
def test_recursive_is_the_classic_splitter(pieces, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    text = "x" + "".join(pieces)
    separators = ["\n\n", "\n", ".", "?", "!", " ", ""]
    escaped = tuple(each.replace(".", r"\.").replace("?", r"\?") for each in separators)

    def length(some):
        return len(some) + some.count("c")

    strategy = Recursive(size, overlap, escaped, Counter("letters and c", length))
    found = strategy.chunks(Corpus.of_texts({"a": text}))["text"].tolist()
    # Chunks at one place are one here, and the classic may repeat what it has kept.
    assert list(dict.fromkeys(found)) == list(
        dict.fromkeys(classic(text, separators, size, overlap, length))
    )


@settings(max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=20), st.integers(1, 5), st.data())
def test_sentences_overlap_by_whole_sentences(lengths, most, data):
    overlap = data.draw(st.integers(0, most - 1))
    listed = [
        " ".join([f"s{number}"] + ["w"] * (length - 1)) + "."
        for number, length in enumerate(lengths)
    ]
    corpus = Corpus.of_texts({"a": " ".join(listed)})
    chunks = Sentence(most, overlap, 10, tokens=WORDS).chunks(corpus)
    held = [
        [number for number in range(len(listed)) if f"s{number}" in text.replace(".", "").split()]
        for text in chunks["text"]
    ]
    for text, numbers in zip(chunks["text"], held, strict=True):
        assert text == " ".join(listed[each] for each in numbers)
        assert len(numbers) <= most
    for before, after in pairwise(held):
        shared = set(before) & set(after)
        assert len(shared) <= overlap
        assert after[-1] > before[-1]
        one_more = [*before[len(before) - len(shared) - 1 :], before[-1] + 1]
        could_share = sum(lengths[each] + 1 for each in one_more) <= 10
        assert len(shared) == min(overlap, len(before)) or not could_share


def document(sections):
    """Return a page: its sections, each with a heading and some words, under one title."""
    return "# Title\n\n" + "".join(
        f"## Section {name}\n\n{' '.join([f'{name}{n}' for n in range(words)])}.\n\n"
        for name, words in sections
    )


@settings(max_examples=25)
@given(st.lists(st.integers(8, 60), min_size=3, max_size=12), st.data())
def test_an_edit_of_a_section_leaves_the_chunks_of_others_alone(lengths, data):
    strategy = Headings(25, tokens=WORDS)
    sections = [(chr(97 + number) * 2, words) for number, words in enumerate(lengths)]
    place = data.draw(st.integers(0, len(sections) - 1))
    edited = [*sections]
    edited[place] = (sections[place][0], data.draw(st.integers(8, 60)))
    before, after = (
        strategy.chunks(Corpus.of_texts({"a": document(each)})) for each in (sections, edited)
    )
    # The title alone may join the first section or stand by itself.
    kept, found = (
        {text for text in each["text"] if sections[place][0] not in text and "# Title" not in text}
        for each in (before, after)
    )
    assert kept == found
    # Put in before all others, it moves none of their chunks; nor where it is taken out again.
    longer = strategy.chunks(Corpus.of_texts({"a": document([("new", 30), *sections])}))
    lost = set(before["text"]) - set(longer["text"])
    assert all("# Title" in text for text in lost)


def test_small_sections_are_merged_and_an_insertion_reaches_no_further_than_a_few():
    strategy = Headings(60, tokens=WORDS)
    small = [(f"n{number}", 4) for number in range(200)]
    before, after = (
        set(strategy.chunks(Corpus.of_texts({"a": document(each)}))["text"])
        for each in (small, [("first", 4), *small])
    )
    assert len(before) < len(small) / 2
    assert len(after - before) <= 3


def test_headings_keep_together_what_fits_and_name_where_it_is():
    text = "# T\n\n## A\n\none two\n\n### B\n\nthree\n\n## C\n\n" + "four " * 30
    chunks = Headings(20, tokens=WORDS).chunks(Corpus.of_texts({"a": text}))
    assert chunks["section"].tolist() == ["T", *["T > C"] * (len(chunks) - 1)]
    assert chunks["text"][0] == "# T\n\n## A\n\none two\n\n### B\n\nthree"


def test_semantic_cuts_where_the_subject_changes():
    cats = ["Cats purr", "A cat naps", "My cat is old", "Cats eat"]
    bonds = ["Bonds fell", "Yields rose", "Gold fell", "Banks lend"]

    def subjects(texts):
        return np.eye(2)[[int("cat" in text.lower()) for text in texts]]

    embedder = SimpleNamespace(name="subjects", dimensions=2, embed=subjects)
    corpus = Corpus.of_texts({"a": ". ".join(cats + bonds + cats) + "."})
    strategy = Semantic(embedder, size=100, minimum=1, percentile=20, tokens=WORDS)
    assert strategy.chunks(corpus)["text"].tolist() == [
        ". ".join(each) + "." for each in (cats, bonds, cats)
    ]
    least = Semantic(embedder, size=24, minimum=16, percentile=20, tokens=WORDS).chunks(corpus)
    assert all(len(WORDS.spans(text)) >= 16 for text in least["text"][:-1])


@given(TEXTS)
def test_tokens_are_rising_spans_of_all_that_is_seen(text):
    for tokens in (WORDS, default_tokenizer()):
        spans = tokens.spans(text)
        assert (spans[:, 0] < spans[:, 1]).all()
        assert (np.diff(spans[:, 0]) >= 0).all()
        assert not len(spans) or spans[-1, 1] <= len(text)
    assert len(WORDS.spans(text)) <= len(text)


@pytest.mark.skipif(not MINILM.is_here, reason="the model was not fetched: aiopslab models fetch")
def test_word_pieces_are_those_of_the_model():
    from aiopslab.models.minilm import MiniLM

    tokens = default_tokenizer()
    text = "Retrieval-augmented generation, naïvely: 検索 and 한국. " * 2000
    whole = MiniLM().count_tokens([text])[0] - 2  # the marks of begin and end
    assert len(tokens.spans(text)) == whole
    piece = "unembeddable"
    assert next(piece[start:end] for start, end in tokens.spans(piece)) != piece
    assert len(tokens.spans("x" * 4000)) == 500
    assert len(tokens.spans("half \ud83d of it")) >= 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Fixed(0),
        lambda: Fixed(10, 10),
        lambda: Recursive(10, -1),
        lambda: Sentence(0),
        lambda: Sentence(2, 2),
        lambda: Headings(0),
        lambda: Semantic(EMBEDDER, 10, 11),
        lambda: Semantic(EMBEDDER, percentile=101),
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(RetrievalError, match="expected"):
        wrong()


def test_names_tell_settings_apart():
    made = [*STRATEGIES, Fixed(7, 2, tokens=WORDS), Recursive(SIZE, 0, (" ",), WORDS)]
    assert len({each.name for each in made}) == len(made)
    assert Fixed(SIZE, 2, tokens=Words()).name == "fixed-6-2-words8"
