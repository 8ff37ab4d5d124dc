"""Profiles: right beside numpy and pandas, additive in any order, and at ease with bad input."""

import datetime as dt
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.drift.axis import BINS, CENTRE, Axis, axis_of, standard_edges
from aiopslab.drift.categorical import Categorical, categorical_profile, counts_of
from aiopslab.drift.embedding import Embedding
from aiopslab.drift.kinds import kind_of
from aiopslab.drift.numeric import Numeric, numeric_profile
from aiopslab.drift.parquet import profile_parquet
from aiopslab.drift.profiles import Profile, merged, profile
from aiopslab.drift.text import Text
from aiopslab.errors import FrameError, SourceError

ONE_PART = 2**-10  # of the distance to the centre: what a value may be off by
RNG = np.random.default_rng(7)
NUMBERS = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60)


def numeric(part: object) -> Numeric:
    assert isinstance(part, Numeric)
    return part


def assert_same(one: Profile, two: Profile) -> None:
    """Counts to the row, sums but for rounding."""
    assert one.rows == two.rows
    for name, part in one.features.items():
        _same_part(part, two[name])


def _same_part(one: object, two: object) -> None:
    assert type(one) is type(two)
    for key, value in vars(one).items():
        other = vars(two)[key]
        if isinstance(value, Numeric | Categorical):
            _same_part(value, other)
        elif isinstance(value, tuple) and value and isinstance(value[0], Numeric):
            for a, b in zip(value, other, strict=True):
                _same_part(a, b)
        elif key in {"total", "squares"}:
            np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-9)
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other)
        else:
            assert value == other or (value != value and other != other), key


def mixed(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.lognormal(0, 1, n),
            "count": rng.poisson(3, n),
            "plan": rng.choice(["a", "b", "ü"], n),
            "paid": rng.random(n) < 0.3,
            "at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.random(n), "D"),
            "note": [f"the disk {each} is full again" for each in rng.integers(0, 9, n)],
            "vector": list(rng.normal(size=(n, 5))),
        }
    )
    frame.loc[::7, ["size", "plan", "note"]] = None
    return frame


# --- kinds


@pytest.mark.parametrize(
    ("cells", "dtype", "kind"),
    [
        ([1, 2], "int8", "numeric"),
        ([1.5, None], "Float64", "numeric"),
        ([1, None], "int64[pyarrow]", "numeric"),
        ([True, None], "boolean", "boolean"),
        ([True, False], "object", "boolean"),
        ([True, False], "bool[pyarrow]", "boolean"),
        (["a", None], "str", "categorical"),
        (["a", "b"], "string[pyarrow]", "categorical"),
        (["a", "b"], "category", "categorical"),
        ([1, 2], "category", "categorical"),
        ([1, "b", 2.5], "object", "categorical"),
        ([1, 2.5, None], "object", "numeric"),
        ([None, None], "object", "categorical"),
        ([None, None], "float64", "numeric"),
        ([[1.0, 2.0], None, [3.0, 4.0]], "object", "embedding"),
        ([[1.0, 2.0], [3.0]], "object", "categorical"),
        ([dt.date(2026, 1, 1), None], "object", "datetime"),
        (["the disk is full", "a cable was cut by a ship"], "str", "text"),
        ([f"{each:050d}" for each in range(30)], "str", "text"),
        (["x" * 50, "y" * 50] * 20, "str", "categorical"),
        (["40K - 60K €", "20K - 20K €", "60K+ €"] * 10, "str", "categorical"),
        ([[1.0, None], [0.5, 2.0]], "object", "embedding"),
        ([[None, None], [None, None]], "object", "categorical"),
        ([1 + 2j, 3j], "complex128", "categorical"),
    ],
)
def test_a_kind_is_told_from_the_dtype_else_from_the_values(cells, dtype, kind):
    assert kind_of(pd.Series(cells, dtype=dtype)) == kind


def test_times_of_either_zone_and_durations_have_their_kind():
    naive = pd.Series(pd.to_datetime(["2026-01-01", None]))
    assert kind_of(naive) == kind_of(naive.dt.tz_localize("Europe/Berlin")) == "datetime"
    assert kind_of(naive - naive) == "numeric"


# --- bins and quantiles


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
def test_bins_keep_the_order_of_values_and_are_fine(values):
    axis = axis_of(np.array(values))
    ordered = np.sort(values)
    bins = axis.bins(ordered)
    assert (np.diff(bins) >= 0).all()
    middle = axis.values()[bins]
    away = np.abs(ordered - axis.centre)
    inside = away < axis.scale * 2.0**20
    error = np.abs(middle - ordered)[inside]
    assert (error <= ONE_PART * away[inside] + axis.scale * 2.0**-12).all()


