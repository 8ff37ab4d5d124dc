"""The burn of a budget: what is spent, when it ends, and when nobody can tell."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.overview import spend
from aiopslab.overview.spending.forecast import Forecast, foretell
from aiopslab.overview.spending.ledger import read
from tests.overview.spending.worlds import START, calls

DAY = pd.Timedelta("1D")


def daily(costs):
    """Return a call each noon that costs what is told, and one at both ends that costs nothing."""
    days = np.arange(len(costs))
    times = START + pd.to_timedelta([0, *(days + 0.5), len(days)], unit="D")
    return calls(len(times), cost=[0.0, *costs, 0.0], timestamp=times)


def ahead(costs, days, seed=0):
    return foretell(read(daily(costs)), days * DAY, seed)


def test_spending_that_never_varies_ends_a_budget_to_the_day():
    burn = spend(daily([2.0] * 30), budget_usd=90, period="60D").burn
    assert (burn.spent, burn.left) == (60.0, 30.0)
    assert burn.outlook == "expected"
    assert abs(burn.time - (START + 45 * DAY)) < pd.Timedelta("1h")
    assert abs(burn.low - burn.high) < pd.Timedelta("1h")
    assert burn.ahead.value == pytest.approx(14)
    assert burn.level == "act"
    assert "ends on 2026-04-16" in burn.sentence


def test_a_budget_that_lasts_says_so():
    burn = spend(daily([2.0] * 50), budget_usd=150, period="60D").burn
    assert burn.outlook == "not expected"
    assert burn.level == "ok"
    assert burn.total.value == pytest.approx(120)
    assert "lasts to the end" in burn.sentence


def test_a_budget_that_is_spent_says_so():
    burn = spend(daily([2.0] * 30), budget_usd=50, period="60D").burn
    assert (burn.outlook, burn.level) == ("reached", "act")
    assert burn.left == pytest.approx(-10)


def test_periods_follow_each_other_and_only_the_last_is_held_to_the_budget():
    burn = spend(daily([2.0] * 40), budget_usd=100, period="30D").burn
    assert burn.start == START + 30 * DAY
    assert burn.spent == pytest.approx(20)
    other = spend(daily([2.0] * 40), budget_usd=100, period="30D", begin="2026-04-10T00:00Z").burn
    assert other.start == pd.Timestamp("2026-04-10", tz="UTC")
    assert other.spent == pytest.approx(2)


def test_a_budget_without_any_call_in_its_period_yet_is_whole():
    burn = spend(daily([2.0] * 30), budget_usd=100, begin="2026-04-01T00:00Z").burn
    assert burn.start <= burn.now
    assert burn.spent <= 2


@pytest.mark.parametrize("rows", [2, 5, 19])
def test_too_little_data_is_said_with_how_much_would_do(rows):
    burn = spend(calls(rows, "1h"), budget_usd=1).burn
    assert (burn.outlook, burn.level) == ("not enough data", "watch")
    assert "would do" in burn.sentence
    assert np.isnan(burn.ahead.value)
    found = foretell(read(calls(3).assign(timestamp=START)), DAY, 0)
    assert not len(found.paths)
    assert "one time" in found.said


def test_what_lies_further_than_can_be_foretold_has_no_interval():
    burn = spend(daily(2 + np.random.default_rng(0).random(30)), budget_usd=300, period="365D").burn
    assert burn.reach <= 15 * DAY
    assert burn.outlook == "possible"
    assert pd.isna(burn.high)
    assert "further than can be foretold" in burn.sentence
    assert np.isnan(burn.total.value)


def test_a_period_that_ends_beyond_the_reach_lasts_only_by_far():
    told = 2 + np.random.default_rng(0).random(30)
    far = spend(daily(told), budget_usd=2_000, period="365D").burn
    assert far.outlook == "not expected"
    assert "if it goes on like this" in far.sentence.lower()
    near = spend(daily(told), budget_usd=2.5 * 365 + 20, period="365D").burn
    assert near.outlook == "possible"
    assert "further than can be foretold" in near.sentence


def test_a_month_without_a_budget_is_still_foretold():
    burn = spend(daily([2.0] * 30)).burn
    assert not burn.has_budget
    assert burn.level == "ok"
    assert burn.ahead.value == pytest.approx(14)
    assert "Spending of the next 7 d: 14 USD" in burn.sentence


def test_weekends_are_foretold_once_they_were_seen():
    rng = np.random.default_rng(0)
    week = np.where(np.arange(70) % 7 < 5, 10.0, 2.0) * rng.gamma(400, 1 / 400, 70)
    found = ahead(week[:56], 14)
    assert "season of 7 d" in found.said
    steps = np.diff(np.median(found.paths, axis=1), prepend=0)
    assert np.corrcoef(steps, week[56:])[0, 1] > 0.9
    few = foretell(read(calls(100, "1h")), DAY, 0)
    assert "cannot be told apart" in few.said or "the same" in few.said


@pytest.mark.parametrize(
    "kind", ["level", "week", "alike", "leap", "growth"]
)  # what a bootstrap of past days is not ready for
def test_intervals_hold_what_was_spent(kind):
    """At least 9 of 12 of 95 %: fewer come in 1 of 4,000 runs of such intervals."""
    held = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        days, told = np.arange(70), rng.lognormal(0, 0.2, 70)
        match kind:
            case "week":
                told = told * np.where(days % 7 < 5, 1.2, 0.5)
            case "alike":
                errors = rng.normal(0, 0.2, 70)
                for each in range(1, 70):
                    errors[each] += 0.7 * errors[each - 1]
                told = np.exp(errors)
            case "leap":
                told = told * np.where(days < 48, 1, 3)
            case "growth":
                told = told * 1.02**days
        low, high = np.quantile(ahead(told[:60], 10, seed).paths[-1], [0.025, 0.975])
        held += low <= told[60:].sum() <= high
    assert held >= 9


def test_a_day_on_which_nothing_was_spent_is_no_trouble():
    told = np.where(np.arange(60) % 7 < 5, 1.0, 0.0)
    paths = ahead(told, 14).paths
    assert np.isfinite(paths).all()
    assert (np.diff(paths, axis=0) >= 0).all()


def test_a_day_whose_costs_nobody_knows_is_not_a_day_without_any():
    told = np.full(40, 2.0)
    told[20] = np.nan
    found = ahead(told, 10)
    assert np.isnan(found.spent).sum() == 1
    assert np.median(found.paths[-1]) == pytest.approx(20)
    burn = spend(daily(told), budget_usd=100, period="60D").burn
    assert burn.unknown == 1
    assert burn.sentence.startswith("At least")


def test_times_at_which_an_amount_is_spent_lie_within_a_stretch():
    found = Forecast(DAY, np.ones(3), np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]]))
    assert found.until(2.5).tolist() == [2.5, 0.625]
    assert np.isinf(found.until(5.0)).all()
    assert found.by(1.5 * DAY).tolist() == [1.5, 4.0]
    assert found.by(3 * DAY).tolist() == [3.0, 4.0]


def test_the_picture_shows_budget_forecast_and_the_end_of_the_period():
    burn = spend(daily(2 + np.random.default_rng(1).random(50)), budget_usd=150, period="60D").burn
    figure = burn.figure()
    assert {each.name for each in figure.data} == {"history", "forecast", "interval"}
    left = next(each for each in figure.data if each.name == "history")
    assert left.y[-1] == pytest.approx(burn.left)
    notes = {each.text for each in figure.layout.annotations}
    assert notes == {"the budget is spent", "period ends"}
    # What is left falls: its low is where most is spent.
    high, low = (each.y for each in figure.data if each.name == "interval")
    assert (np.asarray(high) >= np.asarray(low)).all()
