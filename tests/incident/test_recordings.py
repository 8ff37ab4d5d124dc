"""The embedded recordings of real faults, whose truth is known."""

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.incident import analyse

RECORDINGS = {name: sources.open(f"sample://{name}") for name in sources.samples.names()}
FAULTS = [name for name, evidence in RECORDINGS.items() if evidence.truth["fault"]]
CALM = sorted(set(RECORDINGS) - set(FAULTS))


@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_is_among_the_first_three_and_the_verdict_is_not_ok(name):
    evidence = RECORDINGS[name]
    analysis = analyse(evidence.metrics)
    ranked = analysis.services["service"].tolist()
    assert evidence.truth["root_cause_service"] in ranked[:3]
    assert analysis.verdict().level != "ok"


@pytest.mark.parametrize("name", FAULTS)
def test_with_a_known_onset_the_cause_is_among_the_first_three_too(name):
    evidence = RECORDINGS[name]
    analysis = analyse(evidence.metrics, onset=evidence.truth["started"])
    assert evidence.truth["root_cause_service"] in analysis.services["service"].tolist()[:3]


@pytest.mark.parametrize("name", CALM)
def test_a_day_without_a_fault_is_ok(name):
    assert analyse(RECORDINGS[name].metrics).verdict().level == "ok"


def test_onsets_are_near_and_their_intervals_mostly_hold():
    errors, held = [], []
    for name in FAULTS:
        truth = pd.Timestamp(RECORDINGS[name].truth["started"])
        onset = analyse(RECORDINGS[name].metrics).onset
        errors.append(abs((onset.time - truth).total_seconds()))
        held.append(onset.low <= truth <= onset.high)
    assert pd.Series(errors).median() <= 10
    assert pd.Series(held).mean() >= 0.75