def test_edges_ascend_and_each_bin_lies_between_its_own():
    edges = standard_edges()
    assert len(edges) == BINS + 1
    assert (np.diff(edges) > 0).all()
    inner = (edges[1:-2] + edges[2:-1]) / 2
    wanted = np.arange(1, BINS - 1)
    wanted[wanted == CENTRE - 1] = CENTRE  # on which side of the centre may be rounding
    np.testing.assert_array_equal(Axis(0.0, 1.0).bins(inner), wanted)


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(50, 3, 5000),
        RNG.lognormal(0, 2, 5000),
        RNG.exponential(1e-6, 5000),
        RNG.normal(1e9, 1, 5000),
        np.where(RNG.random(5000) < 0.9, 0.0, RNG.normal(5, 1, 5000)),
        RNG.integers(0, 5, 5000),
    ],
    ids=["normal", "lognormal", "tiny", "far from 0", "mostly 0", "counts"],
)
def test_quantiles_and_moments_are_those_of_numpy(values):
    part = numeric_profile(pd.Series(values))
    share = np.array([0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1])
    wanted = np.quantile(values, share)
    allowed = 2 * ONE_PART * np.abs(wanted - part.axis.centre) + 2.0**-11 * part.axis.scale
    assert (np.abs(part.quantile(share) - wanted) <= allowed).all()
    assert part.mean == pytest.approx(np.mean(values), rel=1e-9)
    assert part.std == pytest.approx(np.std(values, ddof=1), rel=1e-6)
    assert (part.low, part.high) == (values.min(), values.max())
    assert part.zeros == (values == 0).sum()
    assert part.distinct <= len(np.unique(values))


def test_what_is_no_finite_number_is_counted_apart():
    part = numeric_profile(pd.Series([1.0, np.nan, np.inf, -np.inf, np.inf, 1e308, -1e308]))
    assert (part.finite, part.missing, part.below, part.above) == (3, 1, 1, 2)
    assert (part.low, part.high) == (-1e308, 1e308)
    assert part.counts.sum() == 3


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "int32[pyarrow]"])
def test_the_dtype_of_numbers_makes_no_difference(dtype):
    values = [3, 1, 2, 2, 5]
    wanted = numeric_profile(pd.Series(values, dtype="float64"))
    part = numeric_profile(pd.Series(values, dtype=dtype), axis=wanted.axis)
    np.testing.assert_array_equal(part.bins, wanted.bins)
    assert part.mean == pytest.approx(wanted.mean)


def test_strings_are_told_apart_by_count_whatever_their_dtype():
    cells = ["b", "ü", "b", None, "", "日本"]
    for dtype in ("str", "object", "category", "string[pyarrow]", "string[python]"):
        part = categorical_profile(pd.Series(cells, dtype=dtype))
        assert dict(zip(part.labels, part.counts.tolist(), strict=True)) == {
            "b": 2,
            "ü": 1,
            "": 1,
            "日本": 1,
        }, dtype
        assert part.missing == 1, dtype


def test_values_of_mixed_types_are_told_apart_by_how_they_read():
    part = categorical_profile(pd.Series([1, "1", 1.0, "x", None, [1], (2, 3)], dtype=object))
    assert counts_of(part, ["1", "x", "[1]"]).tolist() == [3, 1, 1]
    assert part.missing == 1


def test_a_hundred_thousand_categories_are_counted_exactly():
    names = pd.Series(np.arange(100_000).repeat(2)).map("id{}".format)
    part = categorical_profile(names)
    both = part + part
    assert (part.distinct, both.distinct, both.error, both.others) == (100_000, 100_000, 0, 0)
    assert (both.counts == 4).all()


def test_beyond_what_is_kept_the_frequent_stay_within_the_stated_error(monkeypatch):
    monkeypatch.setattr("aiopslab.drift.categorical.KEPT", 20)
    rng = np.random.default_rng(0)
    values = pd.Series(rng.zipf(1.5, 4000).clip(max=500).astype(str))
    parts = [categorical_profile(each) for each in np.array_split(values, 8)]
    total = parts[0]
    for each in parts[1:]:
        total = total + each
    truth = values.value_counts()
    assert len(total.labels) <= 20
    assert total.error > 0
    assert int(total.counts.sum()) + total.others == len(values)
    for name, count in zip(total.labels, total.counts, strict=True):
        assert truth[name] - total.error <= count <= truth[name]
    assert total.labels[0] == truth.index[0]


