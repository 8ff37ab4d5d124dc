"""Which runs go and which stay, whatever the settings."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiopslab.errors import ReportError
from aiopslab.reports import gallery
from aiopslab.reports.facts import Facts
from aiopslab.reports.record import Failure
from aiopslab.sharing.retention import Settings, expired, prune
from tests.reports.runs import kept

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def stamp(days):
    return (NOW - timedelta(days=days)).isoformat()[:19] + ".000Z"


def run(days, state="ok", series="s", name=""):
    return Facts(
        name or f"r{days}", "t", "T", series, state, stamp(days), stamp(days), "", 1.0, {}, {}, {},
        [], True,
    )  # fmt: skip


def ages(runs, **settings):
    return [each.id for each in expired(runs, Settings(**settings), NOW)]


def test_what_is_old_goes_when_there_are_enough_newer_ones():
    runs = [run(days) for days in (1, 50, 100, 150, 200)]
    assert ages(runs, keep=3, days=90) == ["r150", "r200"]
    assert ages(runs, keep=1, days=90) == ["r100", "r150", "r200"]
    assert ages(runs, keep=1, days=500) == [], "however many there are"
    assert ages(runs, keep=9, days=0) == [], "however old they are"


def test_failed_runs_go_by_days_of_their_own_and_do_not_count():
    runs = [run(1), run(20, "failed"), run(10, "failed"), run(100), run(200)]
    assert ages(runs, keep=2, days=90, failed_days=14) == ["r20", "r200"]


def test_states_that_are_always_kept_stay():
    runs = [run(1), run(100, "act"), run(101, "watch"), run(102, "failed")]
    assert ages(runs, keep=1, days=9, always=["act", "failed"]) == ["r101"]


def test_each_series_is_counted_by_itself():
    runs = [run(day, series=name, name=f"{name}{day}") for name in "ab" for day in (100, 200)]
    assert sorted(ages(runs, keep=1, days=9)) == ["a200", "b200"]


STATES = st.sampled_from(["ok", "watch", "act", "failed", "running"])


@given(
    st.lists(st.tuples(st.integers(0, 400), STATES, st.sampled_from("abc")), max_size=30),
    st.builds(
        Settings,
        keep=st.integers(1, 5),
        days=st.integers(0, 200),
        failed_days=st.integers(0, 200),
        always=st.lists(st.sampled_from(["ok", "watch", "act", "failed"])).map(tuple),
    ),
)
def test_nothing_that_runs_and_no_last_of_a_series_ever_goes(given_runs, settings):
    runs = [
        run(days, state, series, f"r{number:02}")
        for number, (days, state, series) in enumerate(given_runs)
    ]
    gone = {each.id for each in expired(runs, settings, NOW)}
    left = [each for each in runs if each.id not in gone]
    assert not [each for each in runs if each.id in gone and each.state == "running"]
    assert not [each for each in runs if each.id in gone and each.state in settings.always]
    for series in {each.series for each in runs}:
        mine = [each for each in runs if each.series == series]
        assert max(mine, key=lambda each: (each.started, each.id)) in left
        whole = [each for each in mine if each.state not in ("failed", "running")]
        stayed = [each for each in whole if each in left]
        assert len(stayed) >= min(settings.keep, len(whole))
    again = expired(left, settings, NOW)
    assert again == [], "what stays, stays"


def test_pruned_runs_leave_disk_pages_and_feed_and_a_dry_run_removes_nothing(tmp_path):
    old = [kept(tmp_path, f"old {day}", stamp(day), series="s") for day in (300, 200)]
    new = kept(tmp_path, "new", stamp(1), series="s")
    (tmp_path / "mine").mkdir()
    settings = Settings(keep=1, days=90)
    told = prune(tmp_path, settings, NOW, dry_run=True)
    assert [each.id for each in told] == [old[1].id, old[0].id]
    assert all((tmp_path / each.id / "report.html").is_file() for each in old)
    assert prune(tmp_path, settings, NOW) == told
    assert [path.parent.name for path in tmp_path.glob("*/run.json")] == [new.id]
    assert (tmp_path / "mine").is_dir()
    pages = [path.read_text() for path in (tmp_path / "index.html", tmp_path / "feed.xml")]
    assert all("old 300" not in page and "new" in page for page in pages)
    assert prune(tmp_path, settings, NOW) == [], "safe to repeat"


def test_a_removal_that_was_interrupted_is_finished_the_next_time(tmp_path, monkeypatch):
    goes = kept(tmp_path, "stale", stamp(300), series="s")
    kept(tmp_path, "new", stamp(1), series="s")
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prune(tmp_path, Settings(keep=1, days=9), NOW)
    assert "stale" not in gallery.build(tmp_path).read_text()
    assert list(tmp_path.glob(f".going-{goes.id}"))
    prune(tmp_path, Settings(keep=1, days=9), NOW)
    assert not list(tmp_path.glob(".going-*"))


def test_a_link_to_a_folder_elsewhere_is_left_alone(tmp_path):
    folder, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    folder.mkdir()
    old = kept(elsewhere, "old", stamp(300), series="s")
    (folder / old.id).symlink_to(elsewhere / old.id)
    kept(folder, "new", stamp(1), series="s")
    prune(folder, Settings(keep=1, days=9), NOW)
    assert (elsewhere / old.id / "run.json").is_file()


def test_failed_runs_of_real_records_go_too(tmp_path):
    failure = Failure("KeyError", "x", 2)
    bad = kept(
        tmp_path, started=stamp(20), series="s", status="failed", failure=failure, verdict=None
    )
    kept(tmp_path, started=stamp(1), series="s")
    assert [each.id for each in prune(tmp_path, Settings(), NOW)] == [bad.id]


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"days": -1}, {"always": ["never"]}, {"kep": 3}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ReportError, match="no folder"):
        prune(tmp_path / "nowhere", Settings())
