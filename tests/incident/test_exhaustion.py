"""What a forecast says and shows of itself."""

from aiopslab.incident.forecast import time_to_exhaustion
from tests.incident.test_forecast import STEPS, noise, series


def test_the_finding_carries_the_time_left_with_its_interval():
    finding = time_to_exhaustion(series(0.5 * STEPS + noise()), 150, "2h").findings()[0]
    effect = finding.effect
    assert (effect.name, effect.unit) == ("time to exhaustion", "h")
    assert effect.interval.low < 61 / 60 < effect.interval.high
    assert finding.subject == "memory_mb"


def test_the_figure_shows_history_limit_and_forecast():
    told = time_to_exhaustion(series(0.5 * STEPS + noise()), 150, "2h")
    figure = told.figure()
    assert {each.name for each in figure.data} == {"history", "forecast", "interval"}
    assert any("limit 150" in str(each.text) for each in figure.layout.annotations)
    refused = time_to_exhaustion(series(noise()), 5, "2h").figure()
    assert [each.name for each in refused.data] == ["history"]
    assert time_to_exhaustion(series([]), 5).figure().data


def test_names_are_escaped_where_html_is_made():
    told = time_to_exhaustion(series(0.5 * STEPS + noise(), name=("<b>", "größe")), 150, "2h")
    assert told.name == "<b> · größe"
    assert "<b>" not in told._repr_html_()
    assert "<b>" not in told.figure().layout.title.text
