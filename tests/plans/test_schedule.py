"""Schedules: due as cron has it on every day, never twice, and caught up as the plan says."""

import json
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.cron import parse
from aiopslab.errors import ParameterError, ReportError
from aiopslab.plans import scheduler
from aiopslab.plans.batch import BatchResult
from aiopslab.plans.batch_file import Batch, State
from aiopslab.plans.outcome import Outcome
from aiopslab.plans.plan import load
from aiopslab.plans.plan_run import Order
from aiopslab.plans.schedule_book import opened
from aiopslab.plans.timetable import Timetable, times
from aiopslab.reports import record as records
from tests.notebooks import CONCLUDES, code, template

ZONES = ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata"]
# Days on which the clocks of one of these zones are changed, and others.
STARTS = ["2026-03-28", "2026-10-24", "2026-04-03", "2026-09-04", "2026-10-02", "2024-02-27"]
MINUTE = timedelta(minutes=1)


def brute_force(cron, zone, start, minutes):
    """Look at each minute as cron does, by what the clock on the wall shows then."""
    found = []
    hourly = cron.hours == tuple(range(24))

    def matches(wall):
        by_day, by_weekday = wall.day in cron.days, wall.isoweekday() % 7 in cron.weekdays
        day = by_day or by_weekday if cron.is_either else by_day and by_weekday
        is_time = wall.minute in cron.minutes and wall.hour in cron.hours
        return is_time and day and wall.month in cron.months

    shown = set()  # walls of a day back, to know those that come again
    before = (start - timedelta(hours=24)).astimezone(zone)
    moment = start - timedelta(hours=24) + MINUTE
    while moment <= start + minutes * MINUTE:
        wall = moment.astimezone(zone)
        naive, naive_before = wall.replace(tzinfo=None), before.replace(tzinfo=None)
        is_due = matches(wall) and (hourly or naive not in shown)
        if not hourly:
            skipped = naive_before + MINUTE
            while skipped < naive:
                is_due |= matches(skipped)
                skipped += MINUTE
        shown.add(naive)
        if is_due and moment > start:
            found.append(moment)
        before, moment = wall, moment + MINUTE
    return found


minutes = st.sampled_from(["0", "30", "*/15", "5,35", "59", "*"])
hours = st.sampled_from(["*", "0", "1", "2", "2,3", "*/2", "22-23", "0-6/3"])
days = st.sampled_from(["*", "*", "1", "29", "*/2", "28-31"])
weekdays = st.sampled_from(["*", "*", "sun", "7", "mon-fri", "0,6"])


@given(minutes, hours, days, weekdays, st.sampled_from(ZONES), st.sampled_from(STARTS))
@settings(max_examples=60)
def test_times_are_those_of_cron_minute_by_minute(minute, hour, day, weekday, zone, start):
    cron = parse(f"{minute} {hour} {day} * {weekday}")
    begin, length = datetime.fromisoformat(f"{start}T12:00+00:00"), 60 * 36
    wanted = brute_force(cron, ZoneInfo(zone), begin, length)
    found = []
    for moment in times(cron, ZoneInfo(zone), begin):
        if moment > begin + length * MINUTE:
            break
        found.append(moment)
    assert found == wanted


def test_days_on_which_the_clocks_change_are_as_people_expect():
    berlin = ZoneInfo("Europe/Berlin")

    def hours_of(cron, start, count):
        found = times(parse(cron), berlin, datetime.fromisoformat(start + "T12:00+00:00"))
        return [f"{next(found).astimezone(berlin):%d %H:%M}" for _ in range(count)]

    assert hours_of("30 2 * * *", "2026-03-28", 2) == ["29 03:00", "30 02:30"]
    assert hours_of("30 2 * * *", "2026-10-24", 2) == ["25 02:30", "26 02:30"]
    night = times(parse("@hourly"), berlin, datetime(2026, 10, 24, 22, 30, tzinfo=UTC))
    assert [next(night).astimezone(berlin).hour for _ in range(4)] == [1, 2, 2, 3]


def test_a_leap_day_comes_and_a_day_that_never_does_is_refused():
    found = next(times(parse("0 0 29 2 *"), ZoneInfo("UTC"), datetime(2097, 1, 1, tzinfo=UTC)))
    assert found == datetime(2104, 2, 29, tzinfo=UTC)
    for never in ("0 0 30 2 *", "0 0 31 4,6 *"):
        with pytest.raises(ParameterError, match="no day"):
            parse(never)


