import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.incident import rank_changes
from aiopslab.incident.clues import WEIGHTS
from aiopslab.incident.culprits import weigh
from tests.recordings import analysed, recorded, together

ONSET = pd.Timestamp("2026-03-01T12:00Z")
SERVICES = pd.DataFrame({"service": ["search", "shop"], "probability": [0.85, 0.1]})
SUSPECTS = pd.DataFrame(
    {
        "service": ["search"],
        "name": ["timed out waiting for the suggestion index"],
        "strength": [3.0],
    }
)
EDGES = pd.DataFrame({"caller": ["shop", "search"], "callee": ["search", "store"]})
REAL = "-    timeout = 30 * SECOND\n+    timeout = 30 * MILLISECOND"
TIDY = "-    value = compute(index)\n-    return value\n+    return compute(index)"


def change(minutes, service="search", ref="a", kind="deploy", **more):
    row = {
        "timestamp": ONSET - pd.Timedelta(minutes=minutes),
        "kind": kind,
        "service": service,
        "ref": ref,
        "description": f"{service}: rolled out",
        "files": ["src/suggest.py"],
        "diff": REAL,
    }
    return row | more


def ranked(*rows, suspects=SUSPECTS):
    return rank_changes(pd.DataFrame(rows), ONSET, SERVICES, suspects, EDGES)


@pytest.mark.parametrize(
    "decoy",
    [
        change(3, ref="decoy", diff=TIDY),
        change(3, ref="decoy", diff='-    log.info("a")\n+    log.info("b")'),
        change(3, ref="decoy", diff="-    # old\n+    # new"),
        change(3, ref="decoy", files=["docs/readme.md"]),
        change(3, ref="decoy", files=["go.mod"], diff="-  lib v1.2.3\n+  lib v1.2.4"),
        change(3, ref="decoy", service="mail"),
        change(110, ref="decoy"),
        change(-4, ref="decoy"),
    ],
    ids=["tidied", "logging", "comment", "documents", "upgrade", "elsewhere", "long ago", "after"],
)
def test_a_decoy_is_not_blamed(decoy):
    assert ranked(decoy, change(5, ref="real")).culprit == "real"


def test_no_change_did_it_is_an_answer():
    assert ranked(change(3, diff=TIDY), change(90, service="mail", ref="b")).culprit is None
    assert rank_changes(None, ONSET, SERVICES, SUSPECTS).culprit is None
    assert ranked(change(-1)).table()["description"].tolist() == ["no change did it"]


@pytest.mark.parametrize(
    "diff",
    [None, REAL, '-host: "old.example"\n+host: "new.example"'],
    ids=["none", "other", "host"],
)
def test_a_host_that_is_not_ours_speaks_for_outside(diff):
    outside = SUSPECTS.assign(name="503 from assets.storage.example.com, giving up")
    with_it, without = ranked(change(5, diff=diff), suspects=outside), ranked(change(5, diff=diff))
    assert with_it.hosts == ("assets.storage.example.com",)
    assert with_it.none > without.none
    assert "assets.storage.example.com" in with_it._repr_html_()


@pytest.mark.parametrize(
    ("name", "diff"),
    [
        ("503 from search.example.com", None),
        ("503 from eu.store.example.com", "-at: eu.store.example.com\n+at: store"),
        ("bad address: a@example.com", None),
        ("java.lang.NullPointerException in com.example.Index", None),
    ],
    ids=["ours", "changed", "mail", "code"],
)
def test_what_is_ours_or_was_changed_is_not_outside(name, diff):
    assert ranked(change(5, diff=diff), suspects=SUSPECTS.assign(name=name)).hosts == ()


def test_changes_that_cannot_be_told_apart_are_both_named():
    ranking = ranked(change(4, ref="one"), change(6, ref="two"), change(5, "mail", ref="far"))
    assert sorted(ranking.named) == ["one", "two"]
    assert ranking.culprit is None
    (finding,) = ranking.findings()
    assert "cannot be told apart" in finding.claim
    assert finding.severity == "watch"


def test_a_change_that_is_listed_twice_does_not_rival_itself():
    assert ranked(change(4), change(4), change(6)).named == ["a"]


def test_a_line_that_announces_a_change_is_no_evidence_against_it():
    quick = {"ref": "quick_index", "description": "quick_index on", "files": None, "diff": None}
    flag = change(5, kind="flag", **quick)
    heard = SUSPECTS.assign(name="flag quick_index enabled")
    assert ranked(flag, suspects=heard).changes["words"].tolist() == [0]
    assert ranked(flag).changes["words"].tolist() == [1]


