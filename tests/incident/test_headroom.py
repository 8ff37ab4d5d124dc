"""What runs out and how fast budgets go, in worlds where it is known."""

import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.errors import AIOpsLabError
from aiopslab.findings import Finding, Verdict
from aiopslab.incident import forecast_resources, headroom
from aiopslab.incident.conclusion import joined
from aiopslab.incident.limits import natural_limits
from tests.incident.test_forecast import STEPS, noise, series


def frame(**columns):
    names = [tuple(name.split("__")) for name in columns]
    data = {label: series(values) for label, values in zip(names, columns.values(), strict=True)}
    return pd.DataFrame(data).rename_axis(index="timestamp")


FILLING = frame(db__memory_mb=300 + 0.5 * STEPS + noise(1), api__memory_mb=300 + noise(2))


def serving(share):
    """Return four hours of a service of which a share of the requests fails in the last two."""
    failing = np.repeat([0.0, share], len(STEPS) // 2)
    return frame(api__error_ratio=failing, api__request_rate=np.full(len(STEPS), 50.0))


def test_what_is_expected_to_run_out_reaches_the_verdict_with_its_time():
    room = headroom(FILLING, {"memory_mb": 450}, horizon="2h")
    verdict = room.verdict()
    assert (verdict.level, room.services) == ("act", ["db"])
    (finding,) = verdict.findings
    assert (finding.subject, finding.severity) == ("db", "act")
    assert finding.effect.interval.low < 61 / 60 < finding.effect.interval.high
    assert verdict.headline.startswith("db: memory_mb reaches 450")
    assert any("db" in action for action in verdict.actions)


def test_the_first_to_run_out_is_drawn_and_only_what_heads_for_its_limit_is_listed():
    room = headroom(FILLING, {"memory_mb": 450}, horizon="2h")
    (figure,) = room.figures()
    assert "db · memory_mb" in figure.layout.title.text
    page = room._repr_html_()
    assert "Of 2 resources with a known limit, 1 heads for it within 2 h." in page
    assert "<td>db</td>" in page and "<td>api</td>" not in page
    assert len(room.table()) == 2


def test_where_nothing_runs_out_it_is_said_and_nothing_is_drawn():
    room = headroom(FILLING[["api"]], {"memory_mb": 4_000}, horizon="2h")
    assert room.verdict().level == "ok" and not room.verdict().findings
    assert room.figures() == []
    page = room._repr_html_()
    assert "Of 1 resource with a known limit, none heads for it" in page and "<table" not in page


def test_without_limits_and_without_metrics_it_is_said_why_nothing_is_told():
    for metrics in (None, FILLING.iloc[:0], FILLING):
        room = headroom(metrics)
        assert room.verdict().level == "ok"
        assert "Nothing is known to have a limit" in room._repr_html_()
        assert "No service reports both" in room._repr_html_()
        assert room.table().empty and room.burn_table().empty


def test_what_was_asked_for_and_cannot_be_foretold_is_listed_with_the_reason():
    walk = np.cumsum(noise())
    walk -= walk.max()
    metrics = frame(db__memory_mb=4 + walk, db__disk_utilization=0.99 + walk / 100)
    room = headroom(metrics, {"memory_mb": 4.5}, horizon="2h")
    assert [each.outlook for each in room.resources.values()] == ["cannot be foretold"] * 2
    page = room._repr_html_()
    assert "none heads for it within 2 h. No time can be foretold for 2 of them" in page
    assert page.count("<td>memory_mb</td>") == 1 and "<td>disk_utilization</td>" not in page
    assert "a trend errs no less than" in page


def test_a_limit_for_what_is_not_measured_is_watched_and_the_nearest_name_is_told():
    room = headroom(FILLING, {"memry_mb": 450, "db/memory_mb": 9_000}, horizon="2h")
    verdict = room.verdict()
    assert verdict.level == "watch" and "memry_mb" in verdict.headline
    assert not verdict.findings, "no service is to blame for it"
    assert "Did you mean 'memory_mb'" in verdict.actions[0]
    assert "memry_mb is not in the metrics" in room._repr_html_()


@pytest.mark.parametrize(
    ("share", "level", "state"), [(0.05, "act", "firing"), (0.0, "ok", "quiet")]
)
def test_a_budget_that_burns_too_fast_reaches_the_verdict(share, level, state):
    room = headroom(serving(share), objective=0.999)
    assert room.verdict().level == level
    row = room.burn_table().iloc[0]
    assert row["state"] == state
    assert row["burn"] == pytest.approx(share / 0.001)
    assert len(room.figures()) == (level == "act")
    assert ("burns its error budget" in room.verdict().headline) == (level == "act")


def test_a_short_recording_is_not_judged_but_its_burn_rate_is_told():
    metrics = serving(0.05).iloc[-10:]
    room = headroom(metrics, objective=0.99)
    row = room.burn_table().iloc[0]
    assert row["state"] == "not judged"
    assert row["burn"] == pytest.approx(5)
    assert row["low"] < 5 < row["high"]
    assert room.verdict().level == "ok"
    assert "cannot be judged" in room._repr_html_()


def test_every_service_that_reports_requests_is_in_the_burn_table_of_a_recording():
    metrics = sources.open("sample://auth-errors").metrics
    table = headroom(metrics).burn_table()
    rates = metrics.columns[metrics.columns.get_level_values(1) == "http.server.request.rate"]
    assert set(table["service"]) == set(rates.get_level_values(0))
    assert set(table["service"].head(2)) == {"auth", "gateway"}


def test_a_calm_recording_has_nothing_that_runs_out():
    metrics = sources.open("sample://no-fault").metrics
    assert headroom(metrics, {"process.memory.usage_mb": 1_000}).verdict().level == "ok"


def test_the_table_is_that_of_the_forecast():
    metrics = frame(db__disk_utilization=0.2 + 0.003 * STEPS, db__hit_ratio=0.004 * STEPS)
    expected = forecast_resources(metrics, natural_limits(metrics), "1h")
    pd.testing.assert_frame_equal(headroom(metrics, horizon="1h").table(), expected)
    assert expected["metric"].tolist() == ["disk_utilization"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"horizon": "soon"}, "horizon is"),
        ({"objective": 1.0}, "objective is"),
        ({"limits": {"error_ratio": float("nan")}}, "limit is"),
    ],
)
def test_what_is_out_of_range_is_refused(argument, message):
    with pytest.raises(AIOpsLabError, match=message):
        headroom(serving(0.0), **argument)


