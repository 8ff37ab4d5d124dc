"""The card of a model of a real registry: what is known, what is not, and nothing that runs."""

import json

import numpy as np
import pytest

from aiopslab.cards import card_of_model
from aiopslab.cards.deeds import deeds
from aiopslab.errors import AIOpsLabError
from aiopslab.governance import AuditError, Denied, Trail, approve
from aiopslab.mlflow_aliases import Aliases
from aiopslab.mlflow_server import connect
from tests.cards.shown import harmless
from tests.drift.conftest import COMMIT, applicants, classifier, logged

pytestmark = [pytest.mark.server, pytest.mark.slow]

EVIL = "<script>alert(1)</script> ![x](http://evil.example) \x1b[2J"
POLICY = """
@id("all") permit (principal, action, resource);
@id("four-eyes") forbid (principal, action == Action::"promote", resource is Model)
unless { context.approvals >= 1 };
"""
KEY = "AKIA5AWS4EXAMPLE7KEY"


@pytest.fixture(scope="module")
def two(mlflow_at):
    """Two versions of a model, of which the second is better."""
    client, train = connect(mlflow_at), applicants()
    return client, [
        logged(client, "carded", classifier(known), train[[*known, "paid"]])
        for known in (["age"], ["age", "income", "city"])
    ]


def test_a_card_says_what_was_recorded(
    two, gallery, card, aiopslab, mlflow_at, tmp_path, monkeypatch
):
    client, (first, second) = two
    judge, folder = gallery
    for name, value in (("accuracy", 0.9), ("accuracy_low", 0.87), ("accuracy_high", 0.93)):
        client.log_metric(second.run_id, name, value)
    client.update_model_version("carded", second.version, f"Tells who pays back. {EVIL}")
    client.set_model_version_tag("carded", second.version, "limits", f"Not for firms. {KEY}")
    client.set_model_version_tag("carded", second.version, "owner", "risk team")
    client.set_registered_model_alias("carded", "champion", first.version)
    opened = {"source": f"models:/carded/{second.version}", "digest": "ab12cd34ef56" * 5}
    judge("drift", {"model": "models:/carded@challenger"}, [opened], claim=f"Age moved. {EVIL}")
    judge("drift", {"model": "models:/other/1"}, claim="Of another.")
    trail = tmp_path / "audit.jsonl"
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(trail))
    applicants(500, seed=2).to_parquet(tmp_path / "recent.parquet")
    sides = ["--champion", "models:/carded@champion", "--challenger", second.uri]
    moving = ["--target", "paid", "--set-alias", "champion", "--tracking-uri", mlflow_at]
    assert aiopslab("promote", tmp_path / "recent.parquet", *sides, *moving)[0] == 0
    code, err, files = card(
        *("model", "models:/carded@champion", "--gallery", folder, "--tracking-uri", mlflow_at)
    )
    assert (code, err) == (0, "")
    told = json.loads(files["json"])
    by_title = {each["title"]: each for each in told["sections"]}
    facts = dict(by_title["What it is"]["rows"])
    assert facts["name and version"] == f"carded {second.version}"
    assert facts["aliases"] == "champion" and facts["code commit"] == COMMIT
    assert by_title["Data"]["rows"] == [["training", "loans-2026-03", second.digest]]
    metrics = {row[0]: row for row in by_title["Metrics"]["rows"] if "report" not in row[3]}
    assert ["accuracy", "0.9", "0.87 to 0.93", "its training run"] in by_title["Metrics"]["rows"]
    assert "accuracy_low" not in metrics
    assert any(row[2] == "0.88 to 0.94 (95 %)" for row in by_title["Metrics"]["rows"])
    (gate,) = by_title["Gates"]["rows"]
    assert gate[1:3] == ["promote", "models:/carded@champion"] and "gain in accuracy" in gate[3]
    limits = [row[0] for row in by_title["Known limits"]["rows"]]
    assert limits[0].startswith("Not for firms. [secret") and limits[1].startswith("loans: Age")
    (report,) = by_title["Reports that judged it"]["rows"]
    assert report[0] == "2026-03-01 12:00:00" and "ab12cd34ef56" in report[4]
    assert by_title["History of its aliases"]["rows"][0][2:5] == [
        *("promote", f"carded {second.version}", "champion")
    ]
    assert by_title["Approved by"]["unknown"] == "The audit trail has no approval of it."
    assert len(by_title["Versions"]["rows"]) == 2
    for text in files.values():
        assert KEY not in text and "risk team" in text
    harmless(files, "<script>alert(1)</script>")