# --- adding


@settings(deadline=None, max_examples=60)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_profiles_of_parts_add_up_to_that_of_the_whole_in_any_order(one, two, three):
    frames = [pd.DataFrame({"x": np.array(each, float)}) for each in (one, two, three)]
    like = profile(pd.DataFrame({"x": RNG.normal(size=100)}))
    a, b, c = (profile(each, like) for each in frames)
    whole = profile(pd.concat(frames, ignore_index=True), like)
    for total in ((a + b) + c, a + (b + c), merged([c, a, b])):
        got, wanted = numeric(total["x"]), numeric(whole["x"])
        for key in ("rows", "missing", "below", "above", "zeros"):
            assert getattr(got, key) == getattr(wanted, key)
        np.testing.assert_array_equal(got.bins, wanted.bins)
        np.testing.assert_array_equal(got.counts, wanted.counts)
        np.testing.assert_array_equal([got.low, got.high], [wanted.low, wanted.high])


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 300), max_size=4), st.randoms(use_true_random=False))
def test_any_partition_of_a_table_of_all_kinds_adds_up(cuts, random):
    frame = mixed(300)
    like = profile(frame)
    edges = [0, *sorted(cuts), 300]
    parts = [profile(frame.iloc[a:b], like) for a, b in pairwise(edges)]
    random.shuffle(parts)
    assert_same(merged(parts), like)


def test_profiles_that_do_not_fit_are_refused_with_a_remedy():
    one = profile(pd.DataFrame({"x": [1.0, 2.0, 3.0]}))
    with pytest.raises(FrameError, match="like=reference"):
        one + profile(pd.DataFrame({"x": [10.0, 20.0, 35.0]}))
    with pytest.raises(FrameError, match="numeric and categorical"):
        one + profile(pd.DataFrame({"x": ["a"]}))
    with pytest.raises(FrameError, match="'y'"):
        one + profile(pd.DataFrame({"x": [1.0], "y": [1.0]}), one)
    with pytest.raises(FrameError, match="at least one"):
        merged([])


# --- bad input


def test_a_column_whose_dtype_changed_is_read_as_what_it_was():
    like = profile(pd.DataFrame({"x": [1.0, 2.0, 3.0], "b": [True, False, True]}))
    now = profile(pd.DataFrame({"x": ["2", "2.5", "n/a"], "b": [1, 0, 0]}), like)
    x, flag = numeric(now["x"]), now["b"]
    assert (x.kind, x.finite, x.unreadable, x.missing) == ("numeric", 2, 1, 0)
    assert isinstance(flag, Categorical)
    assert counts_of(flag, ["True", "False"]).tolist() == [1, 2]
    assert "str" in x.dtype or x.dtype == "object"


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([None, None], dtype=object),
        pd.Series([[1], {}], dtype=object),
        pd.Series(pd.to_datetime(["2026-01-01", None])),
        pd.Series(["x", None], dtype="category"),
    ],
)
def test_numbers_that_became_something_else_are_unreadable_and_no_error(cells):
    like = profile(pd.DataFrame({"x": [1.0, 2.0]}))
    part = numeric(profile(pd.DataFrame({"x": cells}), like)["x"])
    assert part.finite == 0
    assert part.missing + part.unreadable == 2


def test_times_that_cannot_be_read_are_counted_and_zones_are_brought_to_utc():
    cells = pd.Series(["2026-01-01T01:00+01:00", "2026-01-01", "soon", None], dtype=object)
    like = profile(pd.DataFrame({"at": pd.to_datetime(["2026-01-01", "2026-01-03"])}))
    part = numeric(profile(pd.DataFrame({"at": cells}), like)["at"])
    assert (part.finite, part.unreadable, part.missing) == (2, 1, 1)
    assert part.low == part.high == pd.Timestamp("2026-01-01", tz="UTC").timestamp()


def test_no_row_one_row_and_no_column_have_a_profile():
    frame = mixed(40)
    like = profile(frame)
    empty = profile(frame.iloc[:0], like)
    assert empty.rows == 0
    assert_same(like + empty, like)
    single = profile(frame.iloc[[1]])
    assert (single.table()["rows"] == 1).all()
    assert profile(pd.DataFrame()).table().empty
    assert profile(pd.DataFrame({"x": []}, dtype=float)).table()["rows"].tolist() == [0]


