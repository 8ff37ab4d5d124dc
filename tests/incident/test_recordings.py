"""The embedded recordings of real faults, whose truth is known."""

import json

import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.incident import analyse
from tests.recordings import analysed, recorded, together

pytestmark = together

TRUTHS = {
    name: json.loads((sources.samples.path(name) / "truth.json").read_text())
    for name in sources.samples.names()
}
FAULTS = [name for name, truth in TRUTHS.items() if truth["fault"]]
CALM = sorted(set(TRUTHS) - set(FAULTS))


@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_is_among_the_first_three(name):
    ranked = analysed(name).services["service"].tolist()
    assert TRUTHS[name]["root_cause_service"] in ranked[:3]


def test_most_causes_come_first_and_are_named_in_the_verdict():
    first, named = [], []
    for name in FAULTS:
        analysis = analysed(name)
        cause = TRUTHS[name]["root_cause_service"]
        first.append(analysis.services.loc[0, "service"] == cause)
        named.append(cause in analysis.named and analysis.level != "ok")
    assert np.mean(first) >= 0.8
    assert np.mean(named) >= 0.8


@pytest.mark.parametrize(("kept", "share"), [("metrics", 0.9), ("spans", 0.8), ("logs", 0.25)])
def test_any_one_kind_of_evidence_still_ranks(kept, share):
    found = []  # few of these faults leave a trace in the logs of the service that they are in
    for name in FAULTS:
        evidence = recorded(name)
        analysis = analyse({kept: evidence.frames[kept]}, onset=evidence.truth["started"])
        ranked = analysis.services["service"].tolist()
        found.append(evidence.truth["root_cause_service"] in ranked[:3])
    assert np.mean(found) >= share


@pytest.mark.parametrize("name", FAULTS)
def test_with_a_known_onset_the_cause_is_among_the_first_three_too(name):
    evidence = recorded(name)
    analysis = analyse(evidence.frames, onset=evidence.truth["started"])
    assert evidence.truth["root_cause_service"] in analysis.services["service"].tolist()[:3]


@pytest.mark.parametrize("name", CALM)
def test_a_day_without_a_fault_is_ok(name):
    assert analysed(name).verdict().level == "ok"


def test_onsets_are_near_and_their_intervals_mostly_hold():
    errors, held = [], []
    for name in FAULTS:
        truth = pd.Timestamp(TRUTHS[name]["started"])
        onset = analysed(name).onset
        errors.append(abs((onset.time - truth).total_seconds()))
        held.append(onset.low <= truth <= onset.high)
    assert pd.Series(errors).median() <= 10
    assert pd.Series(held).mean() >= 0.75
