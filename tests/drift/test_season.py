import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.history import drift_over_time
from aiopslab.drift.season import YEAR, find_season, parse_period, seasonal_reference
from aiopslab.errors import FrameError

START = pd.Timestamp("2023-01-01", tz="UTC")


def years(first, days, seed, growth=0.0):
    """Fifty rows a day: warmth goes with the year, price grows if told to, size stays."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 50)
    times = START + pd.to_timedelta(first + day, unit="D")
    warmth = -np.cos(2 * np.pi * (first + day) / 365.2425) + rng.normal(size=len(day)) * 0.5
    return pd.DataFrame(
        {
            "timestamp": times,
            "warmth": warmth,
            "price": rng.normal(size=len(day)) + growth,
            "size": rng.normal(size=len(day)),
        }
    )


def of(history, feature):
    return next(each for each in history.features if each.feature == feature)


@pytest.fixture(scope="module")
def history():
    past = years(0, 730, 1)
    now = pd.concat([years(730, 90, 2), years(820, 90, 3, growth=0.5)])
    return drift_over_time(past, now, period="1Y")


def test_what_only_the_season_moves_is_no_drift(history):
    warmth = of(history, "warmth")
    assert (warmth.season, warmth.drifted, warmth.onset) == ("only the season", False, None)
    assert warmth.words == "warmth moves with the season only"


def test_without_the_period_the_same_is_drift():
    past, now = years(0, 365, 1), years(365, 180, 2)
    assert of(drift_over_time(past, now), "warmth").drifted
    assert not of(drift_over_time(past, now, period="1Y"), "warmth").drifted


def test_what_the_season_does_not_move_drifts_beyond_it(history):
    price = of(history, "price")
    assert (price.season, price.pattern) == ("beyond the season", "sudden")
    assert price.onset.row_low <= 90 * 50 <= price.onset.row_high + 1
    assert history.onset.row_low <= 90 * 50 <= history.onset.row_high + 1


def test_what_stays_is_neither(history):
    assert (of(history, "size").season, of(history, "size").drifted) == ("none", False)
    assert history.covered == 1.0


def test_a_reference_of_another_season_says_nothing_of_it():
    history = drift_over_time(years(0, 90, 1), years(181, 90, 2), period="1Y")
    assert history.covered == 0.0
    assert of(history, "warmth").season == ""
    assert of(history, "warmth").drifted


def test_like_is_drawn_for_like():
    past, now = years(0, 365, 1), years(365 + 150, 60, 2)
    like = seasonal_reference(past, now, "1Y")
    assert like.covered == 1.0
    assert like.reference["warmth"].mean() == pytest.approx(now["warmth"].mean(), abs=0.05)
    assert not like.reference.duplicated().any()
    assert abs(past["warmth"].mean() - now["warmth"].mean()) > 0.5


def test_rows_of_a_season_never_seen_are_left_out():
    like = seasonal_reference(years(0, 90, 1), years(365 + 45, 90, 2), "1Y")
    assert like.covered == pytest.approx(0.5, abs=0.1)
    assert len(like.current) == pytest.approx(like.covered * 90 * 50)
    assert seasonal_reference(years(0, 90, 1), years(200, 30, 2), "1Y").reference.empty


def test_phases_of_a_day_are_its_hours():
    hours = pd.Series(pd.date_range(START, periods=24 * 40, freq="h"))
    season = find_season(hours, hours, "1D")
    assert season.current.tolist() == hours.dt.hour.tolist()


def test_a_row_without_a_time_has_no_phase():
    hours = pd.Series(pd.date_range(START, periods=24 * 40, freq="h"))
    with_a_gap = hours.mask(hours.index == 5)
    season = find_season(hours, with_a_gap, "1D")
    assert season.current[5] == -1
    assert season.covered == pytest.approx(1 - 1 / len(hours))


@pytest.mark.parametrize(
    ("text", "length"), [("1Y", YEAR), ("2y", 2 * YEAR), ("24h", "1D"), ("7D", "7D")]
)
def test_periods_are_durations_or_years(text, length):
    assert parse_period(text) == pd.Timedelta(length)


@pytest.mark.parametrize("period", ["yearly", "0Y", "-1D", "Y", "", "7"])
def test_what_is_no_period_is_refused(period):
    with pytest.raises(FrameError, match="period is"):
        parse_period(period)


def test_a_season_needs_times():
    plain = years(0, 10, 1).drop(columns="timestamp")
    with pytest.raises(FrameError, match="no column 'timestamp'"):
        drift_over_time(plain, plain, period="1Y")
