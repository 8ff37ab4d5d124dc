"""Cause labels: stored once, taken back, and held against the analysis."""

import math
import sqlite3

import pandas as pd
import pytest

from aiopslab.errors import AIOpsLabError
from aiopslab.incident.case import prepare
from aiopslab.incident.cause_labels import COLUMNS, CauseLabels, cause_labels, held_against
from aiopslab.statistics.intervals import wilson
from tests.incident.worlds import broken, calm

START, END = pd.Timestamp("2026-03-01T12:03Z"), pd.Timestamp("2026-03-01T12:03:59Z")
MINUTE = pd.Timedelta("1min")


@pytest.fixture
def labels(tmp_path):
    with CauseLabels(tmp_path / "deep" / "causes.db") as labels:
        yield labels


def marked(labels, service="auth", rater="ann", digest="d1", start=START, end=END, note=""):
    labels.add("sample://x", digest, start, end, service, rater, note)


def test_what_is_marked_is_read_back_as_it_was(labels):
    evil = "<script>'; DROP TABLE labels; --"
    marked(labels, evil, "Ärzte", note="because\nof \ud800 this")
    marked(labels, start=START.tz_convert("Asia/Tokyo"))
    table = cause_labels(labels.path)
    assert tuple(table.columns) == COLUMNS
    assert table["service"].tolist() == [evil, "auth"]
    assert table["rater"].tolist() == ["Ärzte", "ann"]
    assert table["note"].tolist() == ["because\nof ? this", ""]
    assert (table["start"] == START).all() and (table["end"] == END).all()
    assert str(table["start"].dt.tz) == "UTC" and str(table["recorded"].dt.tz) == "UTC"


def test_a_duplicate_is_told_and_not_stored(labels):
    marked(labels)
    with pytest.raises(AIOpsLabError, match="ann has marked auth as the cause"):
        marked(labels, note="again", rater=" ann ")
    marked(labels, rater="bob")
    marked(labels, service="cache")
    marked(labels, end=END + MINUTE)
    marked(labels, digest="d2")
    assert len(labels.table()) == 5


def test_undo_takes_back_ones_own_last_and_deletes_nothing(labels):
    assert labels.undo("ann") is None
    marked(labels)
    marked(labels, service="cache")
    marked(labels, rater="bob")
    assert labels.undo("ann") == "cache" and labels.undo("ann") == "auth"
    assert labels.undo("ann") is None
    assert labels.table()["rater"].tolist() == ["bob"]
    marked(labels)  # what was taken back may be said again
    assert labels.table()["rater"].tolist() == ["bob", "ann"]
    with sqlite3.connect(labels.path) as connection:
        assert connection.execute("SELECT count(*) FROM labels").fetchone() == (4,)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"service": " "}, "which service"),
        ({"rater": ""}, "who says so"),
        ({"end": START}, "the incident begins at"),
    ],
)
def test_what_is_no_label_is_refused(labels, said, told):
    with pytest.raises(AIOpsLabError, match=told):
        marked(labels, **said)
    assert labels.table().empty


def test_two_windows_share_a_file(labels):
    marked(labels)
    with CauseLabels(labels.path) as other:
        with pytest.raises(AIOpsLabError, match="before"):
            marked(other)
        marked(other, rater="bob")
    assert labels.table()["rater"].tolist() == ["ann", "bob"]


def test_other_files_are_left_alone(tmp_path):
    text, other = tmp_path / "a.txt", tmp_path / "b.db"
    text.write_text("not a database, but a text of some length" * 50)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (n)")
    for path, told in ((text, "cannot be used"), (other, "something else"), (tmp_path, "cannot")):
        with pytest.raises(AIOpsLabError, match=told):
            CauseLabels(path)
    assert text.read_text().startswith("not a database")
    assert cause_labels(tmp_path / "none.db").empty and not (tmp_path / "none.db").exists()


def test_labels_are_held_against_the_analysis(labels):
    times = calm().index
    cases = {
        name: prepare({"metrics": broken(service, 180)})
        for name, service in (("d1", "auth"), ("d2", "cache"), ("d3", "database"))
    }
    window = {"start": times[180], "end": times[-1]}
    for digest, service in (("d1", "auth"), ("d2", "cache"), ("d3", "llm"), ("d4", "auth")):
        marked(labels, service, digest=digest, **window)
    hits = held_against(labels.table(), cases)
    ranks = hits.ranks.set_index("digest")["rank"]
    assert ranks[["d1", "d2"]].tolist() == [1, 1] and ranks["d3"] > 1
    assert (hits.absent, hits.disputed) == (1, 0)
    value, interval = hits.share()
    assert value == 2 / 3 and (interval.low, interval.high) == wilson(2, 3, 0.95)
    assert hits.chance() == pytest.approx(1 / 5) and hits.chance(3) == pytest.approx(3 / 5)
    assert hits.table()["measure"].tolist() == ["hits@1", "hits@3"]
    assert "hits@1" in hits._repr_html_()


def test_an_incident_counts_once_however_many_mark_it(labels):
    times = calm().index
    cases = {"d1": prepare({"metrics": broken("auth", 180)})}
    marked(labels, "auth", "ann", start=times[180], end=times[220])
    marked(labels, "auth", "bob", start=times[182], end=times[230])
    marked(labels, "cache", "cem", start=times[200], end=times[239])
    hits = held_against(labels.table(), cases)
    assert hits.ranks[["service", "raters", "rank"]].values.tolist() == [["auth", 2, 1]]
    marked(labels, "cache", "dan", start=times[181], end=times[239])
    disputed = held_against(labels.table(), cases)
    assert disputed.ranks.empty and disputed.disputed == 1
    marked(labels, "gateway", "ann", start=times[20], end=times[40])  # another incident
    assert len(held_against(labels.table(), cases).ranks) == 1


def test_a_service_that_is_unknown_to_the_analysis_is_a_miss(labels):
    times = calm().index
    marked(labels, "a <b>network</b>", start=times[180], end=times[-1])
    hits = held_against(labels.table(), {"d1": prepare({"metrics": broken("auth", 180)})})
    assert math.isnan(hits.ranks["rank"].iloc[0]) and hits.share(3)[0] == 0


def test_without_an_incident_there_is_nothing_to_say(labels):
    hits = held_against(labels.table(), {})
    assert hits.table().empty
    with pytest.raises(AIOpsLabError, match="no labelled incident"):
        hits.share()
