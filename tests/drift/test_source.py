"""Observations opened by URL, whatever their columns."""

import pandas as pd
import pytest

from aiopslab.drift import open_observations
from aiopslab.errors import FrameError, SourceError

TIMES = pd.date_range("2026-03-01", periods=48, freq="h", tz="UTC")
PLAIN = pd.DataFrame({"age": range(48), "größe": 1.5, "city": ["東京", "Lima"] * 24})
TIMED = PLAIN.assign(timestamp=TIMES)


def saved(table, path):
    """Write a table in the format that the name of its file says."""
    writers = {
        ".parquet": lambda: table.to_parquet(path),
        ".csv": lambda: table.to_csv(path, index=False),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True, date_format="iso"),
    }
    writers[path.suffix]()
    return str(path)


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("name", ["loans", "metrics"])
def test_any_table_holds_observations_whatever_it_is_called(tmp_path, extension, name):
    url = saved(PLAIN, tmp_path / f"{name}.{extension}")
    evidence = open_observations(url)
    assert list(evidence.frames) == ["observations"]
    assert evidence.source == url
    table = evidence.observations
    assert table["age"].tolist() == list(range(48))
    assert table["größe"].eq(1.5).all() and table["city"].tolist() == ["東京", "Lima"] * 24


def test_predictions_scores_and_targets_are_kept(tmp_path):
    rows = PLAIN.assign(prediction=1, score=0.5, target=[None, 1] * 24)
    table = open_observations(saved(rows, tmp_path / "rows.parquet")).observations
    assert table["score"].eq(0.5).all() and table["target"].notna().sum() == 24


@pytest.mark.parametrize(
    ("start", "end", "first", "rows"),
    [
        (None, None, 0, 48),
        ("2026-03-01T12:00Z", None, 12, 36),
        (None, "2026-03-01T12:00Z", 0, 13),
        ("2026-03-01T12:00Z", TIMES[20], 12, 9),
    ],
)
def test_a_window_is_cut_by_the_timestamp(tmp_path, start, end, first, rows):
    evidence = open_observations(saved(TIMED, tmp_path / "rows.csv"), start, end)
    assert len(evidence.observations) == rows
    assert evidence.observations["timestamp"].iloc[0] == TIMES[first]


@pytest.mark.parametrize("both", [False, True])
def test_a_window_is_cut_by_the_column_that_holds_the_times(tmp_path, both):
    rows = PLAIN.assign(**{"when": TIMES, **({"timestamp": TIMES[0]} if both else {})})
    url = saved(rows, tmp_path / "rows.parquet")
    evidence = open_observations(url, TIMES[12], TIMES[20], "when")
    assert evidence.observations["when"].tolist() == list(TIMES[12:21])
    assert sorted(evidence.observations) == sorted(rows)
    assert evidence.observations["age"].tolist() == list(range(12, 21))


def test_a_folder_gives_its_observations_and_nothing_else(tmp_path):
    saved(TIMED, tmp_path / "observations.parquet")
    saved(pd.DataFrame({"caller": ["a"], "callee": ["b"]}), tmp_path / "topology.csv")
    evidence = open_observations(str(tmp_path))
    assert list(evidence.frames) == ["observations"]
    assert evidence.digest == open_observations(str(tmp_path / "observations.parquet")).digest


def test_what_has_no_observations_says_what_it_has(tmp_path):
    saved(pd.DataFrame({"caller": ["a"], "callee": ["b"]}), tmp_path / "topology.csv")
    with pytest.raises(SourceError, match="no observations; it has topology") as raised:
        open_observations(str(tmp_path))
    assert "observations.parquet" in raised.value.remedy


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: saved(PLAIN.iloc[:0], path / "rows.parquet"), "no rows"),
        (lambda path: saved(PLAIN.assign(timestamp="soon"), path / "rows.csv"), "timestamp"),
        (lambda path: str(path / "nowhere.csv"), "there is no"),
        (lambda _: "https://me:secret@host/rows.csv", "environment"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_way_out(tmp_path, make, says):
    with pytest.raises((SourceError, FrameError), match=says) as raised:
        open_observations(make(tmp_path))
    assert raised.value.remedy and "secret" not in str(raised.value)


def test_a_window_without_rows_is_an_error(tmp_path):
    with pytest.raises(SourceError) as raised:
        open_observations(saved(TIMED, tmp_path / "rows.parquet"), "2027-01-01T00:00Z")
    assert raised.value.remedy
