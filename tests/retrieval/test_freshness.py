"""Freshness: documents against their sources, and answers from one version to the next."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.answer_changes import changes_of_answers, changes_of_tops
from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.following import Follower
from aiopslab.retrieval.freshness import staleness
from aiopslab.retrieval.ingestion import ingest
from tests.retrieval.stores import Hashing, corpus, pages

NOW = pd.Timestamp("2026-03-04", tz="UTC")  # three days after the documents were modified


@pytest.fixture
def index(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, *corpus(pages(3)), "lines")
        yield index


def test_each_document_has_the_state_it_is_in(index):
    texts = pages(3) | {"page1.md": "Changed.\n", "new.md": "New.\n"}
    del texts["page2.md"]
    told = staleness(corpus(texts)[0], index.manifest(), NOW)
    table = told.table().set_index("document")
    assert table["state"].to_dict() == {
        "page1.md": "changed",
        "page2.md": "removed at the source",
        "new.md": "never ingested",
        "page0.md": "current",
    }
    assert table.index.tolist() == ["page1.md", "page2.md", "new.md", "page0.md"]
    assert table.loc["page1.md", "stale_days"] == 3 and np.isnan(
        table.loc["page0.md", "stale_days"]
    )
    verdict = told.verdict()
    assert verdict.level == "watch" and verdict.headline.startswith("3 of 4 documents are stale")


def test_after_ingestion_nothing_is_stale(index):
    texts = pages(2) | {"page1.md": "Changed.\n", "new.md": "New.\n"}
    documents, chunks = corpus(texts)
    assert staleness(documents, index.manifest(), NOW).verdict().level == "watch"
    ingest(index, documents, chunks, "lines")
    told = staleness(documents, index.manifest(), NOW).verdict()
    assert told.level == "ok" and told.headline.startswith("All 3 documents")


def test_a_long_delay_is_worse_than_a_short_one(index):
    documents = corpus(pages(3) | {"page1.md": "Changed.\n"})[0]
    levels = [
        staleness(documents, index.manifest(), NOW + pd.Timedelta(days=days)).verdict().level
        for days in (0, 30)
    ]
    assert levels == ["watch", "act"]


def test_a_touched_file_of_the_same_content_is_current(index):
    documents = corpus(pages(3))[0].assign(modified=NOW)
    assert staleness(documents, index.manifest(), NOW).verdict().level == "ok"


def answers_of(*rows):
    return pd.DataFrame(rows, columns=["question", "document", "start", "end", "grade"])


def versions(before, after):
    return [pd.DataFrame({"document": list(each), "text": list(each.values())})
            for each in (before, after)]  # fmt: skip


LONG = "The operator restarts the pods one after the other.\n"


@pytest.mark.parametrize(
    ("after", "state", "text"),
    [
        ("Port: 80.\nOther.\n", "kept", "80"),
        ("Preface.\nPort: 80.\nOther.\n", "moved", "80"),
        ("Port:  80, as ever.\nOther.\n", "moved", "80"),
        ("Port: 8080.\nOther.\n", "changed", "Port: 8080.\n"),
        ("Other.\n", "gone", None),
        (None, "gone", None),
    ],
)
def test_a_short_answer_is_followed_by_the_lines_around_it(after, state, text):
    before = {"a": "Port: 80.\nOther.\n", "b": "80 is a number.\n"}
    later = {"b": before["b"]} | ({} if after is None else {"a": after})
    told = changes_of_answers(answers_of(("port?", "a", 6, 8, 1)), *versions(before, later))
    row = told.answers.iloc[0]
    assert row["state"] == state
    if text is not None:
        assert later[row["new_document"]][int(row["new_start"]) : int(row["new_end"])] == text
    assert told.stale == (["port?"] if state in {"changed", "gone"} else [])


def test_a_long_answer_is_found_in_another_document_and_rewrapped():
    later = {"b": "Preface.\nThe operator restarts the\npods one after the other.\n"}
    told = changes_of_answers(
        answers_of(("how?", "a", 0, len(LONG) - 1, 2)), *versions({"a": LONG}, later)
    )
    row = told.answers.iloc[0]
    assert (row["state"], row["new_document"]) == ("moved", "b")
    assert later["b"][int(row["new_start"]) :].startswith("The operator")
    assert told.still_true()["start"].tolist() == [9]


def test_scripts_without_spaces_are_followed():
    before, later = "再起動は一台ずつ行う。\n", "再起動は必ず一台ずつ行う。\n"
    place = Follower("a", before, {"a": later}).follow(4, 8)
    assert before[4:8] == later[place.start : place.end] == "一台ずつ"


def test_the_best_answer_decides():
    before = {"a": "First.\nSecond.\nThird.\n"}
    rows = [("q", "a", 0, 6, 1), ("q", "a", 7, 14, 2), ("q", "a", 15, 21, 2)]
    gone = changes_of_answers(answers_of(*rows), *versions(before, {"a": "First.\n"}))
    assert gone.stale == ["q"] and gone.table().loc[0, "stale_answers"] == 2
    held = changes_of_answers(answers_of(*rows), *versions(before, {"a": "First.\nThird.\n"}))
    assert held.stale == []  # one of the two best still holds
    assert held.verdict().level == "ok" and gone.verdict().level == "watch"


@given(
    st.lists(st.tuples(st.sampled_from(["keep", "drop", "edit"]), st.integers(0, 2)), min_size=1)
)
def test_lines_are_followed_through_any_edit(steps):
    """Each line is distinct, so that what became of it is known."""
    before, after, truth = "", "", []
    for number, (step, inserted) in enumerate(steps):
        after += "".join(f"Inserted {number} {each} anew.\n" for each in range(inserted))
        line = f"Original sentence with the number {number} in it.\n"
        span, place = (len(before), len(before) + len(line) - 1), len(after)
        before += line
        if step == "keep":
            after += line
            truth.append((span, place))
        else:
            after += f"Edited beyond recognition ({number}).\n" if step == "edit" else ""
            truth.append((span, None))
    follower = Follower("a", before, {"a": after})
    for (start, end), place in truth:
        found = follower.follow(start, end)
        if place is None:
            assert found.state in {"changed", "gone"}
        else:
            assert found.state in {"kept", "moved"} and found.start == place
            assert found.end - found.start == end - start


def hits_of(*rows):
    return pd.DataFrame(rows, columns=["question", "rank", "document", "start", "end"])


def test_another_first_hit_is_told_apart_from_the_same_cut_otherwise():
    before = {"a": LONG + "More.\n", "b": "Something else.\n"}
    later = {"a": "Preface.\n" + LONG + "More.\n", "b": "Something else.\n"}
    end = len(LONG)
    old = hits_of(("same", 1, "a", 0, end), ("other", 1, "a", 0, end), ("none", 1, "a", 0, end))
    new = hits_of(("same", 1, "a", 0, end + 9), ("same", 2, "b", 0, 9), ("other", 1, "b", 0, 9))
    told = changes_of_tops(old, new, *versions(before, later)).set_index("question")["state"]
    assert told.to_dict() == {"same": "moved", "other": "overtaken", "none": "overtaken"}


def test_answers_of_another_corpus_are_refused():
    with pytest.raises(RetrievalError, match="lacks: nowhere"):
        changes_of_answers(answers_of(("q", "nowhere", 0, 1, 1)), *versions({"a": ""}, {"a": ""}))


def test_a_question_without_answers_has_no_row():
    told = changes_of_answers(answers_of(), *versions({"a": "x"}, {"a": "x"}))
    assert told.stale == [] and told.verdict().level == "ok"
