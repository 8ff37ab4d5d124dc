"""A corpus by its address: what is in it, and nothing lost without a word."""

import hashlib
import warnings
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError, SourceError
from aiopslab.retrieval.documents import Corpus, CorpusWarning, open_corpus, open_table
from aiopslab.retrieval.sections import Heading, by_document, nested, paths_at, table


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b.md").write_text("---\ntitle: Bee\nweight: 2\n---\n# B\nText\n## C\nMore\n")
    (tmp_path / "sub" / "a.txt").write_text("Plain")
    (tmp_path / ".git" / "x.md").write_text("hidden")
    return tmp_path


def opened(url, opener=open_corpus):
    """Return a corpus, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        corpus = opener(str(url))
    assert {each.category for each in caught} <= {CorpusWarning}
    return corpus, [str(each.message).removeprefix(f"{url}: ") for each in caught]


def test_a_folder_becomes_documents_and_sections(folder):
    corpus, told = opened(folder)
    assert told == []
    documents = corpus.documents.set_index("document")
    assert documents.index.tolist() == ["b.md", "sub/a.txt"]
    assert documents["title"].tolist() == ["Bee", "a"]
    assert documents.loc["b.md", "text"] == "# B\nText\n## C\nMore\n"
    assert documents.loc["b.md", "weight"] == 2
    assert documents.loc["sub/a.txt", "source"] == f"{folder}/sub/a.txt"
    assert documents.loc["sub/a.txt", "content_hash"] == hashlib.sha256(b"Plain").hexdigest()
    modified = pd.Timestamp((folder / "b.md").stat().st_mtime, unit="s", tz="UTC")
    assert abs(documents.loc["b.md", "modified"] - modified) < pd.Timedelta("1s")
    assert corpus.sections.values.tolist() == [
        ["b.md", 0, 19, 1, "B"],
        ["b.md", 9, 19, 2, "B > C"],
    ]


def test_files_patterns_archives_and_other_stores_open_alike(folder):
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.write(folder / "b.md", "x/b.md")
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe_file("/corpus/x/b.md", (folder / "b.md").read_bytes())
    text = open_corpus(str(folder / "b.md")).documents["text"].item()
    for url, document in [
        (folder / "b.md", "b.md"),
        (folder / "*.md", "b.md"),
        (folder / "**" / "b.*", "b.md"),
        (folder / "all.zip", "x/b.md"),
        ("memory://corpus", "x/b.md"),
        ("memory://corpus/**/*.md", "x/b.md"),
    ]:
        documents = open_corpus(str(url)).documents
        assert documents[["document", "text"]].values.tolist() == [[document, text]], url
        assert documents["modified"].notna().all(), url


def test_names_that_look_like_patterns_are_read(tmp_path):
    (tmp_path / "[id].md").write_text("Bracket")
    assert open_corpus(str(tmp_path)).documents["document"].tolist() == ["[id].md"]
    assert open_corpus(str(tmp_path / "[id].md")).documents["text"].tolist() == ["Bracket"]


def test_what_cannot_be_used_is_told_and_the_rest_is_there(folder):
    (folder / "empty.md").write_text(" \n")
    (folder / "locked.pdf").write_bytes(b"%PDF-1.4")
    (folder / "broken.ipynb").write_text("{")
    (folder / "old.txt").write_bytes("naïve".encode("cp1252"))
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(b"\x89PNG")
    (folder / "half.py").write_text('"""Half \\ud83d."""')
    corpus, told = opened(folder)
    assert corpus.documents["document"].tolist() == [
        *("b.md", "empty.md", "half.py", "old.txt", "sub/a.txt"),
    ]
    assert sorted(told) == [
        "1 document not read as they are: old.txt (not UTF-8, taken as Windows-1252)",
        "1 document with halves of surrogate pairs, each now a question mark: half.py",
        "1 document without text: empty.md",
        *(each for each in sorted(told) if each.startswith("2 documents of no known kind")),
        *(each for each in told if each.startswith("2 documents that cannot be read")),
    ]
    assert any(each.endswith("left out: *.png (2)") for each in told)
    assert any("broken.ipynb (not a notebook" in each and "locked.pdf (" in each for each in told)


def test_where_nothing_is_left_the_error_says_why(tmp_path):
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "empty.md").write_text("")
    with pytest.raises(RetrievalError, match=r"without text: empty\.md.*"):
        open_corpus(str(tmp_path))
    with pytest.raises(RetrievalError, match="not a notebook"):
        open_corpus(str(tmp_path))
    with pytest.raises(RetrievalError, match="no files"):
        open_corpus(str(tmp_path / "*.txt"))
    with pytest.raises(SourceError, match=r"there is no .*nowhere"):
        open_corpus(str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="credentials"):
        open_corpus("https://me:secret@host/docs")


def test_what_documents_say_in_different_ways_is_text(tmp_path):
    for name, version in [("a", "2"), ("b", "'2.1'"), ("c", "true")]:
        (tmp_path / f"{name}.md").write_text(f"---\nversion: {version}\ntext: no\n---\n{name}")
    documents = open_corpus(str(tmp_path)).documents
    assert documents["version"].tolist() == ["2", "2.1", "True"]
    assert documents["text"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_of_documents_opens(tmp_path, suffix):
    rows = pd.DataFrame(
        {
            "_id": ["007", "a", "a", "b"],
            "text": ["# T\nx", "one", "two", ""],
            "title": ["Seven", "A", "A2", "B"],
            "team": ["ops", "ops", "dev", "dev"],
        }
    )
    url = tmp_path / f"documents.{suffix}"
    if suffix == "parquet":
        rows.to_parquet(url)
    elif suffix == "jsonl":
        rows.to_json(url, orient="records", lines=True)
    else:
        rows.to_csv(url, index=False, sep="\t" if suffix == "tsv" else ",")
    corpus, told = opened(url, open_table)
    assert corpus.documents[["document", "text", "title", "team"]].values.tolist() == [
        ["007", "# T\nx", "Seven", "ops"],
        ["a", "one", "A", "ops"],
        ["b", "", "B", "dev"],
    ]
    assert corpus.sections["path"].tolist() == ["T"]
    assert sorted(told) == [
        "1 document with the id of another, left out: a",
        "1 document without text: b",
    ]


def test_a_table_without_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("name,body\na,b\n")
    with pytest.raises(RetrievalError, match="columns name, body; expected document, text"):
        open_table(str(tmp_path / "t.csv"))


def test_a_corpus_survives_parquet(folder, tmp_path):
    corpus = open_corpus(str(folder))
    corpus.documents.to_parquet(tmp_path / "kept.parquet")
    again = open_table(str(tmp_path / "kept.parquet"))
    columns = ["document", "text", "title", "source", "modified", "content_hash"]
    pd.testing.assert_frame_equal(again.documents[columns], corpus.documents[columns])


HEADINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), max_size=12)


@given(HEADINGS, st.integers(1, 9))
def test_sections_nest_and_the_innermost_is_found(steps, tail):
    headings, position = [], 0
    for gap, level in steps:
        position += gap
        headings.append(Heading(position, level, f"h{len(headings)}"))
    length = position + tail
    sections = nested(headings, length)
    for heading, section in zip(headings, sections, strict=True):
        after = [each.start for each in headings if each.start > heading.start]
        closing = [
            each.start
            for each in headings
            if each.start > heading.start and each.level <= heading.level
        ]
        assert section.end == (closing[0] if closing else length)
        assert paths_at(sections, [heading.start]) == [section.path]
        assert section.path.endswith(heading.title)
        assert not after or section.end >= after[0]
    positions = list(range(length))
    expected = [
        max(
            (each for each in sections if each.start <= place < each.end),
            key=lambda each: each.start,
            default=None,
        )
        for place in positions
    ]
    found = paths_at(by_document(table(("d", each) for each in sections)).get("d", []), positions)
    assert found == [each.path if each else "" for each in expected]


def test_a_corpus_of_texts_is_sorted_and_whole():
    with pytest.warns(CorpusWarning, match="surrogate"):
        corpus = Corpus.of_texts({"b": "x \ud800 y", "a": "# T"})
    assert corpus.documents["document"].tolist() == ["a", "b"]
    assert corpus.texts == [("a", "# T"), ("b", "x ? y")]
