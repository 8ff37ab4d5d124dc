import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from aiopslab.drift.bins import bin_feature, window_counts
from aiopslab.drift.history import drift_over_time
from aiopslab.drift.observations import Roles
from aiopslab.errors import FrameError

ROWS, STEP = 6_000, 3_700
START = pd.Timestamp("2026-03-01", tz="UTC")


def frame(rows, seed, moved_from=None):
    """Seven columns of every kind; from a row on `age` and `plan` move, and the rest stays."""
    rng = np.random.default_rng(seed)
    moved = np.arange(rows) >= (rows if moved_from is None else moved_from)
    plan = np.where(
        moved & (rng.random(rows) < 0.3), "pro", rng.choice(["free", "basic", "pro"], rows)
    )
    return pd.DataFrame(
        {
            "timestamp": START + pd.to_timedelta(np.arange(rows), unit="min"),
            "age": rng.normal(40, 10, rows) + 8 * moved,
            "plan": plan,
            "income": rng.lognormal(size=rows),
            "visits": rng.poisson(0.4, rows),
            "paid": rng.random(rows) < 0.1,
            "city": rng.zipf(1.6, rows).astype(str),
            "score": rng.random(rows),
        }
    )


def earlier(table):
    return table.assign(timestamp=table["timestamp"] - pd.Timedelta("30D"))


def of(history, feature):
    return next(each for each in history.features if each.feature == feature)


@pytest.fixture(scope="module")
def history():
    return drift_over_time(earlier(frame(8_000, 0)), frame(ROWS, 1, STEP))


def test_what_moved_is_found_and_dated(history):
    assert {each.feature for each in history.features if each.drifted} == {"age", "plan"}
    for found in (of(history, "age"), of(history, "plan")):
        assert found.pattern == "sudden"
        assert found.onset.row_low <= STEP <= found.onset.row_high + 1
    assert abs(history.onset.row - STEP) <= 20
    assert history.onset.time == START + pd.Timedelta(minutes=history.onset.row)
    assert history.whole.pattern == "sudden"


def test_effects_are_those_of_the_whole_samples(history):
    old, new = frame(8_000, 0), frame(ROWS, 1, STEP)
    wasserstein = stats.wasserstein_distance(old["age"], new["age"][STEP:]) / old["age"].std()
    assert of(history, "age").after == pytest.approx(wasserstein, rel=0.08)
    shares = [each["plan"].value_counts(normalize=True) for each in (old, new[STEP:])]
    variation = 0.5 * shares[0].sub(shares[1]).abs().sum()
    assert of(history, "plan").after == pytest.approx(variation, rel=0.1)
    assert of(history, "age").before < 0.1


def test_windows_without_drift_show_little_of_it(history):
    still = history.effects.drop(columns=["age", "plan"])
    assert still.median().max() < 0.05
    last = history.effects["age"].iloc[-5:]
    assert last.min() > 0.5


def test_stationary_data_have_no_onset():
    found = 0
    for seed in range(40):
        past, now = frame(3_000, 2 * seed), frame(4_000, 2 * seed + 1)
        found += drift_over_time(earlier(past), now).onset is not None
    assert found <= 6  # at 5 % more in fewer than four runs in a hundred; 1 was seen


def test_dependent_rows_have_no_onset_either():
    found = 0
    for seed in range(30):
        noise = np.random.default_rng(seed).normal(size=(16_000, 4))
        values = pd.DataFrame(signal.lfilter([1.0], [1.0, -0.7], noise, axis=0))
        found += drift_over_time(values[:8_000], values[8_000:]).onset is not None
    assert found <= 5


def test_a_shift_of_the_whole_has_begun_before():
    history = drift_over_time(earlier(frame(8_000, 0)), frame(ROWS, 1, 0))
    assert of(history, "age").onset.row == 0
    assert of(history, "age").onset.from_the_start
    assert str(history.onset) == "before the current observations begin"


def test_a_million_rows_do_not_make_noise_matter():
    rng = np.random.default_rng(1)
    old, new = rng.normal(size=400_000), rng.normal(size=400_000) + 0.02
    assert drift_over_time(pd.DataFrame({"a": old}), pd.DataFrame({"a": new})).onset is None


def test_the_figure_says_what_it_shows(history):
    figure = history.figure()
    assert list(figure.data[0].z.shape) == [len(history.features), len(history.windows.table)]
    assert figure.layout.yaxis.ticktext[:2] in (("age", "plan"), ("plan", "age"))
    assert "Drift through time" in figure.layout.meta["description"]
    share = history.windows.table["first_row"].searchsorted(STEP, side="right") - 1
    assert all(abs(x - share) <= 1 for x in figure.data[1].x)