def test_a_change_with_nothing_but_a_time_is_ranked():
    bare = {"timestamp": ONSET - pd.Timedelta("5min"), "kind": "deploy"}
    for missing in (None, np.nan):
        row = bare | dict.fromkeys(["service", "ref", "description", "files", "diff"], missing)
        ranking = ranked(row, change(4, ref="real"), {"timestamp": pd.NaT, "ref": "never"})
        assert ranking.named == ["real"]
        assert "deploy of no known service" in ranking._repr_html_()
    assert rank_changes(pd.DataFrame([bare]), ONSET, SERVICES, SUSPECTS).changes["ref"].all()


def test_a_commit_acts_from_the_deploy_that_ships_it():
    commit = change(600, ref="c1", kind="commit")
    deploy = change(6, ref="c1", diff=None)
    ranking = ranked(commit, deploy)
    assert ranking.culprit == "c1"
    assert len(ranking.changes) == 1
    assert ranking.changes.loc[0, "timestamp"] == deploy["timestamp"]
    never = ranked(change(6, ref="other", kind="commit"), commit, deploy)
    assert never.changes["ref"].tolist() == ["c1", "other"]


def test_probabilities_and_none_add_up_and_the_reasons_are_said():
    ranking = ranked(change(5), change(7, ref="b", service="shop"))
    assert ranking.changes["probability"].sum() + ranking.none == pytest.approx(1)
    assert "the suspect" in ranking.changes.loc[0, "why"]
    assert "setting" in ranking.changes.loc[0, "why"]
    assert ranking.findings()[0].subject == "search"


KINDS = st.sampled_from(["deploy", "flag", "config", "commit", "model", "prompt"])
DIFFS = st.sampled_from(
    [None, REAL, TIDY, "+index = build()\n+index.save()", "-    # old\n+    # new"]
)
CHANGES = st.lists(
    st.builds(
        lambda minutes, service, ref, kind, diff: change(minutes, service, ref, kind, diff=diff),
        st.floats(-30, 200),
        st.sampled_from(["search", "shop", "store", "mail", "", "サーチ"]),
        st.sampled_from("abcdefgh"),
        KINDS,
        DIFFS,
    ),
    min_size=1,
    max_size=12,
)


@given(CHANGES, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_ranking_is_a_distribution_and_the_order_of_the_rows_is_nothing_to_it(rows, draw):
    ranking = ranked(*rows)
    assert ranking.changes["probability"].sum() + ranking.none == pytest.approx(1)
    assert ranking.changes["probability"].is_monotonic_decreasing
    assert ranking.changes["ref"].is_unique
    assert (ranking.changes["timestamp"] <= ONSET).all()
    shuffled = ranked(*draw.sample(rows, len(rows)))
    assert shuffled.named == ranking.named
    assert shuffled.none == pytest.approx(ranking.none)


@given(CHANGES, st.floats(0, 120), st.sampled_from(["search", "mail"]))
@settings(max_examples=25)
def test_documents_never_take_over(rows, minutes, service):
    page = change(minutes, service, "page", "config", files=["docs/index.md"], diff="+search index")
    before, after = ranked(*rows), ranked(*rows, page)
    assert "page" not in after.named
    assert after.named == before.named


@given(CHANGES, st.floats(0.1, 300))
@settings(max_examples=25)
def test_a_change_after_the_onset_changes_nothing(rows, minutes):
    later = change(-minutes, ref="later", kind="config")
    assert ranked(*rows, later).named == ranked(*rows).named


def test_what_was_observed_can_be_weighed_again():
    ranking = ranked(change(5), change(50, ref="b"))
    assert weigh(ranking.changes, ranking.hosts).named == ranking.named
    timeless = weigh(ranking.changes, ranking.hosts, {**WEIGHTS, "delay": 0.0})
    assert sorted(timeless.named) == ["a", "b"]


def test_markup_in_a_change_is_escaped():
    ranking = ranked(change(5, description="<img src=x onerror=alert(1)>"))
    assert "<img" not in ranking._repr_html_()


@together
def test_on_the_recordings_the_culprit_is_found_or_nobody_is_blamed():
    right, decoyed = [], []
    for name in sources.samples.names():
        evidence = recorded(name)
        culprit = analysed(name).rank_changes(evidence.get("changes")).culprit
        right.append(culprit == evidence.truth["culprit_change"])
        decoyed.append(culprit in evidence.truth["decoys"])
    assert sum(right) / len(right) >= 10 / 12
    assert not any(decoyed)
