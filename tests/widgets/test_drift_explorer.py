"""The drift explorer as a person uses it: windows, features, thresholds, segments, and a report."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab.drift import Roles, open_observations
from aiopslab.errors import FrameError, SourceError
from aiopslab.reports import catalogue
from aiopslab.reports.parameters import validate
from aiopslab.widgets import DriftExplorer

DAY = pd.Timedelta("1D")
START = pd.Timestamp("2026-03-01", tz="UTC")
DAYS, A_DAY = 40, 100
EVIL = "<script>alert('p')</script> & 東京"


def observations(moved_from=30, seed=0):
    """Return 40 days of loans in which people get older from one day on, in one of the plans."""
    rng = np.random.default_rng(seed)
    rows = DAYS * A_DAY
    plan = rng.choice(["basic", "pro"], rows)
    late = (np.arange(rows) >= moved_from * A_DAY) & (plan == "pro")
    return pd.DataFrame(
        {
            "timestamp": pd.date_range(START, periods=rows, freq=DAY / A_DAY),
            "age": rng.normal(40, 10, rows) + 12 * late,
            "income": rng.lognormal(3, 0.5, rows),
            "plan": plan,
            "score": rng.random(rows),
        }
    )


def days(first, last):
    return START + first * DAY, START + last * DAY


def text(html):
    return BeautifulSoup(html, "html.parser").get_text(" ")


@pytest.fixture
def explorer():
    return DriftExplorer(observations())


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "loans with spaces.parquet"
    observations().to_parquet(path)
    return str(path)


def test_both_windows_of_one_table_are_halves_at_first(explorer):
    first, last = (explorer.selection[each] for each in ("reference", "current"))
    assert first[0] == START.isoformat() and first[1] < last[0]
    assert pd.Timestamp(last[1]) == observations()["timestamp"].iloc[-1]
    assert explorer.selection["feature"] == "age"
    assert "age: higher" in text(explorer.head.value)


def test_a_brush_compares_the_rows_that_it_holds(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(change["new"]), "selection")
    explorer.current.window = days(10, 20)
    (start, end) = explorer.selection["current"]
    rows = observations()["timestamp"].between(pd.Timestamp(start), pd.Timestamp(end)).sum()
    assert rows == explorer.state.rows()[1] == 10 * A_DAY
    assert seen[-1] == explorer.selection
    explorer.reference.window = days(0, 10)
    assert "None of 4 columns drifted" in text(explorer.head.value)
    explorer.current.window = days(30, 40)
    assert explorer.state.comparison.drifted[0] == "age"


def test_the_selection_is_plain_data(explorer):
    assert json.loads(json.dumps(explorer.selection)) == explorer.selection
    assert all(datetime.fromisoformat(each) for each in explorer.selection["current"])


def test_a_picked_feature_is_drawn_with_its_interval(explorer):
    explorer.picker.value = "income"
    assert explorer.selection["feature"] == "income"
    assert "income" in explorer.distribution.figure.layout.meta["description"]
    assert "income:" in text(explorer.told.value) and " to " in text(explorer.told.value)
    explorer.current.window = days(10, 20)
    assert explorer.selection["feature"] == "income"


def test_the_threshold_changes_the_alarms_and_nothing_else(explorer):
    explorer.reference.window = days(0, 20)
    explorer.windows.value = 7 * DAY
    before, comparison = explorer.selection, explorer.state.comparison
    explorer.threshold.value = 2.0
    assert "1 alarm in" in text(explorer.alarms.value)
    assert "raised at 2026-04-05 00:00 UTC by age" in text(explorer.alarms.value)
    shown = [trace for trace in explorer.pictures()[0].data if trace.name == "alarm"]
    assert len(shown[0].x) == 1
    layout = explorer.current.panel.widget.layout.to_plotly_json()
    assert json.loads(json.dumps(layout)) == layout  # as it goes to the browser
    explorer.threshold.value = 50.0
    assert "No alarm in 40 days" in text(explorer.alarms.value)
    assert explorer.selection == before | {"threshold": 50.0}
    assert comparison is explorer.state.comparison


def test_alarms_are_replayed_in_windows_of_the_length_that_is_set(explorer):
    for _, length in explorer.windows.options:
        explorer.windows.value = length
        windows = explorer.state.replay.windows
        assert ((windows["end"] - windows["start"]) == length).iloc[:-1].all()
        assert windows["end"].iloc[-1] == START + 40 * DAY
        assert pd.Timedelta(explorer.selection["windows"]) == length


def test_every_effect_has_an_interval_when_asked(explorer):
    table = observations()
    wide = table.assign(
        **{f"x{each}": np.random.default_rng(each).random(len(table)) for each in range(9)}
    )
    explorer = DriftExplorer(wide)
    effects = [each.effect for each in explorer.state.comparison.features]
    assert any(np.isnan(each.low) for each in effects)
    explorer.more.click()
    assert not any(np.isnan(each.effect.low) for each in explorer.state.comparison.features)
    assert not explorer.more.disabled and explorer.busy.value == ""


def test_segments_are_found_on_request_and_go_with_their_windows(explorer):
    explorer.reference.window, explorer.current.window = days(0, 20), days(30, 40)
    assert explorer.tree.value == ""
    explorer.search.click()
    assert "plan = pro" in text(explorer.tree.value)
    explorer.current.window = days(20, 30)
    assert explorer.tree.value == ""


def test_windows_that_overlap_are_told(explorer):
    explorer.current.window = days(0, 10)
    assert f"share {10 * A_DAY:,} rows" in text(explorer.notes.value)


def test_windows_with_too_few_rows_are_told():
    explorer = DriftExplorer(observations().iloc[::20])
    explorer.current.window = days(30, 31)
    assert "Not enough data to tell: 5 current rows; at least 30" in text(explorer.head.value)
    assert explorer.state.comparison.drifted == ()


def test_a_report_reads_the_rows_that_were_seen(saved):
    explorer = DriftExplorer(open_observations(saved))
    explorer.reference.window, explorer.current.window = days(0, 10), days(35, 40)
    values = validate(catalogue.find("drift").parameters, explorer.to_parameters())
    good = open_observations(saved, values["reference_start"], values["reference_end"])
    now = open_observations(saved, values["start"], values["end"])
    state = explorer.state
    for read, bins in ((good, state.reference), (now, state.current)):
        pd.testing.assert_frame_equal(
            read.observations.reset_index(drop=True),
            state.binned.frame(*bins).reset_index(drop=True),
            check_like=True,
        )
    explorer.report.click()
    assert "aiopslab run drift" in text(explorer.command.value)
    assert "loans with spaces.parquet" in text(explorer.command.value)


def test_roles_become_parameters(tmp_path):
    path = tmp_path / "loans.parquet"
    table = observations().rename(columns={"timestamp": "when", "score": "p"}).assign(id=1)
    table.to_parquet(path)
    roles = Roles(timestamp="when", score="p", ignored=("id",))
    told = DriftExplorer(open_observations(str(path)), roles=roles).to_parameters()
    assert told["columns"] == {"timestamp": "when", "score": "p"} and told["ignored"] == ["id"]
    assert Roles.of(told["columns"], told["ignored"]) == roles


def test_a_table_in_memory_has_no_report_and_says_what_to_do(explorer):
    with pytest.raises(SourceError, match="table in memory"):
        explorer.to_parameters()
    explorer.report.click()
    notes = BeautifulSoup(explorer.notes.value, "html.parser")
    assert notes.find(role="alert") and "Save them as Parquet" in notes.get_text()


def test_a_reference_of_its_own_is_a_table_of_its_own():
    good = observations(moved_from=DAYS, seed=1)
    good["timestamp"] -= 100 * DAY
    explorer = DriftExplorer(observations(0), good.drop(columns="income"))
    assert explorer.state.rows() == (len(good), len(good))
    assert "Only one of the tables has income" in text(explorer.notes.value)
    assert explorer.state.comparison.drifted == ("age",)
    assert explorer.selection["reference"][1] < explorer.selection["current"][0]


def test_text_of_the_evidence_is_shown_as_it_is():
    table = observations(0).rename(columns={"age": EVIL}).assign(plan=EVIL)
    explorer = DriftExplorer(table, roles=Roles(ignored=("<i>",)))
    explorer.search.click()
    explorer.picker.value = "plan"
    shown = [explorer.head, explorer.notes, explorer.alarms, explorer.told, explorer.tree]
    for html in (*(each.value for each in shown), explorer.summary()):
        page = BeautifulSoup(html, "html.parser")
        assert not page.find("script")
    assert EVIL in text(explorer.summary())


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_hardly_any_rows_are_not_enough_to_tell(rows):
    explorer = DriftExplorer(observations().iloc[:rows])
    assert "Not enough data to tell" in text(explorer.summary())
    explorer.search.click()
    assert "Not enough data" in text(explorer.tree.value)
    assert all(figure.layout.meta["description"] for figure in explorer.pictures())


def test_columns_that_are_all_missing_are_no_error():
    table = observations().assign(age=np.nan, plan=None)
    explorer = DriftExplorer(table)
    explorer.picker.value = "age"
    explorer.more.click()
    assert "age" in text(explorer.summary())


@pytest.mark.filterwarnings("ignore:timestamp has no time zone")
def test_times_without_a_zone_are_taken_as_utc():
    table = observations()
    plain = table.assign(timestamp=table["timestamp"].dt.tz_localize(None))
    assert DriftExplorer(plain).selection == DriftExplorer(table).selection


@pytest.mark.parametrize(
    "table", [observations().iloc[:0], observations().drop(columns="timestamp"), 3]
)
def test_what_cannot_be_explored_is_told_with_the_way_out(table):
    with pytest.raises(FrameError) as raised:
        DriftExplorer(table)
    assert raised.value.remedy


def test_what_is_seen_without_a_kernel_says_how_it_stands(explorer):
    seen = text(explorer.summary())
    assert "drifted" in seen and "age" in seen and "alarm" in seen
    strip, distribution = explorer.pictures()
    assert "margins" in strip.layout.meta["description"]
    assert "Distribution of age" in distribution.layout.meta["description"]