def test_the_table_is_in_words(history):
    table = history.table()
    assert table["drifted"].tolist() == [True, True, *[False] * (len(table) - 2)]
    words = table.set_index("feature").loc["age", "words"]
    assert words.startswith("age: sudden drift since 2026-03-03 ")
    assert table.set_index("feature").loc["income", "words"] == "income shows no drift"


def fast(past, now, **arguments):
    history = drift_over_time(past, now, **arguments)
    return [(each.feature, each.pattern, each.onset) for each in history.features]


SMALL = frame(2_000, 3), frame(2_000, 4, 1_200)


@given(st.permutations(["age", "plan", "income", "visits", "paid", "city"]))
@settings(max_examples=5, deadline=None)
def test_the_order_of_columns_changes_nothing(order):
    columns = ["timestamp", *order]
    assert (
        sorted(fast(*SMALL), key=lambda each: each[0])[0]
        == sorted(fast(SMALL[0][columns], SMALL[1][columns]), key=lambda each: each[0])[0]
    )


@given(st.integers(-10_000, 10_000))
@settings(max_examples=5, deadline=None)
def test_a_shift_of_time_shifts_the_onset(minutes):
    by = pd.Timedelta(minutes=minutes)
    moved = [each.assign(timestamp=each["timestamp"] + by) for each in SMALL]
    before, after = fast(*SMALL)[0], fast(*moved)[0]
    assert after[1] == before[1]
    assert after[2].row == before[2].row
    assert after[2].time == before[2].time + by


@given(st.sampled_from([1e-6, 0.5, 3.0, 1e9]), st.sampled_from([0.0, -1e3, 7.0]))
@settings(max_examples=6, deadline=None)
def test_the_unit_of_a_feature_changes_nothing(scale, offset):
    moved = [each.assign(age=each["age"] * scale + offset) for each in SMALL]
    old, new = of(drift_over_time(*SMALL), "age"), of(drift_over_time(*moved), "age")
    assert new.onset.row == old.onset.row
    assert new.after == pytest.approx(old.after, rel=1e-3)


def test_the_order_of_rows_is_that_of_their_times():
    shuffled = SMALL[1].sample(frac=1, random_state=0)
    assert fast(SMALL[0], shuffled) == fast(*SMALL)


def test_rows_do_without_times():
    past, now = (each.drop(columns="timestamp") for each in SMALL)
    onset = of(drift_over_time(past, now), "age").onset
    assert onset.time is None
    assert abs(onset.row - 1_200) <= 20
    assert str(onset).startswith("row 1,")


def test_naive_times_are_taken_as_utc():
    naive = [each.assign(timestamp=each["timestamp"].dt.tz_localize(None)) for each in SMALL]
    with pytest.warns(UserWarning, match="taken as UTC"):
        assert fast(*naive) == fast(*SMALL)


def test_one_window_dates_but_tells_no_pattern():
    found = of(drift_over_time(*SMALL, windows="365D"), "age")
    assert (found.drifted, found.pattern) == (True, "not enough windows to tell")


def test_few_rows_are_no_drift():
    assert drift_over_time(SMALL[0], SMALL[1].iloc[-5:]).onset is None
    assert drift_over_time(SMALL[0].iloc[:1], SMALL[1].iloc[:1]).onset is None


def alone(old, new):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return drift_over_time(pd.DataFrame({"x": old}), pd.DataFrame({"x": new})).features[0]


