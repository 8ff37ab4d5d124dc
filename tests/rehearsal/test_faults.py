from typing import get_args

import pytest

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal.changes import culprit, decoys
from aiopslab.rehearsal.faults import KINDS, Fault, Layer, parse
from aiopslab.rehearsal.plan import Plan
from aiopslab.rehearsal.services import SERVICES
from aiopslab.rehearsal.services.effects import DEPENDENCIES, EFFECTS, ERRORS

ALL = [Fault(service, kind) for kind in KINDS.values() for service in kind.services]


def test_there_are_ten_kinds_and_more():
    assert len(KINDS) >= 10


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.spec)
def test_every_fault_can_be_named_and_shows_in_a_metric_of_its_service(fault):
    assert parse(fault.spec) == fault
    assert fault.service in SERVICES
    assert fault.metrics


def test_effects_know_every_service_that_they_fit():
    assert set(KINDS["dependency"].services) == set(DEPENDENCIES)
    assert set(KINDS["errors"].services) == set(ERRORS)
    assert set(EFFECTS) <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_knows_its_layer_and_what_people_feel_of_it(kind):
    assert kind.layer in get_args(Layer)
    assert set(kind.outcomes) <= {"quality", "cost", "service", "accuracy", "freshness"}


def test_a_mix_that_moves_is_nobodys_fault():
    moved = Plan(None, 60, 300, 7, harder_at_s=150)
    assert (moved.layer, moved.outcomes) == ("questions", ("quality",))
    assert Plan(None, 60, 300, 7).layer is None
    both = Plan(parse("llm:cheaper_model"), 60, 300, 7, harder_at_s=150)
    assert both.layer == "language model"
    assert moved.command() == "aiopslab rehearse --fault none --harder-at 150 --minutes 5 --seed 7"


def test_none_is_no_fault():
    assert parse("none") is None


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("retriever", "service:kind"),
        ("retreiver:latency", "Did you mean 'retriever'?"),
        ("retriever:latensy", "Did you mean 'latency'?"),
        ("llm:costly-prompt", "Did you mean 'costly_prompt'?"),
        ("llm:pool", "it fits database"),
        ("llm:pool", "for llm: cpu, memory"),
        ("", "service:kind"),
        (":", "Valid names: gateway"),
        ("rétriever:latency", "Did you mean 'retriever'?"),
    ],
)
def test_a_bad_specification_is_told_apart(spec, told):
    with pytest.raises(RehearsalError) as failure:
        parse(spec)
    assert told in str(failure.value)


@pytest.mark.parametrize("fault", [None, *ALL], ids=lambda fault: fault.spec if fault else "none")
def test_innocent_changes_never_touch_the_broken_service(fault):
    for seed in range(20):
        drawn = decoys(fault, 120, 300, seed)
        assert 3 <= len(drawn) <= 5
        assert all(0 <= each.at_s <= 300 for each in drawn)
        assert any(75 <= each.at_s < 120 for each in drawn)
        assert fault is None or fault.service not in {each.service for each in drawn}
        cause = culprit(fault, 120, seed)
        assert cause is None or cause.ref not in {each.ref for each in drawn}
        assert drawn == decoys(fault, 120, 300, seed)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seconds": 5}, "minutes is 0.08"),
        ({"seconds": float("nan")}, "minutes is nan"),
        ({"at_s": 400}, "begin at 400 s"),
        ({"at_s": -1}, "begin at -1 s"),
        ({"lasts_s": 500}, "last 500 s"),
        ({"lasts_s": 0}, "last 0 s"),
        ({"harder_at_s": 300}, "harder at 300 s"),
        ({"harder_at_s": -1}, "harder at -1 s"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(change, told):
    plan = {"fault": parse("llm:cpu"), "at_s": 60, "seconds": 300, "seed": 1, "lasts_s": None}
    with pytest.raises(RehearsalError) as failure:
        Plan(**{**plan, **change})
    assert told in str(failure.value)


def test_the_command_repeats_the_plan():
    plan = Plan(parse("llm:cpu"), 60, 300, seed=7, lasts_s=90)
    assert plan.command() == (
        "aiopslab rehearse --fault llm:cpu --at 60 --for 90 --minutes 5 --seed 7"
    )
    assert Plan(None, 60, 300, 7).command() == (
        "aiopslab rehearse --fault none --minutes 5 --seed 7"
    )
