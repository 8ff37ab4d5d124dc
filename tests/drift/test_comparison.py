"""Comparisons: distances beside scipy, intervals and tests beside labelled truth, bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial import distance

from aiopslab.drift.comparison import Comparison, compare
from aiopslab.drift.effects import (
    estimated,
    estimated_wasserstein,
    jensen_shannon,
    stability_index,
    total_variation,
    wasserstein,
)
from aiopslab.drift.feature import Margins
from aiopslab.drift.histogram import histogram
from aiopslab.drift.omnibus import (
    benjamini_hochberg,
    category_test,
    cauchy_combination,
    ordered_test,
)
from aiopslab.drift.profiles import profile
from aiopslab.errors import AIOpsLabError, FrameError

SHARES = hnp.arrays(float, 6, elements=st.floats(0.01, 1)).map(lambda each: each / each.sum())


def compared(reference: pd.DataFrame, current: pd.DataFrame, **more: object) -> Comparison:
    good = profile(reference)
    return compare(good, profile(current, good), **more)  # type: ignore[arg-type]


def of(result: Comparison, feature: str) -> pd.Series:
    return result.table().set_index("feature").loc[feature]


def columns(**values: object) -> pd.DataFrame:
    return pd.DataFrame(values)


# --- distances


@given(SHARES, SHARES)
def test_distances_are_those_of_scipy(p, q):
    places = np.array([0.0, 1.0, 1.5, 4.0, 4.1, 9.0])
    wanted = stats.wasserstein_distance(places, places, p, q)
    assert wasserstein(np.diff(places))(p, q) == pytest.approx(wanted, abs=1e-9)
    # Where both are the same but for rounding, scipy takes the root of a number just below 0.
    with np.errstate(invalid="ignore"):
        nearness = np.nan_to_num(distance.jensenshannon(p, q, 2))
    assert jensen_shannon(p, q) == pytest.approx(nearness, abs=1e-6)
    assert stability_index(p, q) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
    assert total_variation(p, q) == pytest.approx(distance.cityblock(p, q) / 2)


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(np.int64, 5, elements=st.integers(0, 400)),
    hnp.arrays(np.int64, 5, elements=st.integers(0, 400)),
)
def test_an_interval_is_in_order_finite_and_holds_its_value(one, two):
    found = [
        *estimated(one, two, [total_variation, jensen_shannon, stability_index]),
        estimated_wasserstein(one, two, np.ones(4)),
    ]
    for each in found:
        if one.sum() and two.sum():
            assert 0 <= each.low <= each.value <= each.high < np.inf
        else:
            assert np.isnan([each.value, each.low, each.high]).all()


def test_the_wasserstein_distance_is_in_reference_sds_and_that_of_scipy():
    rng = np.random.default_rng(0)
    for reference, current in (
        (rng.normal(5, 3, 20_000), rng.normal(6, 4, 20_000)),
        (rng.exponential(2, 20_000), rng.exponential(3, 10_000)),
        (rng.normal(0, 1, 20_000), np.append(rng.normal(0, 1, 19_000), rng.normal(4, 1, 1_000))),
    ):
        row = of(compared(columns(x=reference), columns(x=current)), "x")
        wanted = stats.wasserstein_distance(reference, current) / reference.std()
        assert row["wasserstein"] == pytest.approx(wanted, rel=0.05)
        assert row["low"] < wanted < row["high"]


@pytest.mark.parametrize("side", ["reference", "current"])
def test_one_outlier_moves_nothing(side):
    rng = np.random.default_rng(1)
    tables = {name: rng.normal(size=1_000) for name in ("reference", "current")}
    plain = of(compared(columns(x=tables["reference"]), columns(x=tables["current"])), "x")
    tables[side][0] = 1e9
    row = of(compared(columns(x=tables["reference"]), columns(x=tables["current"])), "x")
    assert row["high"] == pytest.approx(plain["high"], abs=0.02)
    assert not row["significant"]


def test_a_few_rows_far_beyond_a_large_reference_are_seen_in_full():
    rng = np.random.default_rng(2)
    result = compared(columns(x=rng.normal(size=100_000)), columns(x=rng.normal(30, 1, 50)))
    assert of(result, "x")["effect"] == pytest.approx(30, rel=0.05)
    assert result.drifted == ("x",)


def test_distances_have_no_share_of_chance_in_them_where_nothing_moved():
    rng = np.random.default_rng(3)
    tables = [
        pd.DataFrame(rng.normal(size=(500, 40))).add_prefix("x").assign(c=rng.integers(0, 9, 500))
        for _ in range(2)
    ]
    table = compared(*tables).table()
    assert (table["low"] == 0).mean() >= 0.9
    # The plug-in distance of 500 rows a side is about .06 SD; half of the estimates are 0.
    assert table["wasserstein"].median() < 0.03


@pytest.mark.parametrize("measure", ["wasserstein", "tv", "js", "psi"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(measure):
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(60):
        one, two = rng.normal(size=2_000), rng.normal(0.3, 1, 2_000)
        effects = compared(columns(x=one), columns(x=two)).effects().set_index("measure")
        # The truth on the cells that this reference cuts, which the profile's bins blur little.
        edges = np.quantile(one, np.linspace(0, 1, 21)[1:-1])
        p, q = (
            np.diff(np.concatenate([[0], stats.norm.cdf(edges - shift), [1]])) for shift in (0, 0.3)
        )
        truth = {
            "wasserstein": 0.3,
            "tv": total_variation(p, q),
            "js": jensen_shannon(p, q),
            "psi": stability_index(p, q),
        }[measure]
        held += effects.loc[measure, "low"] <= truth <= effects.loc[measure, "high"]
    assert held >= 52  # of 60 at 95 %: fewer is seen once in a hundred thousand


# --- tests


def test_the_cauchy_combination_of_one_test_is_its_p_value():
    for p in (1e-300, 1e-12, 0.003, 0.2, 0.7):
        assert cauchy_combination([p], [2.0]) == pytest.approx(p, rel=1e-9)
        assert cauchy_combination([p, np.nan], [1, 1]) == pytest.approx(p, rel=1e-9)
    assert cauchy_combination([0.0, 0.4], [1, 1]) == 0
    assert np.isnan(cauchy_combination([np.nan], [1]))


@given(hnp.arrays(float, st.integers(1, 20), elements=st.floats(0, 1)))
def test_the_false_discovery_rate_is_that_of_scipy(p):
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(np.int64, 12, elements=st.integers(0, 30)),
    hnp.arrays(np.int64, 12, elements=st.integers(0, 30)),
)
def test_a_test_is_the_same_with_the_sides_or_the_order_turned(one, two):
    p, location, scale = ordered_test(one, two)
    turned, back, again = ordered_test(two, one)
    mirrored, down, wide = ordered_test(one[::-1], two[::-1])
    np.testing.assert_allclose([turned, back, again], [p, -location, -scale], atol=1e-7)
    np.testing.assert_allclose([down, wide], [-location, scale], atol=1e-7)
    for each in (p, mirrored):
        assert np.isnan(each) or 0 <= each <= 1


def test_location_is_the_wilcoxon_like_test_of_scipy():
    """Normal scores agree with van der Waerden's test on data without ties."""
    rng = np.random.default_rng(5)
    pooled = rng.permutation(400)
    one = np.isin(np.arange(400), pooled[:150]).astype(np.int64)
    score = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    taken = [score[rng.permutation(400)[:250]].sum() for _ in range(4_000)]
    _, location, _ = ordered_test(one, 1 - one)
    wanted = (score[one == 0].sum() - np.mean(taken)) / np.std(taken)
    assert location == pytest.approx(wanted, abs=0.12)


