import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import FrameError
from aiopslab.frames import FRAME_NAMES, FrameWarning, conform, infer, schemas, to_utc

TIMES = pd.date_range("2026-03-01T12:00", periods=3, freq="s", tz="UTC")


FREE = {"metrics", "observations"}  # frames of any columns


def rows(name: str) -> pd.DataFrame:
    """Return three rows that fit a frame."""
    common = {"timestamp": TIMES, "service": "gateway"}
    tables = {
        "metrics": {**common, "metric": "latency_ms", "value": [1.0, 2.0, 3.0]},
        "logs": {**common, "severity": "INFO", "body": "naïve 日本 🙂"},
        "spans": {
            "trace_id": "t",
            "span_id": ["a", "b", "c"],
            "parent_span_id": [None, "a", "b"],
            "service": "gateway",
            "operation": "GET /",
            "start": TIMES,
            "duration_ms": [1, 2, 3],
            "status": "OK",
        },
        "alerts": {
            **common,
            "name": "Slow",
            "severity": "page",
            "state": "firing",
            "fingerprint": "f",
            "labels": [{"a": "1"}, None, '{"b": 2}'],
        },
        "changes": {**common, "kind": "deploy", "ref": "v2", "description": None},
        "topology": {"caller": ["a", "b", "c"], "callee": ["b", "c", "d"]},
        "observations": {"prediction": [1, 0, 1], "score": [0.5, 0.1, None], "age": [1, 2, 3]},
        "calls": {
            "timestamp": TIMES,
            "prompt_version": "7",
            "model": "small",
            "input": "in",
            "output": "out",
            "input_tokens": 3,
            "output_tokens": 4,
            "latency_ms": 12.5,
            "cost_usd": 0.001,
        },
    }
    return pd.DataFrame(tables[name])


def misfit(name: str, **changed) -> str:
    with pytest.raises(FrameError) as raised:
        conform(name, rows(name).assign(**changed))
    assert raised.value.remedy, "an error says how to mend it"
    return str(raised.value)