@pytest.mark.parametrize(
    "text",
    [
        *("", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("*/0 * * * *", "5-1 * * * *", "x * * * *", "1,,2 * * * *", "* * * * mon-xyz"),
        "@reboot",
    ],
)
def test_what_cron_does_not_know_is_refused(text):
    with pytest.raises(ParameterError):
        parse(text)


def test_sunday_has_two_numbers_and_a_day_or_a_weekday_is_either():
    assert parse("0 0 * * 7").weekdays == parse("0 0 * * sun").weekdays == (0,)
    either = times(parse("0 0 13 * fri"), ZoneInfo("UTC"), datetime(2026, 11, 1, tzinfo=UTC))
    assert [next(either).day for _ in range(4)] == [6, 13, 20, 27]
    monthly = times(parse("0 0 1 * fri"), ZoneInfo("UTC"), datetime(2026, 11, 24, tzinfo=UTC))
    assert [next(monthly).day for _ in range(3)] == [27, 1, 4]


@given(st.sampled_from(["* * * * *", "*/5 * * * *", "0 6 * * *"]), st.floats(1, 7200))
@settings(max_examples=30)
def test_jitter_is_the_same_whenever_it_is_asked_and_keeps_the_order(cron, jitter):
    table = Timetable("a", cron, "UTC", jitter)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    found = [time for time, _ in zip(table.after(start), range(30), strict=False)]
    begins = [table.begins(time) for time in found]
    assert begins == [table.begins(time) for time in found]
    assert begins == sorted(set(begins))
    assert all(
        0 <= (at - of).total_seconds() <= jitter for at, of in zip(begins, found, strict=True)
    )
    at = begins[0] - timedelta(microseconds=1)
    for wanted in begins:
        at = table.next_begin(at)
        assert at == wanted
    assert table.due(start, begins[9]) == found[:10]


# What becomes of times that are due, by a clock that is told.


@pytest.fixture
def plan(tmp_path):
    def write(catch_up="last", cron="0 * * * *", **more):
        template(tmp_path / "made.ipynb", CONCLUDES)
        schedule = {"cron": cron, "catch_up": catch_up}
        entry = {"name": "a", "template": "made.ipynb", "schedule": schedule, **more}
        (tmp_path / "plan.yml").write_text(json.dumps({"reports": [entry]}))
        return load(tmp_path / "plan.yml")

    return write


def result(state="finished", stopped=False):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    states = {"a": State("a", "a", state, 1, Outcome(run="r", status=state, level="ok"))}
    return BatchResult(Batch("b", moment, moment, True), states, stopped)


def seen_to(plan, tmp_path, *hours, run=None):
    """See to the entry at some hours of a day; return the hours that were run."""
    ran = []

    def note(chosen, order, time):
        ran.append(time.hour)
        return run(time.hour) if run else result()

    day = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
    with opened(tmp_path / "book.sqlite") as book:
        book.since("a", day)
        for hour in hours:
            now = day.replace(hour=hour, minute=0, second=20)
            scheduler.see_to(plan, Order(str(tmp_path)), "a", book, now, note)
        missed = [noted.time.hour for noted in book.missed("a")]
        return ran, missed[::-1], book.last("a")


@pytest.mark.parametrize(
    ("catch_up", "ran", "missed"),
    [("last", [1, 5], [2, 3, 4]), ("all", [1, 2, 3, 4, 5], []), ("none", [1, 5], [2, 3, 4])],
)
def test_after_an_outage_what_was_missed_is_caught_up_by_policy(
    plan, tmp_path, catch_up, ran, missed
):
    found = seen_to(plan(catch_up), tmp_path, 1, 5)
    assert found[:2] == (ran, missed)
    assert (found[2].state, found[2].said) == ("done", "1 ok")


def test_without_catching_up_nothing_late_is_run(plan, tmp_path):
    made = plan("none", cron="0 1,2,3 * * *")
    assert seen_to(made, tmp_path, 1, 5)[:2] == ([1], [2, 3])


def test_a_run_that_was_cut_short_is_run_again_and_a_failed_one_is_not(plan, tmp_path):
    stops = iter([result("interrupted", stopped=True), result("failed"), result()])
    ran, missed, _ = seen_to(plan(), tmp_path, 1, 1, 1, 2, run=lambda hour: next(stops))
    assert (ran, missed) == ([1, 1, 2], [])


def test_a_time_is_never_run_twice(plan, tmp_path):
    assert seen_to(plan("all"), tmp_path, 1, 1, 2, 2, 2)[0] == [1, 2]


def test_a_mistake_is_noted_and_the_next_time_is_run(plan, tmp_path):
    def fails(hour):
        if hour == 1:
            raise ReportError("the disk is full")
        return result()

    ran, _, last = seen_to(plan(), tmp_path, 1, 2, run=fails)
    assert ran == [1, 2] and last.state == "done"


def test_an_entry_that_left_the_plan_is_left_alone(plan, tmp_path):
    made = plan()
    with opened(tmp_path / "book.sqlite") as book:
        scheduler.see_to(made, Order("x"), "gone", book, datetime.now(UTC), None)
        assert book.last("gone") is None


# With APScheduler, its store, and a real report.


def until(condition, patience_s=120):
    end = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.05)
    return found