def test_rows_of_one_label_and_columns_that_are_no_strings_are_fine():
    frame = pd.DataFrame({0: [1.0, 2.0], "y": ["a", "b"]}, index=[5, 5])
    assert list(profile(frame).features) == ["0", "y"]


def test_a_table_is_asked_for_and_names_that_repeat_are_refused():
    with pytest.raises(FrameError, match="expected a table"):
        profile([1, 2])  # type: ignore[arg-type]
    with pytest.raises(FrameError, match="'x'"):
        profile(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(FrameError, match="plan"):
        profile(mixed(10))["plans"]
    with pytest.raises(FrameError, match="only numbers"):
        profile(mixed(10)).quantile("plan", 0.5)


def test_embeddings_of_another_length_are_unreadable():
    like = profile(pd.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0]]}))
    cells = pd.Series([[1.0, 2.0], [1.0], None, "x", [np.nan, 1.0]], dtype=object)
    part = profile(pd.DataFrame({"v": cells}), like)["v"]
    assert isinstance(part, Embedding)
    assert (part.finite, part.missing, part.unreadable) == (1, 1, 3)
    assert part.mean.tolist() == [1.0, 2.0]


def test_a_word_counts_once_a_text_in_any_script():
    texts = ["Die Straße, die straße!", "новый диск — диск", "the disk", None]
    part = profile(pd.DataFrame({"t": pd.Series(texts, dtype="str")}))["t"]
    if isinstance(part, Categorical):  # words that short are categories unless said otherwise
        pytest.fail("texts were taken for categories")
    assert isinstance(part, Text)
    assert counts_of(part.tokens, ["straße", "диск", "the"]).tolist() == [1, 1, 1]
    assert part.words.mean == pytest.approx((4 + 3 + 2) / 3)


# --- files


def test_a_parquet_file_read_in_batches_has_the_profile_of_its_table(tmp_path, monkeypatch):
    # The room offers the function of that name, so the module is asked for by its full name.
    monkeypatch.setattr(sys.modules["aiopslab.drift.parquet"], "CELLS", 700)
    frame = mixed(1000)
    file = tmp_path / "table.parquet"
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in frame})
    pq.write_table(table, file, row_group_size=150)
    like = profile(frame)
    got = profile_parquet(file, like)
    for name in ("size", "count", "plan", "paid", "at", "note", "vector"):
        assert got[name].rows == 1000
        assert got[name].missing == like[name].missing
    np.testing.assert_array_equal(numeric(got["size"]).counts, numeric(like["size"]).counts)
    np.testing.assert_array_equal(numeric(got["at"]).counts, numeric(like["at"]).counts)
    assert profile_parquet(file, columns=["plan"]).table()["feature"].tolist() == ["plan"]
    alone = profile_parquet(file)
    wanted = frame["size"].quantile([0.1, 0.5, 0.9])
    np.testing.assert_allclose(alone.quantile("size", [0.1, 0.5, 0.9]), wanted, rtol=5e-3)


def test_files_that_are_not_there_or_no_parquet_say_so(tmp_path):
    with pytest.raises(SourceError, match="Parquet"):
        profile_parquet(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(SourceError, match="Parquet"):
        profile_parquet(tmp_path / "text.parquet")
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "x.parquet")
    with pytest.raises(FrameError, match="'y'"):
        profile_parquet(tmp_path / "x.parquet", columns=["y"])
    pq.write_table(pa.table({"x": pa.array([], pa.float64())}), tmp_path / "empty.parquet")
    assert profile_parquet(tmp_path / "empty.parquet").rows == 0


def test_a_profile_is_the_same_after_its_file(tmp_path):
    made = profile(mixed(200))
    read = Profile.load(made.save(tmp_path / "reference.profile"))
    assert_same(read, made)
    assert_same(read + profile(mixed(50), read), made + profile(mixed(50), made))


def test_a_file_that_is_no_profile_says_so(tmp_path):
    with pytest.raises(SourceError, match="no file"):
        Profile.load(tmp_path / "none")
    (tmp_path / "text").write_text("no")
    with pytest.raises(SourceError, match="no profile"):
        Profile.load(tmp_path / "text")


def test_a_file_of_a_later_version_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("aiopslab.drift.storage.VERSION", 99)
    made = profile(mixed(10)).save(tmp_path / "later")
    monkeypatch.undo()
    with pytest.raises(SourceError, match="version 99"):
        Profile.load(made)
