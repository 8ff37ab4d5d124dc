import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources.evidence import EVIDENCE_MIME, Evidence

TIMES = st.datetimes(pd.Timestamp("2001-09-10"), pd.Timestamp("2090-01-01")).map(
    lambda each: pd.Timestamp(each, tz="UTC")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@st.composite
def log_tables(draw):
    rows = draw(st.lists(st.tuples(TIMES, TEXT), min_size=1, max_size=12))
    return pd.DataFrame(
        {
            "timestamp": pd.Series([each[0] for each in rows], dtype="datetime64[us, UTC]"),
            "service": "a",
            "severity": "INFO",
            "body": [each[1] for each in rows],
        }
    )


@settings(max_examples=40, deadline=None)
@given(log_tables(), st.randoms(use_true_random=False))
def test_the_digest_knows_no_order_of_rows_or_columns(table, random):
    rows, columns = list(range(len(table))), list(table.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = table.iloc[rows][columns]
    assert Evidence.of({"logs": shuffled}).digest == Evidence.of({"logs": table}).digest


@settings(max_examples=40, deadline=None)
@given(log_tables(), st.data())
def test_the_digest_changes_with_any_cell(table, data):
    changed = table.copy()
    row = data.draw(st.integers(0, len(table) - 1))
    changed.loc[row, "body"] = changed.loc[row, "body"] + "!"
    assert Evidence.of({"logs": changed}).digest != Evidence.of({"logs": table}).digest


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(allow_infinity=False), min_size=2, max_size=2), min_size=1, max_size=6
    )
)
def test_the_digest_of_metrics_knows_no_order(values):
    index = pd.date_range("2026-03-01", periods=len(values), freq="s", tz="UTC")
    columns = pd.MultiIndex.from_tuples([("b", "x"), ("a", "y")])
    wide = pd.DataFrame(values, index=index, columns=columns, dtype=float)
    turned = wide.iloc[::-1, ::-1]
    assert Evidence.of({"metrics": wide}).digest == Evidence.of({"metrics": turned}).digest
    moved = wide.set_axis(index + pd.Timedelta("1us"))
    assert Evidence.of({"metrics": wide}).digest != Evidence.of({"metrics": moved}).digest


@settings(max_examples=40, deadline=None)
@given(log_tables(), TIMES, TIMES)
def test_a_window_keeps_exactly_the_rows_inside(table, one, other):
    start, end = sorted([one, other])
    assume(start < end)
    inside = table["timestamp"].between(start, end)
    if not inside.any():
        with pytest.raises(SourceError, match="the evidence covers"):
            Evidence.of({"logs": table}, start=start, end=end)
        return
    evidence = Evidence.of({"logs": table}, start=start, end=end)
    assert len(evidence.logs) == inside.sum()
    assert evidence.logs["timestamp"].between(start, end).all()
    again = Evidence.of(evidence.frames, start=start, end=end)
    assert again.digest == evidence.digest, "cutting twice is cutting once"


@settings(max_examples=40, deadline=None)
@given(log_tables())
def test_the_extent_is_a_window_that_keeps_everything(table):
    whole = Evidence.of({"logs": table})
    assume(whole.start < whole.end)
    assert Evidence.of({"logs": table}, start=whole.start, end=whole.end).digest == whole.digest


def test_frames_of_equal_content_under_other_names_differ():
    table = pd.DataFrame({"caller": ["a"], "callee": ["b"]})
    other = table.rename(columns={"caller": "callee", "callee": "caller"})
    assert Evidence.of({"topology": table}).digest != Evidence.of({"topology": other}).digest


def test_numbers_that_a_format_writes_otherwise_are_equal():
    observations = pd.DataFrame({"prediction": [1, 0], "score": [0.5, -0.0], "age": [40, 41]})
    other = observations.astype({"prediction": "float64", "age": "Int64"}).assign(score=[0.5, 0.0])
    first, second = (Evidence.of({"observations": each}) for each in (observations, other))
    assert first.digest == second.digest


