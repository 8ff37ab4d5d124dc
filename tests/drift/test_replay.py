"""Alarms that a threshold would have raised, on drift that was planted."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.drift import compare, profile
from aiopslab.drift.binned import bin_tables
from aiopslab.drift.replay import Replayer
from aiopslab.errors import FrameError

DAYS, A_DAY = 40, 200
DAY = pd.Timedelta("1D")
START = pd.Timestamp("2026-03-01", tz="UTC")


def observations(seed=0):
    """Return 40 days of rows in which nothing moves."""
    rng = np.random.default_rng(seed)
    rows = DAYS * A_DAY
    table = pd.DataFrame(
        {
            "timestamp": pd.date_range(START, periods=rows, freq=DAY / A_DAY),
            "age": rng.normal(40, 10, rows),
            "size": rng.lognormal(size=rows),
            "plan": rng.choice(["a", "b", "c"], rows),
        }
    )
    return table


def with_words_and_vectors(table):
    rng = np.random.default_rng(1)
    drawn = rng.choice(["disk", "full", "pod", "of", "it"], (len(table), 5))
    vectors = rng.normal(size=(len(table), 2))
    return table.assign(text=[" ".join(each) for each in drawn], vector=list(vectors))


def between(table, first, last):
    day = (table["timestamp"] - START) // DAY
    return (day >= first) & (day < last)


def replayed(table, length=DAY, reference=10):
    binned = bin_tables([table])
    window = binned.within(0, START, START + reference * DAY)
    return Replayer(binned)(window, length)


def test_a_spell_of_drift_is_one_alarm_from_its_first_window_to_its_last():
    table = observations()
    table.loc[between(table, 20, 25), "age"] += 10
    replay = replayed(table)
    (alarm,) = replay.alarms(5).to_dict("records")
    assert alarm["start"] == START + 20 * DAY and alarm["end"] == START + 25 * DAY
    assert alarm["raised"] == START + 21 * DAY  # a window tells when it is over
    assert (alarm["windows"], alarm["feature"]) == (5, "age")
    # One standard deviation is twenty margins.
    assert alarm["size"] == pytest.approx(20, rel=0.15)
    assert replay.told(5).startswith("1 alarm in 40 days, raised at 2026-03-22 00:00 UTC by age")


def test_without_drift_hardly_a_history_has_an_alarm():
    replays = [replayed(observations(seed)) for seed in range(20)]
    # One in twenty by design, and noise is bounded from above.
    assert sum(len(each.alarms(0.01)) for each in replays) <= 1
    assert replays[0].told(0.01) == "no alarm in 40 days"


@pytest.mark.parametrize(
    ("column", "move"),
    [
        ("plan", lambda values: values.where(np.arange(len(values)) % 3 > 0, "new")),
        ("text", lambda values: values.where(np.arange(len(values)) % 3 > 0, "a pod and a node")),
        ("vector", lambda values: values.map(lambda each: each + 1)),
        ("size", lambda values: values.where(np.arange(len(values)) % 3 > 0)),
        ("size", lambda values: values * np.nan),
    ],
)
def test_a_move_of_any_kind_raises_an_alarm_of_its_own_column(column, move):
    table = with_words_and_vectors(observations())
    late = between(table, 30, 40)
    table.loc[late, column] = move(table.loc[late, column])
    (alarm,) = replayed(table[["timestamp", "age", column]], 2 * DAY).alarms(5).to_dict("records")
    assert alarm["feature"] == column and alarm["start"] == START + 30 * DAY


def test_a_size_is_the_effect_that_a_comparison_finds_in_margins():
    table = observations()
    table.loc[between(table, 20, 40), "age"] += 4
    table.loc[between(table, 20, 40), "plan"] = "a"
    replay = replayed(table, 20 * DAY, 20)
    good = profile(table.loc[between(table, 0, 20), ["age", "plan"]])
    last = replay.windows["start"].searchsorted(START + 39 * DAY, side="right") - 1
    window = replay.windows.iloc[last]
    inside = table["timestamp"].between(window["start"], window["end"], inclusive="left")
    now = profile(table.loc[inside, ["age", "plan"]], like=good)
    for each in compare(good, now).features:
        size = each.effect.value / each.margin
        assert replay.sizes[each.feature].iloc[last] == pytest.approx(size, rel=0.05)


def test_a_higher_threshold_raises_no_more_windows():
    table = observations()
    table.loc[between(table, 20, 40), "age"] += np.linspace(0, 20, 20 * A_DAY)
    replay = replayed(table)
    over = [replay.alarms(threshold)["windows"].sum() for threshold in (1, 2, 5, 10, 20, 99)]
    assert over == sorted(over, reverse=True) and over[0] > over[-2] > over[-1] == 0


def test_windows_with_too_few_rows_say_so_and_raise_nothing():
    table = observations().iloc[::50]  # four rows a day
    table.loc[table.index > 4_000, "age"] += 100
    replay = replayed(table)
    assert replay.alarms(1).empty and replay.sizes.isna().all(axis=None)
    assert "no window has 30 rows" in replay.told(1)


def test_a_constant_reference_has_a_unit_all_the_same():
    table = observations().assign(stuck=1.0)
    table.loc[between(table, 30, 40), "stuck"] = 2.0
    (alarm,) = replayed(table).alarms(5).to_dict("records")
    assert alarm["feature"] == "stuck"


def test_columns_that_are_all_missing_raise_nothing():
    table = observations().assign(age=np.nan, plan=None, size="")
    assert replayed(table, 5 * DAY).alarms(3).empty


def test_history_is_that_of_the_last_table():
    good, now = observations(), observations(seed=1)
    now["timestamp"] += 100 * DAY
    now["age"] += 10
    binned = bin_tables([good, now])
    replay = Replayer(binned)(binned.span(0), DAY)
    assert replay.windows["start"].iloc[0] == START + 100 * DAY
    (alarm,) = replay.alarms(5).to_dict("records")
    assert alarm["windows"] == DAYS


def test_windows_are_no_shorter_than_the_bins():
    with pytest.raises(FrameError, match="shorter than the bins"):
        replayed(observations(), pd.Timedelta("1min"))