def test_two_categories_have_the_chi_square_test_of_scipy():
    table = np.array([[300, 700], [360, 640]])
    wanted = stats.chi2_contingency(table, correction=False).pvalue
    assert category_test(*table) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("rows", [60, 2_000])
def test_p_values_are_even_where_nothing_moved(rows):
    """Numbers with few values, heavy tails or a gap, and categories, many of them rare."""
    rng = np.random.default_rng(6)
    draws = {
        "counts": lambda: rng.poisson(1.5, rows),
        "heavy": lambda: rng.standard_t(1.5, rows),
        "zeros": lambda: np.where(rng.random(rows) < 0.8, 0, rng.exponential(1, rows)),
        "rare": lambda: rng.zipf(1.6, rows).clip(max=999).astype(str),
    }
    p = []
    for _ in range(25):
        frames = [pd.DataFrame({name: draw() for name, draw in draws.items()}) for _ in range(2)]
        p.extend(compared(*frames).table()["p"])
    alarms = int((np.array(p) < 0.05).sum())
    assert stats.binom.ppf(1e-4, len(p), 0.02) <= alarms <= stats.binom.ppf(0.9999, len(p), 0.06)


@pytest.mark.parametrize(
    ("name", "move", "word"),
    [
        ("shift", lambda rng, x: x + 0.25, "higher"),
        ("fall", lambda rng, x: x - 0.25, "lower"),
        ("spread", lambda rng, x: 1.25 * x, "wider"),
        ("squeeze", lambda rng, x: x / 1.25, "narrower"),
        ("slice", lambda rng, x: np.where(rng.random(len(x)) < 0.08, x + 2.5, x), ""),
        ("gone", lambda rng, x: np.where(rng.random(len(x)) < 0.1, np.nan, x), "missing 0 % → "),
        ("inf", lambda rng, x: np.where(rng.random(len(x)) < 0.1, np.inf, x), "infinity 0 % → "),
        ("stuck", lambda rng, x: np.where(rng.random(len(x)) < 0.15, 0.5, x), ""),
        ("sentinel", lambda rng, x: np.where(rng.random(len(x)) < 0.05, -200, x), "lower"),
        ("unit", lambda rng, x: 1000 * x, "wider"),
    ],
)
def test_drift_of_every_sort_is_found_among_features_at_rest_and_told(name, move, word):
    rng = np.random.default_rng(8)
    reference = pd.DataFrame(rng.normal(size=(3_000, 12))).add_prefix("x")
    current = pd.DataFrame(rng.normal(size=(3_000, 12))).add_prefix("x")
    current["x5"] = move(rng, current["x5"].to_numpy())
    result = compared(reference, current)
    assert result.features[0].feature == "x5"
    assert "x5" in result.drifted
    assert len(result.drifted) <= 2
    assert word in of(result, "x5")["direction"]


