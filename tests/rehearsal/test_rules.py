import math

from aiopslab.rehearsal.measures import metric_names
from aiopslab.rehearsal.rules import RULES, Alerts, Rule
from aiopslab.rehearsal.services import SERVICES

SLOW = Rule("HighLatency", "warning", "p95", {"llm": 900, "*": 300}, for_s=3)
DOWN = Rule("InstanceDown", "critical", "up", 0.5, for_s=2, below=True)
GROWTH = Rule("MemoryGrowth", "warning", "memory", 50, for_s=2, growth_s=10)


def events(rule, values, service="auth"):
    alerts = Alerts((rule,))
    return [
        (time, event["state"])
        for time, value in enumerate(values)
        for event in alerts.evaluate(float(time), {(service, rule.metric): value})
    ]


def test_an_alert_fires_only_after_it_has_lasted_and_once():
    assert events(SLOW, [100, 400, 400, 400, 400, 400, 400]) == [(4, "firing")]


def test_a_short_trouble_fires_nothing():
    assert events(SLOW, [400, 400, 400, 100, 400, 400, 400]) == []


def test_it_is_resolved_when_the_trouble_is_over():
    assert events(SLOW, [400] * 5 + [100, 100]) == [(3, "firing"), (5, "resolved")]


def test_a_missing_value_is_no_trouble():
    assert events(SLOW, [400, math.nan, 400, 400, 400]) == []
    assert events(DOWN, [math.nan] * 9) == []


def test_a_threshold_may_differ_by_service():
    assert events(SLOW, [400] * 9, service="llm") == []


def test_a_service_that_is_down_is_noticed():
    assert events(DOWN, [1, 0, 0, 0, 1]) == [(3, "firing"), (4, "resolved")]


def test_growth_is_told_from_size():
    assert events(GROWTH, [5000.0] * 20) == []
    assert events(GROWTH, [100.0 + 10 * time for time in range(12)])[0][1] == "firing"


def test_an_event_names_the_rule_the_service_and_the_value():
    alerts = Alerts((SLOW,))
    told = [alerts.evaluate(float(time), {("auth", "p95"): 412.0}) for time in range(4)][-1][0]
    assert told["name"], told["service"] == ("HighLatency", "auth")
    assert told["labels"] == '{"metric": "p95", "value": 412.0, "threshold": 300}'
    assert alerts.firing == [("HighLatency", "auth")]


def test_fingerprints_tell_services_apart():
    alerts = Alerts((DOWN,))
    row = {(service, "up"): 0.0 for service in SERVICES}
    found = [event for time in range(4) for event in alerts.evaluate(float(time), row)]
    assert len({event["fingerprint"] for event in found}) == len(SERVICES)


def test_every_rule_watches_a_metric_that_is_scraped():
    scraped = {name for service in SERVICES for name in metric_names(service)}
    assert {rule.metric for rule in RULES} <= scraped
