import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.incident import analyse, rank_changes
from aiopslab.incident.patches import read_patch

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
    outside = SUSPECTS.assign(name="no such host: dns lookup failed")
    with_it, without = ranked(change(5), suspects=outside), ranked(change(5))
    assert with_it.none > without.none
    assert rank_changes(None, ONSET, SERVICES, SUSPECTS).culprit is None
    assert ranked(change(-1)).table()["description"].tolist() == ["no change did it"]


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


def test_markup_in_a_change_is_escaped():
    ranking = ranked(change(5, description="<img src=x onerror=alert(1)>"))
    assert "<img" not in ranking._repr_html_()


def test_on_the_recordings_the_culprit_is_found_or_nobody_is_blamed():
    right, decoyed = [], []
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        culprit = analyse(evidence.frames).rank_changes(evidence.get("changes")).culprit
        right.append(culprit == evidence.truth["culprit_change"])
        decoyed.append(culprit in evidence.truth["decoys"])
    assert sum(right) >= 9
    assert not any(decoyed)


def test_a_patch_is_read_for_what_it_does():
    assert read_patch(None).changes_code
    assert not read_patch("").is_known
    assert read_patch(REAL).sets_a_number
    assert read_patch(TIDY).is_rewording
    assert not read_patch("-check(user)\n-register(user)\n+done").is_rewording
    assert read_patch("+++ b/tests/a.py\n-a\n+b").changes_code is False