def test_with_many_rows_the_trifle_is_significant_and_no_drift():
    rng = np.random.default_rng(9)
    n = 200_000
    reference = columns(a=rng.normal(size=n), b=rng.normal(size=n), c=rng.random(n) < 0.3)
    current = columns(a=rng.normal(0.02, 1, n), b=rng.normal(0, 1.1, n), c=rng.random(n) < 0.31)
    result = compared(reference, current)
    table = result.table().set_index("feature")
    assert table["significant"].all()
    assert result.drifted == ("b",)
    strict = compare(result.reference, result.current, margins=Margins(sds=0.001, share=0.001))
    assert set(strict.drifted) == {"a", "b", "c"}


def test_categories_that_come_and_go_are_told():
    reference = columns(c=["a"] * 500 + ["b"] * 500)
    new = compared(reference, columns(c=["a"] * 500 + ["b"] * 300 + ["ü"] * 200))
    assert of(new, "c")["direction"] == "new: 'ü' 20 %" or "1 new" in of(new, "c")["direction"]
    assert of(new, "c")["tv"] == pytest.approx(0.2, abs=0.02)
    gone = compared(reference, columns(c=["a"] * 1000))
    assert "50 %" in of(gone, "c")["direction"]
    assert np.isfinite(of(gone, "c")["psi"])
    surge = compared(reference, columns(c=["a"] * 400 + ["b"] * 400 + [None] * 200))
    assert of(surge, "c")["direction"] == "missing 0 % → 20 %"


def test_a_hundred_thousand_categories_at_rest_are_no_drift_and_one_that_grows_is():
    rng = np.random.default_rng(10)
    one, two = (rng.integers(0, 100_000, 30_000).astype(str).astype(object) for _ in range(2))
    assert not compared(columns(c=one), columns(c=two)).drifted
    two[:1_500] = "7"
    moved = compared(columns(c=one), columns(c=two))
    assert moved.drifted == ("c",)
    assert "'7'" in of(moved, "c")["direction"]


def test_texts_and_embeddings_are_compared():
    rng = np.random.default_rng(11)
    words = np.array(["disk", "net", "full", "slow", "down", "up", "error", "fine"])

    def texts(rows: int, more: str = "") -> list[str]:
        return [" ".join([*rng.choice(words, 6), more]).strip() for _ in range(rows)]

    reference = columns(t=texts(400), v=list(rng.normal(size=(400, 8))))
    same = compared(reference, columns(t=texts(400), v=list(rng.normal(size=(400, 8)))))
    assert not same.drifted
    moved = compared(
        reference,
        columns(t=texts(300) + texts(100, "quota"), v=list(rng.normal(0.5, 1, (400, 8)))),
    )
    assert set(moved.drifted) == {"t", "v"}
    assert of(moved, "t")["direction"] == "new: 'quota' 25 %"


# --- bad input


