"""Before and now: what surely changed, what did not, and what nobody can tell."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from aiopslab import overview, sources
from aiopslab.errors import ParameterError
from aiopslab.overview import compare, prepare

START = pd.Timestamp("2026-03-01T12:00Z")


def predicted(rights):
    times = pd.date_range(START, periods=len(rights), freq="s")
    target = np.where(rights, "cat", "dog")
    table = pd.DataFrame({"timestamp": times, "prediction": "cat", "target": target})
    return prepare({"observations": table})


def told(before, now, **options):
    return compare(before, now, overview.Targets(), **options).table().set_index("measure")


@pytest.fixture(scope="module")
def recordings():
    names = ("classifier-degraded", "no-fault")
    opened = {name: sources.open(f"sample://{name}") for name in names}
    return {name: (each, prepare(each.frames)) for name, each in opened.items()}


def test_what_a_bad_model_did_is_undone_in_the_model_and_in_the_answers(recordings):
    (evening, bad), (_, good) = recordings.values()
    fault = pd.Timestamp(evening.truth["started"]), None
    table = told(bad, good, before_window=fault)
    assert table.loc["right predictions", "outcome"] == "better"
    assert table.loc["helpful answers", "outcome"] == "better"
    assert table.loc["cost a query", "outcome"] == "equivalent"
    assert table.loc["right predictions", "low"] > 0.2


def test_of_a_day_against_itself_nothing_surely_changed(recordings):
    evening, good = recordings["no-fault"]
    middle = evening.start + (evening.end - evening.start) / 2
    halves = {"before_window": (None, middle), "now_window": (middle, None)}
    seen = compare(good, good, overview.Targets(), **halves)
    assert seen.better == () == seen.worse and seen.findings() == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 60), st.integers(10, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_share_has_newcombes_interval_and_the_other_way_round_it_is_mirrored(n, m, a, b):
    a, b = min(a, n), min(b, m)
    first, second = predicted(np.arange(n) < a), predicted(np.arange(m) < b)
    row = told(first, second).loc["right predictions"]
    low, high = confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff")
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-9)
    back = told(second, first).loc["right predictions"]
    assert (back["low"], back["high"]) == pytest.approx((-row["high"], -row["low"]), abs=1e-9)
    mirrored = {"better": "worse", "worse": "better"}
    assert back["outcome"] == mirrored.get(row["outcome"], row["outcome"])


def test_a_handful_is_not_enough_to_tell():
    row = told(predicted(np.zeros(9)), predicted(np.ones(200))).loc["right predictions"]
    assert row["outcome"] == "not enough data" and np.isnan(row["low"])


def test_what_one_of_the_times_lacks_is_left_out(recordings):
    _, good = recordings["no-fault"]
    seen = compare(predicted(np.ones(50)), good, overview.Targets())
    assert seen.table()["tile"].tolist() == ["model accuracy"]
    nothing = compare(prepare({}), good, overview.Targets())
    assert (
        nothing.table().empty
        and "Nothing to compare" in nothing.figure().layout.meta["description"]
    )


def test_figure_and_findings_say_how_much_better_with_the_interval():
    rng = np.random.default_rng(0)
    seen = compare(
        predicted(rng.random(300) < 0.5), predicted(rng.random(300) < 0.9), overview.Targets()
    )
    (finding,) = seen.findings()
    assert finding.subject == "model accuracy" and finding.effect.interval.low > 0.2
    titles = [each.text for each in seen.figure().layout.annotations]
    assert any("right predictions" in each and "better" in each for each in titles)


@pytest.mark.parametrize("confidence", [0, 1, 1.5, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ParameterError, match="confidence"):
        told(prepare({}), prepare({}), confidence=confidence)


def test_a_window_that_ends_before_it_starts_is_refused():
    one = predicted(np.ones(50))
    with pytest.raises(ParameterError, match="before it starts"):
        told(one, one, now_window=(START + pd.Timedelta("1min"), START))
