"""Which actions answer which evidence, in which order, and that what is shown is harmless."""

import json
from html.parser import HTMLParser

import mistune
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.findings import Finding, Verdict
from aiopslab.incident import recent_changes
from aiopslab.runbooks import Plan, built_in, plan
from aiopslab.runbooks.catalogue import Catalogue
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.step import BENEFITS
from tests.recordings import analysed, recorded, together

NOON = pd.Timestamp("2026-03-01T12:00Z")


def finding(claim, service="auth", severity="act"):
    return Finding(claim, service, severity, f"metrics: {service}")


def changes(*rows):
    """Make a changes frame of (minutes before noon, kind, service, ref, description)."""
    columns = ["timestamp", "kind", "service", "ref", "description"]
    table = pd.DataFrame(rows, columns=columns)
    times = NOON - pd.to_timedelta(table["timestamp"], unit="min")
    return table.assign(timestamp=times)


def names(made):
    return [step.action.name for step in made.steps]


SLOW = finding("Latency rose to 12 times its normal.")


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("deploy", "rollback-deploy"),
        ("flag", "restore-flag"),
        ("config", "restore-config"),
        ("commit", "restore-config"),
        ("model", "rollback-model"),
        ("prompt", "rollback-prompt"),
        ("index", "rebuild-index"),
    ],
)
def test_a_change_to_the_suspect_is_undone_first(kind, action):
    made = plan([SLOW], changes=changes((2, kind, "auth", "v7", "auth: changed")))
    assert names(made) == [action, *(["rollback-index"] if kind == "index" else [])]
    assert made[1].benefit == "high"
    assert "v7" in made[1].why and "12 times" in made[1].why


def test_changes_to_others_are_left_alone():
    made = plan([SLOW], changes=changes((2, "deploy", "cache", "v7", "cache: changed")))
    assert names(made) == ["restart-service"]
    assert made[1].benefit == "low"


@pytest.mark.parametrize(
    ("claim", "actions"),
    [
        ("process.cpu.utilization rose to 9 times its normal.", {"scale-out", "restart-service"}),
        ("db.client.connection.pending_requests rose by 11.", {"scale-out", "restart-service"}),
        ("memoryUsage rose by 100 mb.", {"scale-out", "restart-service"}),
        ("process.cpu.utilization fell to 0.1 times its normal.", {"restart-service"}),
        ("It stopped reporting.", {"restart-service", "fail-over"}),
        (
            "The log line “connection refused” went from 0 % to 50 %.",
            {"restart-service", "fail-over"},
        ),
        ("index.age_s rose to 21 times its normal.", {"rebuild-index"}),
        ("Error ratio rose by 0.12.", {"restart-service"}),
    ],
)
def test_what_is_measured_is_treated(claim, actions):
    assert set(names(plan([finding(claim)]))) == actions


def test_the_name_of_a_service_is_no_symptom():
    assert names(plan([finding("Latency of memory-queue rose.", "memory-queue")])) == [
        "restart-service"
    ]


def test_signals_say_what_the_strongest_finding_does_not():
    signals = pd.DataFrame(
        {
            "service": "auth",
            "kind": "metric",
            "name": ["latency", "pool.used", "cpu.utilization", "threads"],
            "signal": ["latency", "pool.used", "cpu.utilization", "threads"],
            "strength": [5.0, 1.0, 1.0, 1.0],
            "before": [1.0, 0.0, 0.01, 100.0],
            "after": [12.0, 10.0, 0.1, 101.0],
        }
    )
    made = plan([SLOW], signals=signals)
    assert names(made) == ["restart-service", "scale-out"]
    assert made[1].why == "pool.used of auth rose from 0 to 10."
    assert names(plan([SLOW], signals=signals.tail(2))) == ["restart-service"]


def test_the_first_suspect_goes_before_the_others_and_high_before_low():
    frame = changes(
        (9, "deploy", "auth", "old", "auth: older"),
        (2, "deploy", "auth", "new", "auth: newer"),
        (1, "flag", "cache", "banner", "cache: banner switched on"),
    )
    made = plan([SLOW, finding("It is slow.", "cache", "watch")], changes=frame)
    orders = [BENEFITS.index(step.benefit) for step in made.steps]
    assert orders == sorted(orders)
    assert made[1].values["ref"] == "new"
    scored = plan([SLOW], changes=frame.assign(score=[3.0, 1.0, float("nan")]))
    assert [step.values["ref"] for step in scored.steps] == ["old", "new"]


def test_a_flag_that_was_switched_off_is_switched_on_again():
    on = plan([SLOW], changes=changes((2, "flag", "auth", "sso", "auth: sso switched off")))
    off = plan([SLOW], changes=changes((2, "flag", "auth", "sso", "auth: sso switched on")))
    assert "sso=on" in on[1].command and "sso=off" in on[1].undo_command
    assert "sso=off" in off[1].command and "sso=on" in off[1].undo_command


def alerts(*rows):
    frame = pd.DataFrame(rows, columns=["name", "service", "state"])
    labels = [{"job": service} for service in frame["service"]]
    return frame.assign(
        timestamp=pd.date_range(NOON, periods=len(frame), freq="min"),
        severity="page",
        fingerprint=[f"{each.name}{each.service}" for each in frame.itertuples(index=False)],
        labels=labels,
    )