def test_columns_that_only_one_side_has_are_named():
    rng = np.random.default_rng(12)
    result = compared(
        columns(a=rng.normal(size=50), gone=1.0), columns(a=rng.normal(size=50), new="x")
    )
    assert (result.absent, result.extra) == (("gone",), ("new",))
    assert result.table()["feature"].tolist() == ["a"]


def test_too_few_rows_are_a_result_that_says_how_many_would_do():
    reference = columns(x=np.arange(500.0), c=["a", "b"] * 250)
    for rows in (0, 1, 29):
        result = compared(reference, reference.head(rows))
        assert not result.drifted
        assert result.table()["p"].isna().all()
        assert result.table()["direction"].str.contains(f"{rows} values .* 30 needed").all()


def test_a_feature_that_is_all_missing_now_has_drifted():
    reference = columns(x=np.arange(500.0), y=np.arange(500.0))
    result = compared(reference, columns(x=[np.nan] * 500, y=np.arange(500.0)))
    assert result.drifted == ("x",)
    assert of(result, "x")["direction"] == "missing 0 % → 100 %"


def test_what_never_varies_is_at_rest_until_it_does():
    constant = columns(x=[3.0] * 100, c=["a"] * 100)
    same = compared(constant, constant)
    assert not same.drifted
    assert (same.table()["effect"] == 0).all()
    moved = compared(constant, columns(x=[4.0] * 100, c=["b"] * 100))
    assert set(moved.drifted) == {"x", "c"}


def test_a_number_that_became_text_has_drifted_and_says_so():
    reference = columns(x=np.arange(200.0))
    result = compared(reference, columns(x=["n/a"] * 200))
    assert result.drifted == ("x",)
    assert of(result, "x")["direction"] == "unreadable 0 % → 100 %"


def test_no_warning_reaches_the_user():
    rng = np.random.default_rng(13)
    reference = columns(
        x=[np.inf, -np.inf, np.nan, *rng.normal(size=97)],
        y=[None] * 100,
        z=[1e308, -1e308] * 50,
        c=[None, *"abc" * 33],
        t=pd.date_range("2026-01-01", periods=100, freq="h"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compared(reference, reference.sample(frac=1, random_state=0))
        result.table(), result.effects()
        result.reference.table()
    assert not result.drifted


def test_profiles_on_other_edges_and_foolish_settings_are_refused():
    one, two = profile(columns(x=np.arange(50.0))), profile(columns(x=np.arange(90.0)))
    with pytest.raises(FrameError, match="like=reference"):
        compare(one, two)
    with pytest.raises(FrameError, match="in common"):
        compare(one, profile(columns(y=[1.0])))
    with pytest.raises(AIOpsLabError, match="confidence"):
        compare(one, one, confidence=95)


# --- figures


def test_the_bars_of_a_feature_hold_all_rows_on_both_sides():
    rng = np.random.default_rng(14)
    reference = columns(
        x=np.append(rng.normal(size=290), [np.nan] * 10),
        c=rng.integers(0, 40, 300).astype(str),
        t=pd.date_range("2026-01-01", periods=300, freq="h"),
        k=[5] * 300,
    )
    current = reference.sample(200, random_state=0).reset_index(drop=True)
    current.loc[:20, "x"] = np.inf
    result = compared(reference, current)
    for name in reference:
        bars = histogram(result.reference[name], result.current[name])
        assert len(bars) <= 60
        assert bars["reference"].sum() == pytest.approx(1)
        assert bars["current"].sum() == pytest.approx(1)
        edges = bars.dropna(subset=["left"])
        assert (edges["right"].iloc[:-1].to_numpy() == edges["left"].iloc[1:].to_numpy()).all()


def test_figures_tell_what_moved_without_colour_and_in_words():
    rng = np.random.default_rng(15)
    reference = columns(**{"<b>age</b>": rng.normal(size=500), "plan": ["a", "b"] * 250})
    current = columns(**{"<b>age</b>": rng.normal(1, 1, 500), "plan": ["a", "b"] * 250})
    result = compared(reference, current)
    strip = result.figure()
    assert "1 of 2 columns drifted" in strip.layout.title.text
    assert strip.data[0].marker.symbol != strip.data[1].marker.symbol
    assert "higher" in strip.layout.meta["description"]
    drawn = result.distribution("<b>age</b>")
    assert drawn.data[1].marker.pattern.shape
    assert "<b>" not in drawn.layout.title.text
    assert "widest gap" in drawn.layout.meta["description"]
    with pytest.raises(FrameError, match="agee"):
        result.distribution("agee")
