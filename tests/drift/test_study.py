"""The investigation as a whole, on recordings and on tables that are not as they should be."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aiopslab.drift import Roles, analyse
from aiopslab.drift.source import open_observations
from aiopslab.errors import FrameError
from aiopslab.frames.schemas import FrameWarning

TABLES = [
    "table",
    "features_table",
    "together_table",
    "history_table",
    "segments_table",
    "performance_table",
    "quality_table",
    "assumptions_table",
]


@pytest.fixture(scope="module")
def degraded():
    """A recording of a classifier that got worse, judged by one in which nothing happened."""
    good, bad = (open_observations(f"sample://{each}") for each in NAMES)
    return bad.truth, analyse(good.frames["observations"], bad.frames["observations"])


NAMES = ("no-fault", "classifier-degraded")


def test_a_degraded_model_is_rolled_back(degraded):
    _, found = degraded
    assert (found.diagnosis.cause.name, found.diagnosis.action) == ("another model", "roll back")
    verdict = found.verdict()
    assert verdict.level == "act"
    assert verdict.headline.startswith("Roll back: ")
    assert "accuracy fell from" in verdict.headline
    assert verdict.actions


def test_since_when_is_within_a_minute_of_the_truth(degraded):
    truth, found = degraded
    apart = found.history.onset.time - pd.Timestamp(truth["started"])
    assert abs(apart) < pd.Timedelta("1min")


def test_every_section_has_something_to_show(degraded):
    _, found = degraded
    for name in TABLES:
        assert isinstance(getattr(found, name)(), pd.DataFrame)
    assert len(found.table()) == 11  # features, prediction, score and target
    assert found.figure().data
    assert found.performance_figure().data
    metrics = found.verdict().metrics
    assert metrics["accuracy"] < metrics["accuracy of the reference"]


def test_two_halves_of_one_recording_are_alike():
    told = open_observations("sample://no-fault").frames["observations"]
    first = np.random.default_rng(0).random(len(told)) < 0.5
    found = analyse(told[first], told[~first])
    assert (found.level, found.diagnosis.cause.name) == ("ok", "no drift")
    assert "No drift that matters in 8 features" in found.verdict().headline
    assert found.verdict().findings == ()


def table(seed, rows=150):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"age": rng.normal(40, 10, rows), "city": rng.choice(["Zürich", "東京", "Lima"], rows)}
    )


def judged(reference, current, **more):
    """Analyse, look at everything, and let no warning pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(reference, current, **more)
        found.verdict()._repr_html_()
        for name in TABLES:
            getattr(found, name)()
    return found


def test_features_alone():
    found = judged(table(0), table(1))
    assert (found.performance, found.estimation) == (None, None)
    assert found.level == "ok"
    assert len(found.diagnosis.untested) == 2


def test_columns_that_came_and_went():
    found = judged(table(0).assign(size=1.5), table(1).assign(weight=2.5))
    assert {(each.feature, each.kind) for each in found.breaks} == {
        ("size", "column is missing"),
        ("weight", "column is new"),
    }
    assert (found.level, found.diagnosis.action) == ("act", "fix the data")


def test_no_column_in_common():
    with pytest.raises(FrameError):
        analyse(table(0)[["age"]], table(1)[["city"]])


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_hardly_a_row_says_little_and_does_not_fail(rows):
    found = judged(table(0), table(1, rows))
    assert found.level == "ok"
    assert found.diagnosis.cause.name == "no drift"


def test_no_row():
    with pytest.raises(FrameError, match="current observations have 0 rows"):
        analyse(table(0), table(1).iloc[:0])
    with pytest.raises(FrameError, match="reference observations have 0 rows"):
        analyse(table(0).iloc[:0], table(1))


@pytest.mark.parametrize("value", [np.nan, None, pd.NA])
def test_a_feature_of_which_nothing_is_left(value):
    found = judged(table(0), table(1).assign(age=value))
    assert found.diagnosis.action == "fix the data"
    assert "age is missing in 100 %" in found.diagnosis.cause.evidence_for[0]


def test_infinite_values():
    new = table(1)
    new.loc[::4, "age"] = np.inf
    new.loc[1::8, "age"] = -np.inf
    found = judged(table(0), new)
    assert ("age", "infinite values") in {(each.feature, each.kind) for each in found.breaks}
    assert np.isfinite(found.table()["effect"].dropna().astype(float)).all()


def test_a_feature_that_was_never_there():
    found = judged(table(0).assign(never=np.nan), table(1).assign(never=np.nan))
    assert found.level == "ok"


def test_times_without_a_zone_and_an_index_that_repeats_itself():
    times = pd.date_range("2026-03-01", periods=150, freq="min")
    old = table(0).assign(timestamp=times).set_index(np.zeros(150, dtype=int))
    new = table(1).assign(timestamp=times + pd.Timedelta("1D")).set_index(np.zeros(150, dtype=int))
    with pytest.warns(FrameWarning, match="no time zone; taken as UTC"):
        found = analyse(old, new.iloc[::-1])
    assert str(found.current["timestamp"].dt.tz) == "UTC"
    assert found.current["timestamp"].is_monotonic_increasing
    assert found.level == "ok"


EVIL = "<script>alert('é')</script>"


def test_what_rows_say_is_escaped_everywhere():
    old = table(0).rename(columns={"age": "<b>age</b>"})
    new = table(1).rename(columns={"age": "<b>age</b>"})
    new["<b>age</b>"] += 30
    new.loc[::3, "city"] = EVIL
    found = judged(old, new)
    verdict = found.verdict()._repr_html_()
    shown = [verdict, found._repr_html_(), found.diagnosis._repr_html_()]
    assert "&lt;script&gt;" in verdict
    shown += [getattr(found, name)()._repr_html_() for name in TABLES]
    assert not any("<script" in each or "<b>age" in each for each in shown)


def test_names_of_columns_of_ones_own():
    rng = np.random.default_rng(0)
    roles = Roles(prediction="said", ignored=("id",))
    old, new = (
        table(seed).assign(id=np.arange(150), said=rng.choice(["a", "b"], 150)) for seed in (0, 1)
    )
    found = judged(old, new, roles=roles)
    assert "id" not in set(found.table()["feature"])
    assert "said" in set(found.table()["feature"])