def test_the_store_outlives_the_process_and_an_outage_is_seen_to_at_once(
    plan, tmp_path, monkeypatch
):
    ran = []
    monkeypatch.setattr(scheduler, "_run", lambda chosen, order, time: ran.append(time) or result())
    made, order = plan("all"), Order(str(tmp_path / "out"))
    path = scheduler.book_path(made, order.output)
    with scheduler.scheduled(made, order) as first:
        (job,) = first.get_jobs()
        due = job.next_run_time
        assert ran == [] and due.minute == 0
        with pytest.raises(ReportError, match="another process"), scheduler.scheduled(made, order):
            pass
    with scheduler.scheduled(made, order) as second:
        assert second.get_jobs()[0].next_run_time == due  # of the store
    three_hours = datetime.now(UTC) - timedelta(hours=3)
    with opened(path) as book:
        book._sql.execute("UPDATE entries SET since = ?", [three_hours.isoformat()])
    with scheduler.scheduled(made, order):
        until(lambda: len(ran) == 3)
    assert [at.minute for at in ran] == [0, 0, 0] and ran == sorted(ran)
    with scheduler.scheduled(plan("all", cron="30 5 * * *"), order) as changed:
        assert changed.get_jobs()[0].next_run_time.minute == 30
    assert len(ran) == 3


def test_a_report_is_run_for_the_time_that_it_was_due_and_shown(tmp_path, aiopslab, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_TRACKING", "off")
    made = template(tmp_path / "made.ipynb", CONCLUDES, parameters="day: date | None = None")
    notebook = json.loads(made.read_text())
    notebook["cells"].insert(1, code("from datetime import date"))
    made.write_text(json.dumps(notebook))
    schedule = {"cron": "0 0 * * *"}
    entry = {"name": "a", "template": "made.ipynb", "schedule": schedule}
    entry["parameters"] = {"day": "today-1d"}
    (tmp_path / "plan.yml").write_text(json.dumps({"reports": [entry]}))
    made = load(tmp_path / "plan.yml")
    status, out, err = aiopslab("schedule", "show", tmp_path / "plan.yml")
    assert status == 0 and "never" in out and "has not run" in err
    order = Order(made.output)
    path = scheduler.book_path(made, made.output)
    now = datetime.now(UTC)
    with opened(path) as book:
        book.since("a", now - timedelta(days=3))
        with scheduler.scheduled(made, order):
            until(lambda: book.last("a") and book.last("a").state == "done")
    (run,) = [records.read(each) for each in (tmp_path / "reports").glob("*/run.json")]
    assert run.parameters["day"] == (now - timedelta(days=1)).date().isoformat()
    assert (run.series, run.status) == ("a", "finished")
    status, out, _ = aiopslab("schedule", "show", tmp_path / "plan.yml")
    assert status == 0 and "done" in out and "1 ok" in out
    assert out.count("missed  a") == 2


def test_a_plan_without_a_schedule_or_a_name_is_told(tmp_path, aiopslab):
    template(tmp_path / "made.ipynb", CONCLUDES)
    (tmp_path / "plan.yml").write_text("reports:\n  - template: made.ipynb")
    code, _, err = aiopslab("schedule", "show", tmp_path / "plan.yml")
    assert code == 2 and "has no schedule" in err
    (tmp_path / "plan.yml").write_text(
        "reports:\n  - template: made.ipynb\n    schedule: {cron: '@daily'}"
    )
    code, _, err = aiopslab("schedule", "run", tmp_path / "plan.yml")
    assert code == 2 and "line 3" in err and "needs a name" in err