def test_nested_values_have_a_digest():
    logs = pd.DataFrame(
        {
            "timestamp": ["2026-03-01T12:00Z"] * 2,
            "service": "a",
            "severity": "INFO",
            "body": None,
            "attributes": [{"b": [1, {"c": 2}], "a": "\ud83d"}, None],
        }
    )
    turned = logs.assign(attributes=[{"a": "\ud83d", "b": [1, {"c": 2}]}, None])
    assert Evidence.of({"logs": logs}).digest == Evidence.of({"logs": turned}).digest


def test_a_frame_that_is_not_there_says_what_is(folder):
    evidence = sources.open(folder)
    assert evidence.get("calls") is None
    assert evidence.get("logs") is evidence.logs
    with pytest.raises(SourceError) as raised:
        _ = evidence.calls
    assert raised.value.problem == (
        "this evidence holds metrics, logs, spans and topology, no calls"
    )
    assert "Add calls" in raised.value.remedy
    with pytest.raises(SourceError, match="Did you mean 'logs'"):
        evidence.get("log")


def test_every_frame_has_a_property(folder):
    evidence = sources.open(folder)
    for name in evidence.frames:
        assert getattr(evidence, name) is evidence.frames[name]
    for name in ("alerts", "changes", "observations", "calls"):
        with pytest.raises(SourceError, match=f"no {name}"):
            getattr(evidence, name)


def test_the_table_summarises(folder):
    table = sources.open(folder).table().set_index("frame")
    assert table.columns.tolist() == ["rows", "from", "to", "services"]
    assert table.loc["metrics", "rows"] == 60
    assert table.loc["metrics", "services"] == 2
    assert table.loc["topology", "services"] == 2
    assert pd.isna(table.loc["topology", "from"])
    assert str(table.loc["spans", "to"]) == "2026-03-01 12:00:59+00:00"


def test_the_notebook_gets_data_beside_escaped_html():
    table = pd.DataFrame({"timestamp": ["2026-03-01T12:00:00"], "prediction": [1], "score": [0.5]})
    evidence = Evidence.of({"observations": table}, "<script>alert(1)</script>", notes=("a < b",))
    bundle = evidence._repr_mimebundle_()
    plain = bundle[EVIDENCE_MIME]
    assert json.loads(json.dumps(plain)) == plain
    assert plain["digest"] == evidence.digest
    assert plain["frames"] == {"observations": 1}
    assert plain["start"] == plain["end"] == "2026-03-01T12:00:00+00:00"
    assert plain["notes"] == ["a < b", "observations.timestamp has no time zone; taken as UTC"]
    assert "<script" not in bundle["text/html"]
    assert "a &lt; b" in bundle["text/html"]
    assert "Evidence(" in bundle["text/plain"]


def test_evidence_without_times_has_no_window():
    evidence = Evidence.of({"topology": pd.DataFrame({"caller": ["a"], "callee": ["b"]})})
    assert evidence.start is None
    assert evidence._repr_mimebundle_()[EVIDENCE_MIME]["start"] is None
    assert "topology" in evidence._repr_html_()


def test_no_tables_and_unknown_tables():
    with pytest.raises(SourceError, match="holds no rows"):
        Evidence.of({})
    with pytest.raises(SourceError, match="Did you mean 'metrics'"):
        Evidence.of({"metric": pd.DataFrame()})


def test_notes_are_said_once(tmp_path):
    table = pd.DataFrame({"timestamp": ["2026-03-01T12:00"], "service": "a", "metric": "m"})
    evidence = Evidence.of({"metrics": table.assign(value=np.inf)})
    assert evidence.notes == (
        "metrics.timestamp has no time zone; taken as UTC",
        "metrics has 1 infinite values; taken as missing",
    )
    assert np.isnan(evidence.metrics.iloc[0, 0])


def test_further_times_without_a_zone_are_of_utc():
    times = pd.date_range("2026-03-01", periods=2, freq="h")
    edges = pd.DataFrame({"caller": ["a", "b"], "callee": ["b", "c"], "seen": times})
    zoned = edges.assign(seen=times.tz_localize("UTC"))
    first, second, third = (
        Evidence.of({"topology": each}).digest
        for each in (edges, zoned, edges.assign(seen=times[::-1]))
    )
    assert first == second != third