def test_names_are_escaped():
    metrics = frame(**{"<b>__<i>_utilization": np.minimum(STEPS / 200, 1.0)})
    page = headroom(metrics, {"<u>": 1.0})._repr_html_()
    assert "reached" in page and not {"<b>", "<i>", "<u>"} & {
        page[i : i + 3] for i in range(len(page))
    }


def claim(severity):
    return Finding(f"it is {severity}", "db", severity, "metrics: db")


VERDICTS = {
    level: Verdict(level, f"{level}!", {level: 1.0}, (claim(level),), (f"do {level}", "rest"))
    for level in ("ok", "watch", "act")
}


@pytest.mark.parametrize("first", VERDICTS)
@pytest.mark.parametrize("second", VERDICTS)
def test_joined_verdicts_speak_with_the_voice_of_the_most_urgent(first, second):
    one, other = VERDICTS[first], VERDICTS[second]
    both = joined(one, other)
    loudest = (
        one
        if ["ok", "watch", "act"].index(first) >= ["ok", "watch", "act"].index(second)
        else other
    )
    assert (both.level, both.headline) == (loudest.level, loudest.headline)
    assert both.findings[0] == loudest.findings[0]
    assert set(both.findings) == {*one.findings, *other.findings}
    assert len(set(both.actions)) == len(both.actions) == len({*one.actions, *other.actions})
    assert dict(both.metrics) == dict(one.metrics) | dict(other.metrics)


def test_a_verdict_joined_with_calm_keeps_what_it_said():
    calm = Verdict("ok", "Nothing runs out.")
    assert joined(VERDICTS["watch"], calm) == VERDICTS["watch"]
