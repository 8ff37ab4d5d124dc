"""Windows read from bins of time, against profiles of the same rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.drift import Roles, compare, profile
from aiopslab.drift.binned import bin_tables
from aiopslab.drift.screening import screen
from aiopslab.errors import FrameError

ROWS = 3_000
WORDS = ["disk", "full", "pod", "evicted", "東京", "timeout", "of", "the"]


def observations(rows=ROWS, seed=0):
    """Return rows of every kind, some of each missing, the numbers of them moving half way."""
    rng = np.random.default_rng(seed)
    late = np.arange(rows) >= rows // 2
    table = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-03-01", periods=rows, freq="min", tz="UTC"),
            "age": rng.normal(40, 10, rows) + 8 * late,
            "steady": rng.normal(size=rows),
            "count": rng.poisson(3, rows),
            "plan": np.where(late & (rng.random(rows) < 0.3), "new", rng.choice(["a", "b"], rows)),
            "is_paid": rng.random(rows) < 0.5,
            "seen": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 9**7, rows), "s"),
            "text": [" ".join(rng.choice(WORDS, 6)) for _ in range(rows)],
            "vector": list(rng.normal(size=(rows, 3))),
        }
    )
    for column in table.columns[1:]:
        gone = rng.random(rows) < 0.05
        table[column] = table[column].astype(object).where(~gone, None).infer_objects()
    return table


TABLE = observations()


@pytest.fixture(scope="module")
def binned():
    return bin_tables([TABLE])


COUNTS = ["rows", "missing", "unreadable", "below", "above", "zeros", "finite", "low", "high"]


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.integers(0, 199), st.integers(1, 200)).filter(lambda each: each[0] < each[1]))
def test_a_window_has_the_profile_of_its_rows(binned, window):
    last = min(window[1], len(binned.bins))
    first = min(window[0], last - 1)
    rows = binned.frame(first, last)
    seen, known = binned.profile(first, last), profile(rows)
    assert seen.rows == len(rows)
    for name in ("age", "steady", "count", "seen"):
        one, two = seen[name], known[name]
        assert [getattr(one, each) for each in COUNTS] == pytest.approx(
            [getattr(two, each) for each in COUNTS], nan_ok=True
        )
        assert (one.mean, one.std) == pytest.approx((two.mean, two.std), nan_ok=True)
        assert seen.quantile(name, 0.5) == pytest.approx(
            known.quantile(name, 0.5), rel=0.02, abs=0.05, nan_ok=True
        )
    for name in ("plan", "is_paid"):
        one, two = seen[name], known[name]
        assert (one.rows, one.missing) == (two.rows, two.missing)
        assert (one.labels, one.counts.tolist()) == (two.labels, two.counts.tolist())
    words, told = seen["text"].tokens, known["text"].tokens
    assert dict(zip(words.labels, words.counts, strict=True)) == dict(
        zip(told.labels, told.counts, strict=True)
    )
    assert seen["text"].words.mean == pytest.approx(known["text"].words.mean, nan_ok=True)
    assert seen["vector"].mean == pytest.approx(known["vector"].mean, nan_ok=True)
    assert seen["vector"].missing == known["vector"].missing


def test_bins_hold_each_row_once_and_equal_times_together(binned):
    bins = binned.bins
    assert bins["rows"].sum() == ROWS and len(bins) <= 200
    assert (bins["first"] >= bins["start"]).all() and (bins["last"] < bins["end"]).all()
    same = bin_tables([TABLE.assign(timestamp=TABLE["timestamp"].dt.floor("1h"))])
    assert (same.bins["rows"] % 60 == 0).all()


def test_comparing_windows_agrees_with_comparing_their_rows(binned):
    half = len(binned.bins) // 2
    windows = (0, half), (half, len(binned.bins))
    seen = screen(*(binned.profile(*each) for each in windows), at_once=99)
    good, now = (binned.frame(*each).drop(columns="timestamp") for each in windows)
    good_profile = profile(good)
    known = compare(good_profile, profile(now, like=good_profile))
    assert set(seen.drifted) == set(known.drifted) >= {"age", "plan"}
    one = {each.feature: each for each in seen.features}
    for each in known.features:
        assert one[each.feature].effect.value == pytest.approx(each.effect.value, abs=0.01)
        assert one[each.feature].effect.high == pytest.approx(each.effect.high, abs=0.01)
        assert one[each.feature].direction.split(":")[0] == each.direction.split(":")[0]


def test_without_intervals_the_order_and_the_tests_are_the_same(binned):
    half = len(binned.bins) // 2
    sides = binned.profile(0, half), binned.profile(half, len(binned.bins))
    few, all_of_them = (screen(*sides, at_once=number) for number in (0, 99))
    assert few.drifted == all_of_them.drifted
    assert few.features[0].feature == all_of_them.features[0].feature
    assert {each.feature: each.q for each in few.features} == {
        each.feature: each.q for each in all_of_them.features
    }
    told = [each.feature for each in few.features if np.isfinite(each.effect.low)]
    assert set(told) <= {"text", "vector"}  # the kinds whose interval costs no bootstrap, or has it


def test_an_interval_is_made_for_what_is_asked(binned):
    sides = binned.profile(0, 50), binned.profile(50, 100)
    (asked,) = [each for each in screen(*sides, ["steady"], 0).features if each.feature == "steady"]
    assert asked.effect.low <= asked.effect.value <= asked.effect.high


def test_two_tables_are_binned_on_the_same_edges():
    later = TABLE.assign(timestamp=TABLE["timestamp"] + pd.Timedelta("7D"), age=90.0)
    both = bin_tables([TABLE.drop(columns="steady"), later])
    assert both.alone == ("steady",)
    first, last = both.span(1)
    assert (first, last) == (both.span(0)[1], len(both.bins))
    assert both.profile(first, last)["age"].mean == pytest.approx(90.0)
    assert screen(both.profile(*both.span(0)), both.profile(first, last)).features[0].drifted


def test_a_window_of_time_becomes_the_bins_most_of_which_it_covers(binned):
    start = pd.Timestamp("2026-03-01", tz="UTC")
    first, last = binned.within(0, start, start + 3 * binned.length)
    assert (first, last) == (0, 3)
    assert binned.times(first, last)[0] == start
    for far in (start - pd.Timedelta("9D"), start + pd.Timedelta("90D")):
        first, last = binned.within(0, far, far)
        assert 0 <= first < last <= len(binned.bins)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (TABLE.drop(columns="timestamp"), "no times in a column 'timestamp'"),
        (TABLE.assign(timestamp=pd.NaT), "no times in"),
        (TABLE.iloc[:0], "0 rows"),
        (TABLE[["timestamp"]], "no column in common"),
    ],
)
def test_what_cannot_be_binned_is_told_with_the_way_out(table, says):
    with pytest.raises(FrameError, match=says) as raised:
        bin_tables([table])
    assert raised.value.remedy


def test_rows_without_a_time_are_left_out_and_counted():
    table = TABLE.assign(timestamp=TABLE["timestamp"].where(TABLE.index % 3 > 0))
    binned = bin_tables([table])
    assert binned.untimed == ROWS / 3 and binned.bins["rows"].sum() == 2 * ROWS / 3


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_a_row_is_one_bin_or_two(rows):
    binned = bin_tables([TABLE.iloc[:rows]], Roles())
    (drift, *_) = screen(binned.profile(0, 1), binned.profile(0, 1)).features
    assert not drift.drifted and np.isnan(drift.effect.value)
    assert "not enough data" in drift.direction


def test_progress_is_told_to_the_end():
    told = []
    bin_tables([TABLE.iloc[:50]], told=told.append)
    assert told == sorted(told) and told[-1] == 1.0