def test_alerts_are_silenced_last_and_that_of_the_cause_with_a_warning():
    frame = alerts(
        ("Slow", "auth", "firing"),
        ("Slow", "gateway", "firing"),
        ("Old", "cache", "firing"),
        ("Old", "cache", "resolved"),
        ("Lost", None, "firing"),
    )
    made = plan([SLOW], alerts=frame)
    assert names(made) == ["restart-service", "silence-alert", "silence-alert"]
    assert [step.service for step in made.steps[1:]] == ["gateway", "auth"]
    assert not made[2].warning and "likely cause" in made[3].warning
    assert """'job="gateway"'""" in made[2].command and "--duration=1h" in made[2].command
    assert "Beware" in made.to_markdown() and "Beware" in made._repr_html_()


def test_a_storm_is_not_silenced_as_a_whole():
    frame = alerts(*[("Slow", f"s{number}", "firing") for number in range(40)])
    made = plan([SLOW], alerts=frame)
    assert names(made).count("silence-alert") == 5
    assert "35 more alerts" in made.notes[0]


@pytest.mark.parametrize("found", [[], [finding("All is well.", severity="ok")]])
def test_an_empty_plan_says_what_to_look_at(found):
    made = plan(found)
    assert made.headline == "Nothing here is safe to do."
    assert made.next and made.table().empty
    assert "look here" in made._repr_html_() and "look here" in made.to_markdown()


def test_a_quiet_verdict_needs_nothing():
    made = plan(Verdict("ok", "Nothing abnormal here."), ["auth"])
    assert made.headline == "Nothing needs to be done." and not made.next


def test_a_catalogue_without_an_answer_makes_an_empty_plan():
    verdict = Verdict("act", "Slow", {}, (SLOW,), ("Read the logs.",))
    made = plan(verdict, catalogue=Catalogue(()))
    assert not made.steps and made.next == ("Read the logs.",)


def test_a_name_that_cannot_be_put_in_a_command_is_left_out_and_said():
    made = plan([finding("It is slow.", "a\nb")])
    assert not made.steps
    assert "left out" in made.notes[0]


def test_values_given_hold_for_every_step_and_misspelt_ones_are_refused():
    assert "--namespace shop" in plan([SLOW], given={"namespace": "shop"})[1].command
    with pytest.raises(RunbookError, match="namespace"):
        plan([SLOW], given={"namespce": "shop"})


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_step_that_is_not_there_is_refused(number):
    with pytest.raises(RunbookError, match="the plan has 1"):
        plan([SLOW])[number]


text = st.text(max_size=30)


@given(text, text, text, text)
@settings(max_examples=60)
def test_whatever_the_words_what_is_shown_is_harmless(claim, service, ref, description):
    wild = "<script>alert(1)</script>\"'`"
    frame = changes((2, "config", service or "x", ref + wild, description + wild))
    made = plan([finding(claim + wild, service or "x")], changes=frame)
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made
    for html in (
        made._repr_html_(),
        mistune.html(made.to_markdown().encode("utf-8", "replace").decode()),
    ):
        tags = set()
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, _, tags=tags: tags.add(tag)
        parser.feed(html)
        assert not tags & {"script", "img", "a", "iframe", "em"}


def test_a_fence_is_longer_than_any_in_a_command():
    ticks = "`" * 6
    frame = changes((2, "config", "auth", f"a{ticks}b", "auth: changed"))
    shown = plan([SLOW], changes=frame).to_markdown()
    assert f"\n{ticks}`sh\n" in shown


def test_plans_survive_json_and_their_digests_too():
    made = plan([SLOW], changes=changes((2, "model", "auth", "v7", "auth: retrained")))
    again = Plan.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made
    assert again[1].digest == made[1].digest
    assert made[1].with_values({"version": "2"}).digest != made[1].digest


def test_a_file_that_is_no_plan_is_refused_with_the_field():
    plain = plan([SLOW]).to_json()
    plain["steps"][0]["action"]["risk"]["level"] = "none"
    with pytest.raises(RunbookError, match=r"steps.0.action.risk.level"):
        Plan.from_json(plain)
    plain["steps"][0]["action"]["command"] = "kubectl get x; rm -rf y"
    with pytest.raises(RunbookError, match="one program"):
        Plan.from_json(plain)
    with pytest.raises(RunbookError):
        Plan.from_json([])


@pytest.mark.parametrize("kind", ["index", "columns"])
def test_frames_in_any_order_make_the_same_plan(kind):
    frame = changes((9, "deploy", "auth", "a", "x"), (2, "flag", "auth", "b", "y"))
    turned = frame.iloc[::-1] if kind == "index" else frame[frame.columns[::-1]]
    assert plan([SLOW], changes=turned) == plan([SLOW], changes=frame)


@together
def test_recordings_are_answered_with_what_broke_them():
    first = {}
    for name in ("classifier-deploy", "llm-costly-prompt", "indexer-stale-index", "no-fault"):
        analysis = analysed(name)
        recent = recent_changes(recorded(name).frames["changes"], analysis.started)
        made = plan(analysis.verdict(), analysis.named, recent, signals=analysis.suspects)
        first[name] = (made[1].action.name, made[1].service) if made.steps else None
    assert first == {
        "classifier-deploy": ("rollback-deploy", "classifier"),
        "llm-costly-prompt": ("rollback-prompt", "llm"),
        "indexer-stale-index": ("rebuild-index", "indexer"),
        "no-fault": None,
    }
    assert built_in().answering("deploy")
