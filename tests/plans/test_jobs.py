"""Jobs: combinations, ranges, times relative to now, and names that stay the same."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.moments import is_relative, resolve
from aiopslab.plans.axes import values
from aiopslab.plans.jobs import expand
from aiopslab.plans.plan_settings import Entry, Head, Range
from aiopslab.reports import catalogue
from aiopslab.reports.parameters import Parameter
from tests.notebooks import CONCLUDES, template

NOW = datetime(2026, 3, 29, 10, 20, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
# Summer time at midnight, of half an hour, in the south, and none at all.
ZONES = ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Beirut"]
PARAMETERS = """\
rows: int = 3  # How many
share: float = 0.5  # Of them
label: str = "x"  # As it is called
day: date | None = None  # Which
start: AwareDatetime | None = None  # From when
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("jobs") / "made.ipynb"
    return catalogue.load(template(path, CONCLUDES, parameters=PARAMETERS))


def jobs(made, now=NOW, head=None, **entry):
    checked = Entry.model_validate({"template": "made", **entry})
    return expand(Head.model_validate(head or {}), checked, 0, made, "nightly", now)


def test_a_matrix_is_the_product_of_its_parameters(made):
    found = jobs(
        made,
        name="a",
        parameters={"label": "y"},
        matrix={"rows": {"from": 1, "to": 5, "step": 2}, "share": [0.1, 0.2]},
    )
    assert [(job.parameters["rows"], job.parameters["share"]) for job in found] == [
        (rows, share) for rows in (1, 3, 5) for share in (0.1, 0.2)
    ]
    assert {job.parameters["label"] for job in found} == {"y"}
    assert found[0].origin.series == "a (rows=1, share=0.1)"
    assert found[0].origin.job == found[0].id and found[0].origin.plan == "nightly"
    assert len({job.id for job in found}) == len({job.origin.series for job in found}) == 6


def test_ids_and_series_come_from_the_words_not_from_the_time(made):
    entry = {"name": "a", "parameters": {"start": "now-1h"}, "matrix": {"rows": [1, 2]}}
    first, later = jobs(made, **entry), jobs(made, NOW + timedelta(days=1), **entry)
    assert [job.id for job in first] == [job.id for job in later]
    assert [job.origin.series for job in first] == [job.origin.series for job in later]
    assert first[0].parameters["start"] != later[0].parameters["start"]
    other = jobs(made, **{**entry, "parameters": {"start": "now-2h"}})
    assert {job.id for job in first}.isdisjoint(job.id for job in other)


def test_times_relative_to_now_are_resolved_where_the_parameter_is_a_time(made):
    head = {"timezone": "Europe/Berlin"}
    given = {"start": "today", "day": "today-1d", "label": "today"}
    found = jobs(made, head=head, parameters=given)[0].parameters
    assert found["start"] == "2026-03-28T23:00:00Z"  # midnight in Berlin
    assert (found["day"], found["label"]) == ("2026-03-28", "today")
    own = {"cron": "0 6 * * *", "timezone": "Asia/Kolkata"}
    found = jobs(made, head=head, parameters={"start": "today"}, schedule=own)[0].parameters
    assert found["start"] == "2026-03-28T18:30:00Z"


def test_limits_and_retries_are_those_of_the_entry_or_of_the_plan(made):
    head = {"timeout": {"cell": "10min", "report": "1h"}, "retries": 5}
    job = jobs(made, head=head, timeout={"cell": "30s"})[0]
    assert (job.limits.cell_s, job.limits.report_s, job.retries) == (30, 3600, 5)
    assert jobs(made, head=head, retries=0)[0].retries == 0
    assert jobs(made)[0].limits.cell_s is None


def test_every_value_that_does_not_fit_is_told(made):
    with pytest.raises(ParameterError) as refused:
        jobs(
            made,
            parameters={"rows": "x", "start": "today@Mars/Base", "label": "z"},
            matrix={"label": ["y"], "share": [0.1, "y", 0.1], "day": {"from": 3, "to": "z"}},
        )
    problem = refused.value.problem
    for each in ("rows is 'x'", "Mars/Base", "matrix.label", "0.1 is there twice", "matrix.day"):
        assert each in problem


def test_a_matrix_that_explodes_is_refused_before_it_does(made):
    wide = {"from": 1, "to": 1000}
    with pytest.raises(ParameterError, match="1,000,000 reports"):
        jobs(made, matrix={"rows": wide, "share": wide})
    with pytest.raises(ParameterError, match="values"):
        jobs(made, matrix={"rows": {"from": 1, "to": 1e12}})