NORMAL = np.random.default_rng(5).normal(size=(2, 2_000))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (np.full(2_000, 3.0), np.full(2_000, 3.0)),
        (np.full(2_000, np.nan), np.full(2_000, np.nan)),
        (pd.Series([None] * 2_000, dtype=object), pd.Series([None] * 2_000, dtype=object)),
        (np.where(NORMAL[0] > 2, np.inf, NORMAL[0]), np.where(NORMAL[1] > 2, np.inf, NORMAL[1])),
        (NORMAL[0] > 0, (NORMAL[1] > 0).astype(int)),
        (pd.Series(NORMAL[0]).astype("float64[pyarrow]"), pd.Series(NORMAL[1]).astype("Float64")),
        (pd.Series(NORMAL[0]), pd.Series(NORMAL[1]).astype(str)),
        (pd.Series(["a", 1, None, (2,)] * 500), pd.Series(["a", 1, None, (2,)] * 500)),
        (list(NORMAL[0].reshape(-1, 2)), list(NORMAL[1].reshape(-1, 2))),
        (pd.to_datetime(NORMAL[0], unit="D"), pd.to_datetime(NORMAL[1], unit="D")),
        ([f"one two three four {each:.3f}" for each in NORMAL[0]],) * 2,
        (np.arange(2_000).astype(str), np.arange(2_000, 4_000).astype(str)),
    ],
    ids=[
        *("constant", "all-missing", "all-none", "infinite", "boolean-as-number", "nullable"),
        *("number-as-text", "mixed", "embedding", "datetime", "text", "identifier"),
    ],
)
def test_what_stays_the_same_stays(old, new):
    assert not alone(old, new).drifted


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (np.full(2_000, 3.0), np.repeat([3.0, 4.0], [1_200, 800])),
        (np.full(2_000, np.nan), np.where(np.arange(2_000) < 1_200, np.nan, NORMAL[0])),
        (NORMAL[0], np.where(np.arange(2_000) < 1_200, NORMAL[1], np.nan)),
        (NORMAL[0], np.where(np.arange(2_000) < 1_200, NORMAL[1], 1_000 * NORMAL[1])),
        (NORMAL[0], np.where(np.arange(2_000) < 1_200, NORMAL[1], -200.0)),
        (["a", "b"] * 1_000, ["a", "b"] * 600 + ["a", "new"] * 400),
        (["few words"] * 2_000, ["few words"] * 1_200 + [None] * 800),
        (
            list(NORMAL[0].reshape(-1, 1)),
            list(np.repeat([0, 5], [1_200, 800])[:, None] + NORMAL.T[:, :1]),
        ),
    ],
    ids=[
        *("no-more-constant", "starts-late", "goes-missing", "unit", "sentinel", "new-category"),
        *("text-missing", "embedding"),
    ],
)
def test_a_break_is_dated_to_the_row(old, new):
    found = alone(old, new)
    assert found.drifted
    assert abs(found.onset.row - 1_200) <= 10


def test_a_column_that_is_gone_has_drifted_from_the_start():
    history = drift_over_time(SMALL[0], SMALL[1].drop(columns="income").assign(extra=1))
    assert of(history, "income").onset.row == 0
    assert "extra" not in history.effects


def test_a_hundred_thousand_categories_are_no_drift():
    rng = np.random.default_rng(6)
    names = np.char.add("id", rng.integers(0, 100_000, 60_000).astype(str))
    assert not alone(names[:40_000], names[40_000:]).drifted


def test_one_absurd_value_does_not_hide_a_shift():
    old = NORMAL[0].copy()
    old[7] = 1e12
    found = alone(old, NORMAL[1] + (np.arange(2_000) >= 1_200))
    assert found.after == pytest.approx(1.0, rel=0.15)


def test_targets_that_are_not_known_yet_are_not_missing():
    rng = np.random.default_rng(7)
    past = pd.DataFrame({"x": rng.normal(size=3_000), "target": rng.integers(0, 2, 3_000)})
    now = pd.DataFrame({"x": rng.normal(size=3_000), "target": rng.integers(0, 2, 3_000)})
    now["target"] = now["target"].where(np.arange(3_000) < 2_000)
    history = drift_over_time(past, now)
    assert [each.feature for each in history.features] == ["x", "target"]
    assert history.onset is None
    assert history.effects["target"].isna().sum() == 10


def test_roles_say_what_is_followed():
    roles = Roles(prediction="plan", target="paid", timestamp="timestamp", ignored=("city",))
    history = drift_over_time(*SMALL, roles)
    assert [each.feature for each in history.features][-3:] == ["plan", "score", "paid"]
    assert "city" not in history.effects


@pytest.mark.parametrize("known", [0, 1])
def test_vectors_that_the_reference_lacks_are_followed_nowhere(known):
    old, new = frame(300, 0), frame(300, 1)
    vectors = list(np.random.default_rng(0).normal(size=(300, 4)))
    old["vector"] = [*vectors[:known], *[None] * (300 - known)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = drift_over_time(old, new.assign(vector=vectors))
    assert {each.feature for each in found.features} >= {"age", "plan"}


def test_an_empty_table_is_refused():
    with pytest.raises(FrameError, match="0 rows"):
        drift_over_time(SMALL[0], SMALL[1].iloc[:0])


def test_scores_are_orthonormal_in_the_reference():
    rng = np.random.default_rng(8)
    for values in (rng.normal(size=5_000), rng.poisson(1.0, 5_000), rng.choice(list("abc"), 5_000)):
        bins = bin_feature(pd.Series(values), pd.Series(values), 500)
        shares = window_counts(bins.reference, np.zeros(5_000, int), 1, len(bins.scores))[0] / 5_000
        covariance = (bins.scores * shares[:, None]).T @ bins.scores
        assert shares @ bins.scores == pytest.approx(np.zeros(bins.scores.shape[1]), abs=0.05)
        assert covariance == pytest.approx(np.eye(len(covariance)), abs=0.05)
