"""Questions and where their answers are, and what is wrong with either told."""

import json
import warnings

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus, CorpusWarning
from aiopslab.retrieval.passages import Quoted
from aiopslab.retrieval.truth import open_questions

TEXTS = {"a.md": "One two\n  three. One two.", "b.md": "Four.", "c.md": ""}


@pytest.fixture
def corpus():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Corpus.of_texts(TEXTS)


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def opened(*arguments):
    """Return the truth, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        truth = open_questions(*arguments)
    assert {each.category for each in caught} <= {CorpusWarning}
    return truth, sorted(str(each.message).partition(": ")[2] for each in caught)


def test_answers_are_offsets_quotations_or_documents(tmp_path, corpus):
    answers = [
        {"document": "a.md", "start": 0, "end": 3},
        {"document": "a.md", "passage": "two three."},
        {"document": "a.md", "passage": "One two", "start": 17, "end": 24, "grade": 2},
        {"document": "a.md", "passage": "One two", "start": 1, "end": 8},
        {"document": "b.md", "grade": 3},
    ]
    rows = [{"question": "q", "text": "Why?", "topic": "t", "answers": answers}]
    truth, told = opened(lines(tmp_path / "q.jsonl", rows), corpus)
    assert told == []
    assert truth.questions.to_dict("records") == [{"question": "q", "text": "Why?", "topic": "t"}]
    assert truth.answers.values.tolist() == [
        ["q", "a.md", 0, 3, 1],
        ["q", "a.md", 4, 16, 1],
        ["q", "a.md", 17, 24, 2],
        ["q", "a.md", 0, 7, 1],
        ["q", "b.md", 0, 5, 3],
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_may_have_a_row_an_answer(tmp_path, corpus, suffix):
    table = pd.DataFrame(
        {
            "question": ["1", "1", "2"],
            "text": ["Why?", "Why?", "How?"],
            "document": ["a.md", "b.md", "b.md"],
            "start": [0, 0, None],
            "end": [3, 5, None],
            "passage": [None, None, "Four"],
        }
    )
    url = str(tmp_path / f"q.{suffix}")
    getattr(table, f"to_{suffix}")(url, index=False)
    truth, told = opened(url, corpus)
    assert told == []
    assert truth.questions["text"].tolist() == ["Why?", "How?"]
    assert truth.answers[["question", "document", "start", "end"]].values.tolist() == [
        *(["1", "a.md", 0, 3], ["1", "b.md", 0, 5], ["2", "b.md", 0, 4]),
    ]


def test_judgements_may_be_apart(tmp_path, corpus):
    url = lines(
        tmp_path / "queries.jsonl",
        [{"_id": 1, "text": "One?"}, {"_id": 2, "text": "Two?"}, {"_id": 3, "text": "Three?"}],
    )
    (tmp_path / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\n1\ta.md\t2\n1\tb.md\t0\n2\tnowhere\t1\n9\ta.md\t1\n3\tc.md\t1\n"
    )
    truth, told = opened(url, corpus, str(tmp_path / "qrels.tsv"))
    assert truth.answers.values.tolist() == [["1", "a.md", 0, 24 + 1, 2]]
    assert told == [
        "1 answers are empty documents, left out: 3 (c.md)",
        "1 answers are in unknown documents, left out: 2 (nowhere)",
        "1 judgements are of unknown questions, left out: 9",
        "2 questions have no answer in the corpus: 2, 3",
    ]


def test_what_is_wrong_is_counted_and_the_rest_is_there(tmp_path, corpus):
    rows = [
        {"question": "q", "text": "Why?", "answers": [{"document": "b.md"}]},
        {"question": "q", "text": "Another?"},
        {"question": "r", "text": " "},
        {"question": "s", "text": "S?", "answers": [{"document": "a.md", "passage": "not there"}]},
        {"question": "t", "text": "T?", "answers": [{"document": "a.md", "start": 3, "end": 99}]},
        {"question": "u", "text": "U?", "answers": "no list"},
        {"question": "v", "text": "V?", "answers": [{"document": "a.md", "start": "x", "end": 2}]},
    ]
    truth, told = opened(lines(tmp_path / "q.jsonl", rows), corpus)
    assert truth.questions["question"].tolist() == ["q", "s", "t", "u", "v"]
    assert truth.answers["question"].tolist() == ["q"]
    assert told == [
        "1 answers are not quoted from their document, left out: s (a.md)",
        "1 answers have a start, an end or a grade that is no number: v",
        "1 answers lie outside their document, left out: t (a.md)",
        "1 questions have answers that are no list of objects: u",
        "1 questions have no text, left out: r",
        "1 questions have the id of another, left out: q",
        "4 questions have no answer in the corpus: s, t, u, v",
    ]


def test_questions_alone_are_numbered(tmp_path, corpus):
    (tmp_path / "q.csv").write_text("question\nWhy?\nHow?\n")
    truth, told = opened(str(tmp_path / "q.csv"), corpus)
    assert truth.questions.values.tolist() == [["1", "Why?"], ["2", "How?"]]
    assert len(truth.answers) == 0
    assert told == []


def test_a_table_without_questions_is_refused(tmp_path, corpus):
    (tmp_path / "q.csv").write_text("name\nx\n")
    with pytest.raises(RetrievalError, match=r"has no question; 1 questions have no text.*: 1"):
        open_questions(str(tmp_path / "q.csv"), corpus)


WORDS = st.lists(st.sampled_from(["a", "b", "é", "日本", "a.b"]), min_size=1, max_size=8)
SPACES = st.sampled_from([" ", "\n", "\t ", "\n\n", "\u00a0"])


@given(WORDS, st.data())
def test_a_passage_is_found_whatever_its_white_space(words, data):
    def spaced(some):
        return "".join(word + data.draw(SPACES) for word in some)

    text = spaced(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    passage = spaced(words[first : last + 1])
    start, end = Quoted(text).find(passage)
    assert "".join(text[start:end].split()) == "".join(passage.split())
    assert not text[start].isspace()
    assert not text[end - 1].isspace()
    assert Quoted(text).find(passage + "zzz") is None