@pytest.mark.parametrize("name", FRAME_NAMES)
def test_conforming_is_idempotent_and_leaves_its_argument_alone(name):
    table = rows(name)
    before = table.copy(deep=True)
    once = conform(name, table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(conform(name, once), once)
    schemas()[name].validate(once)


@pytest.mark.parametrize("name", FRAME_NAMES)
def test_a_frame_is_told_by_its_columns(name):
    assert infer(rows(name)) == name
    assert infer(rows(name).drop(columns=rows(name).columns[1])) != name


@pytest.mark.parametrize("name", FRAME_NAMES)
def test_empty_tables_conform(name):
    assert len(conform(name, rows(name).iloc[:0])) == 0


@pytest.mark.parametrize("name", [each for each in FRAME_NAMES if each not in FREE])
def test_every_missing_column_is_named(name):
    with pytest.raises(FrameError) as raised:
        conform(name, pd.DataFrame({"other": [1]}))
    required = [each for each, column in schemas()[name].columns.items() if column.required]
    for column in required:
        assert f"column '{column}' is missing" in str(raised.value)


def test_observations_are_any_table():
    table = pd.DataFrame({"age": [30, 40], "größe": ["a", None]})
    pd.testing.assert_frame_equal(conform("observations", table), table)


def test_an_unknown_frame_names_the_nearest():
    with pytest.raises(FrameError, match="Did you mean 'metrics'"):
        conform("metric", pd.DataFrame())


@pytest.mark.parametrize("name", ["logs", "spans", "alerts", "changes", "calls"])
def test_rows_are_sorted_by_time(name):
    turned = rows(name)[::-1]
    column = "start" if name == "spans" else "timestamp"
    assert conform(name, turned)[column].tolist() == TIMES.tolist()


def test_columns_that_no_contract_names_are_kept():
    assert conform("observations", rows("observations"))["age"].tolist() == [1, 2, 3]


def test_times_without_a_zone_are_utc_with_a_warning():
    with pytest.warns(FrameWarning, match="logs.timestamp has no time zone; taken as UTC"):
        logs = conform("logs", rows("logs").assign(timestamp=TIMES.tz_localize(None)))
    assert logs["timestamp"].tolist() == TIMES.tolist()
    with pytest.warns(FrameWarning, match="no time zone"):
        to_utc(pd.Series(["2026-03-01T12:00:00Z", "2026-03-01T12:00:01"]), "t")


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T14:00:00+02",
        "2026-03-01 04:00:00-0800",
        "2026-03-01T12Z",
        "2026-03-01 12:00:00.000000+00:00",
        1_772_366_400,
        1_772_366_400_000,
        1_772_366_400_000_000,
        1_772_366_400_000_000_000,
        1_772_366_400.0,
        "1772366400",
        "1772366400.000",
        datetime(2026, 3, 1, 12, tzinfo=UTC),
    ],
)
def test_times_of_any_common_form(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert to_utc(pd.Series([text]), "t").tolist() == [TIMES[0]]


def test_mixed_offsets_are_one_moment():
    mixed = pd.Series(["2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00Z"])
    assert to_utc(mixed, "t").nunique() == 1


@settings(deadline=None)
@given(
    st.lists(
        st.datetimes(pd.Timestamp(2001, 9, 10), pd.Timestamp(2099, 12, 31)),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_and_text_are_the_same_times(moments):
    times = pd.Series(pd.DatetimeIndex(moments, tz="UTC").as_unit("us"))
    assert to_utc(times.astype("int64"), "t").equals(to_utc(times, "t"))
    assert to_utc(times.map(lambda each: each.isoformat()), "t").equals(to_utc(times, "t"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("yesterday", "logs.timestamp is not a time between 1970 and 2100 in 3 rows"),
        ("1969-12-31T23:59:59Z", "the first is '1969-12-31T23:59:59Z'"),
        ("2100-01-02T00:00:00Z", "between 1970 and 2100"),
        ("12026-03-01T00:00:00Z", "between 1970 and 2100"),
        (17, "numbers around 17, too small"),
        (-1_772_366_400, "between 1970 and 2100"),
        (True, "too small"),
        (None, "row 0: timestamp is empty; expected a value"),
    ],
)
def test_what_is_no_time(value, expected):
    assert expected in misfit("logs", timestamp=value)


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        ("logs", {"service": ["a", None, "b"]}, "row 1: service is empty"),
        ("logs", {"service": ["a", "", "b"]}, "row 1: service is ''; expected a name that is not"),
        ("logs", {"severity": ["info", "odd", "err"]}, "severity is 'ODD'; expected one of TRACE"),
        ("spans", {"duration_ms": [1, -2, 3]}, "duration_ms is -2.0; expected a number of at lea"),
        ("spans", {"duration_ms": "fast"}, "spans.duration_ms holds something that is not a num"),
        ("alerts", {"state": "pending"}, "expected one of firing, resolved"),
        ("changes", {"kind": "party"}, "expected one of deploy, flag, config"),
        ("metrics", {"metric": [None, "a", "b"]}, "row 0 has no timestamp or no service or no m"),
        ("metrics", {"value": "high"}, "metrics.value holds something that is not a number"),
        ("calls", {"cost_usd": -1}, "cost_usd is -1.0"),
    ],
)
def test_misfits_are_named_with_row_value_and_expectation(name, changed, expected):
    assert expected in misfit(name, **changed)


def test_many_misfits_are_counted_not_listed():
    many = pd.concat([rows("logs")] * 1000).assign(severity="odd")
    with pytest.raises(FrameError, match="and 2990 more"):
        conform("logs", many)


@pytest.mark.parametrize(
    ("given_as", "severity"),
    [
        ("warning", "WARN"),
        ("Err", "ERROR"),
        ("critical", "FATAL"),
        ("emerg", "FATAL"),
        ("notice", "INFO"),
        ("Information", "INFO"),
        ("INFO2", "INFO"),
        ("debug4", "DEBUG"),
    ],
)
def test_severities_take_their_opentelemetry_names(given_as, severity):
    assert conform("logs", rows("logs").assign(severity=given_as))["severity"].iloc[0] == severity


def test_an_empty_severity_is_info_with_a_warning():
    with pytest.warns(FrameWarning, match="empty in 2 rows; taken as INFO"):
        logs = conform("logs", rows("logs").assign(severity=[None, "ERROR", None]))
    assert logs["severity"].tolist() == ["INFO", "ERROR", "INFO"]


def test_json_text_becomes_values():
    labels = conform("alerts", rows("alerts"))["labels"]
    assert labels.tolist() == [{"a": "1"}, None, {"b": 2}]
    odd = rows("alerts").assign(labels="not json")
    assert conform("alerts", odd)["labels"].iloc[0] == "not json"


def test_numbers_as_text_and_text_as_numbers():
    spans = conform("spans", rows("spans").assign(duration_ms=["1", "2.5", None], trace_id=7))
    assert spans["trace_id"].tolist() == ["7"] * 3
    np.testing.assert_array_equal(spans["duration_ms"], [1, 2.5, np.nan])


def test_infinities_are_missing_with_a_warning():
    with pytest.warns(FrameWarning, match="spans.duration_ms has 1 infinite"):
        spans = conform("spans", rows("spans").assign(duration_ms=[1, np.inf, 3]))
    assert spans["duration_ms"].isna().tolist() == [False, True, False]


def test_half_a_surrogate_pair_does_not_break_a_frame():
    body = pd.Series(["cut \ud83d", "b", "c"], dtype=object)
    assert conform("logs", rows("logs").assign(body=body))["body"].iloc[0] == "cut ?"


def test_times_in_the_index_are_found():
    assert conform("logs", rows("logs").set_index("timestamp")).shape == (3, 4)
    assert conform("metrics", rows("metrics").set_index(["timestamp", "service"])).shape == (3, 1)


def test_a_column_twice_is_refused():
    table = rows("logs")
    with pytest.raises(FrameError, match="column body more than once"):
        conform("logs", pd.concat([table, table[["body"]]], axis="columns"))


def test_two_levels_of_columns_are_for_metrics_only():
    with pytest.raises(FrameError, match="2 levels of columns"):
        conform("logs", wide([[1, 2]] * 3))


def wide(values, times=TIMES, columns=(("a", "x"), ("b", "x"))) -> pd.DataFrame:
    return pd.DataFrame(values, index=times, columns=pd.MultiIndex.from_tuples(columns))


def test_wide_and_long_metrics_are_one():
    table = wide([[1, np.nan], [2, 5], [np.nan, 6]])
    long = (
        table.rename_axis("timestamp")
        .rename_axis(["service", "metric"], axis="columns")
        .stack(["service", "metric"])
        .rename("value")
        .reset_index()
    )
    pd.testing.assert_frame_equal(conform("metrics", table), conform("metrics", long))


def test_series_that_were_never_observed_are_kept():
    metrics = conform("metrics", wide([[1, np.nan]] * 3))
    assert metrics["b", "x"].isna().all()
    long = rows("metrics").assign(value=np.nan)
    assert conform("metrics", long).shape == (3, 1)


def test_unsorted_and_doubled_times_are_merged():
    table = wide([[3, 3], [1, np.nan], [np.nan, 2]], times=TIMES[[2, 0, 0]])
    metrics = conform("metrics", table)
    np.testing.assert_array_equal(metrics, [[1, 2], [3, 3]])
    assert metrics.index.is_unique
    assert metrics.index.is_monotonic_increasing


def test_metrics_of_other_kinds_become_floats():
    table = wide([[1, "2"], [3, None], [True, "4.5"]]).astype(object)
    metrics = conform("metrics", table)
    assert (metrics.dtypes == "float64").all()
    assert conform("metrics", wide([[1, 2]] * 3)).dtypes.unique().tolist() == [np.dtype("float64")]


def test_a_series_twice_is_refused():
    with pytest.raises(FrameError, match=r"the series a\.x more than once"):
        conform("metrics", wide([[1, 2]] * 3, columns=(("a", "x"), ("a", "x"))))


def test_metrics_in_neither_shape_say_what_is_missing():
    with pytest.raises(FrameError, match="columns service, metric, value missing; found timestamp"):
        conform("metrics", pd.DataFrame({"timestamp": TIMES, "latency": 1.0}))


@settings(deadline=None)
@given(st.permutations(range(12)), st.data())
def test_the_order_of_long_rows_does_not_matter(order, data):
    values = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=12, max_size=12))
    long = pd.DataFrame(
        {
            "timestamp": TIMES.repeat(4),
            "service": ["a", "a", "b", "b"] * 3,
            "metric": ["x", "y"] * 6,
            "value": values,
        }
    )
    shuffled = long.iloc[list(order)]
    pd.testing.assert_frame_equal(conform("metrics", shuffled), conform("metrics", long))