def span(kind, start, end, step=None):
    axis = Range.model_validate({"from": start, "to": end, "step": step})
    return values(axis, Parameter("x", kind, ..., ""), NOW, BERLIN)


@given(
    st.integers(-1000, 1000), st.integers(0, 50), st.integers(1, 30), st.sampled_from([1, 10, 100])
)
def test_ranges_of_numbers_hold_the_exact_decimals(start, count, step, scale):
    first, by = start / scale, step / scale
    found = span("float", first, (start + count * step) / scale, by)
    assert found == [(start + at * step) / scale for at in range(count + 1)]
    assert all(math.isfinite(each) for each in found)


def test_ranges_go_down_and_stop_before_their_end():
    assert span("int", 9, 1, -4) == [9, 5, 1]
    assert span("int", 1, 9, 5) == [1, 6]


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(1, 3, 0), (1, 3, -1), (1, 3, "x"), (1, math.inf, 1), (math.nan, 1, 1), (1, 3, True)],
)
def test_ranges_without_an_end_are_refused(start, end, step):
    with pytest.raises(ParameterError):
        span("float", start, end, step)


def test_ranges_of_dates_are_days_of_the_calendar():
    week = [f"2026-03-{day}" for day in range(22, 30)]
    assert span("date", "today-7d", "today") == week
    assert span("date", "2026-03-22", "2026-03-29") == week
    midnights = span("AwareDatetime", "today-2d", "today+1d")
    assert midnights == [  # the clocks went forward in the night before Sunday's end
        "2026-03-26T23:00:00Z",
        "2026-03-27T23:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
    ]
    assert len(span("AwareDatetime", "today", "today+1d", "1h")) == 24  # with the end, of 23 hours
    for bad in [("today", "today-1d", None), ("today", "x", None), ("today", "today", "1h")]:
        with pytest.raises(ParameterError):
            span("date", *bad)


moments = st.integers(0, 10 * 365 * 86400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(moments, st.sampled_from(ZONES), st.integers(0, 400))
def test_days_back_keep_the_wall_clock(now, name, days):
    zone = ZoneInfo(name)
    found = resolve(f"now-{days}d", now, zone)
    wall = (now.astimezone(zone) - timedelta(days=days)).replace(tzinfo=None)
    back = found.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    assert back == found.replace(tzinfo=None)  # a time that the clocks show
    gap = back - wall  # where they leave the wall time out: by the hour that is left out
    assert timedelta(0) <= gap <= timedelta(hours=1)


@given(moments, st.sampled_from(ZONES), st.integers(0, 10_000))
def test_hours_back_are_hours_on_a_stopwatch(now, name, hours):
    found = resolve(f"now-{hours}h", now, ZoneInfo(name))
    assert now - found.astimezone(UTC) == timedelta(hours=hours)


@given(moments, st.sampled_from(ZONES))
def test_today_is_the_first_moment_of_the_date(now, name):
    zone = ZoneInfo(name)
    today = resolve("today", now, zone)
    assert today.date() == now.astimezone(zone).date()
    before = (today.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)
    assert before.date() < today.date()


@given(moments, st.sampled_from(ZONES), st.sampled_from(["15min", "1h", "6h", "1d", "30s"]))
def test_a_floor_is_the_last_full_part_of_the_day(now, name, part):
    zone = ZoneInfo(name)
    found = resolve(f"now/{part}", now, zone).astimezone(UTC)
    assert found <= now
    assert resolve(f"now/{part}", found, zone).astimezone(UTC) == found
    size = {"15min": 900, "1h": 3600, "6h": 21600, "1d": 86400, "30s": 30}[part]
    assert now - found < timedelta(seconds=size + 3600)  # and the hour that is shown twice


@pytest.mark.parametrize("text", ["now/7min", "now/0h", "now/2d", "now-999999w"])
def test_times_that_are_none_are_refused(text):
    assert is_relative(text)
    with pytest.raises(ParameterError):
        resolve(text, NOW, BERLIN)


@given(st.text(max_size=12))
def test_what_is_not_relative_is_left_alone(text):
    assume(not text.strip().startswith(("now", "today")))
    assert not is_relative(text)


def test_dates_are_dates():
    assert date.fromisoformat(span("date", "today", "today")[0]) == NOW.astimezone(BERLIN).date()