def test_what_nobody_recorded_is_said_to_be_not_known(card, mlflow_at, monkeypatch):
    monkeypatch.delenv("AIOPSLAB_AUDIT", raising=False)
    client = connect(mlflow_at)
    client.create_registered_model("bare")
    client.create_model_version("bare", "s3://nowhere/model")
    code, _, files = card("model", "models:/bare/1", "--tracking-uri", mlflow_at)
    assert code == 0
    told = {each["title"]: each for each in json.loads(files["json"])["sections"]}
    for title in ("Data", "Metrics", "Gates", "Known limits", "Approved by"):
        assert told[title]["rows"] == [] and told[title]["unknown"].startswith("Not known")
    assert told["Reports that judged it"]["unknown"] == "Not known: no gallery was named."
    facts = dict(told["What it is"]["rows"])
    assert {facts[each] for each in ("kind", "made for", "training run")} == {"not recorded"}
    assert "Not known: no gate" in files["html"] and "Not known: no gate" in files["md"]


def test_decisions_of_other_versions_are_left_out(two, mlflow_at, tmp_path):
    _, (first, second) = two
    paths = []
    for number, candidate in enumerate((first.uri, second.uri)):
        paths.append(tmp_path / f"{number}.json")
        said = {"decision": "keep", "candidate": candidate, "baseline": None, "reasons": ["Worse."]}
        paths[-1].write_text(json.dumps({**said, "measured": [], "decided": "2026-03-01T12:00:00"}))
    made = card_of_model(first.uri, decisions=paths, tracking_uri=mlflow_at)
    rows = [row for row in made["Gates"].rows if row[4] == "Worse."]
    assert rows == [("2026-03-01 12:00:00", "keep", "bounds alone", "", "Worse.")]
    paths[0].write_text("[1]")
    with pytest.raises(AIOpsLabError, match="holds no decision of a gate"):
        card_of_model(first.uri, decisions=paths, tracking_uri=mlflow_at)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("model", "models:/none/1"), "none"),
        (("model", "loans"), "names no version of a model"),
        (("model", "models:/carded/1", "--gallery", "nowhere"), "there is no folder nowhere"),
        (("model", "models:/carded/1", "--trail", "nowhere"), "no audit trail nowhere"),
        (("model", "models:/carded/1", "--decision", "nowhere"), "cannot read nowhere"),
        (("prompt", "none@production"), "no prompt 'none'"),
        (("index", "nowhere"), "no Chroma store"),
    ],
)
def test_what_cannot_be_read_is_told(two, card, mlflow_at, arguments, says):
    code, err, files = card(*arguments, "--tracking-uri", mlflow_at)
    assert (code, files) == (2, {}) and says in err and "Traceback" not in err


def test_whoever_approved_a_promotion_is_named(two, mlflow_at, tmp_path, monkeypatch):
    client, (first, _) = two
    (tmp_path / "policy.cedar").write_text(POLICY)
    monkeypatch.setenv("AIOPSLAB_POLICY", str(tmp_path))
    monkeypatch.delenv("AIOPSLAB_AUDIT", raising=False)
    aliases, trail = Aliases(client, "model", "carded"), tmp_path / "audit.jsonl"
    with pytest.raises(Denied):
        aliases.promote("prod", int(first.version))
    (denial,) = Trail(trail).records()
    approve(denial["number"], "It holds on all segments.", "ana")
    aliases.promote("prod", int(first.version))
    made = card_of_model(first.uri, trail=trail, tracking_uri=mlflow_at)
    (approved,) = made["Approved by"].rows
    assert approved[1:] == (
        *("ana", "promote", f"carded {first.version}"),
        "It holds on all segments.",
    )
    told = [(row[2], row[4], row[5]) for row in made["History of its aliases"].rows]
    assert told == [("promote", "prod", "done"), ("promote", "prod", "deny")]
    client.delete_registered_model_alias("carded", "prod")


def test_of_a_trail_that_was_changed_nothing_is_told(two, card, mlflow_at, tmp_path):
    trail = tmp_path / "audit.jsonl"
    told = {"subject": "models:/carded", "decision": "permit", "approves": "promote"}
    Trail(trail).append("approve", principal="ann", **told)
    made = card_of_model("models:/carded/1", trail=trail, tracking_uri=mlflow_at)
    assert made["Approved by"].rows[0][1:3] == ("ann", "promote")
    trail.write_text(trail.read_text().replace("ann", "bob"))
    with pytest.raises(AuditError, match="was changed"):
        deeds(trail, "model", "carded")
    assert card("model", "models:/carded/1", "--trail", trail, "--tracking-uri", mlflow_at)[0] == 2


def test_metrics_that_are_no_number_are_not_known(mlflow_at):
    client = connect(mlflow_at)
    run = client.create_run("0").info.run_id
    client.log_metric(run, "loss", np.nan)
    client.create_registered_model("gone")
    client.create_model_version("gone", "s3://nowhere/model", run)
    made = card_of_model("models:/gone/1", tracking_uri=mlflow_at)
    assert made["Metrics"].rows == (("loss", "not known", "", "its training run"),)
