"""The card of a prompt of a real registry, from what gate, trail and gallery recorded."""

import json
from uuid import uuid4

import pandas as pd
import pytest

from aiopslab.mlflow_server import connect
from aiopslab.prompts import aliases
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.registry import register
from aiopslab.runbooks.audit import AuditLog
from tests.cards.shown import harmless
from tests.prompts.stub import answer, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]
EVIL = "</pre><img src=x onerror=alert(1)>"


@pytest.fixture
def name(mlflow_at):
    """Of a prompt whose first version is in use, and whose second is better."""
    made = f"prompt-{uuid4().hex[:8]}"
    for text, why in (("Half {{ number }}", "first"), (f"Sure {{{{ number }}}} {EVIL}", "Surer.")):
        register(Prompt.of("p", text, max_tokens=5), made, mlflow_at, why)
    aliases.promote(made, "production", 1, mlflow_at)
    return made


@pytest.fixture
def model():
    """An endpoint that is right where the prompt is sure, else in every second item."""

    async def behave(request, before):
        kind, number, *_ = (await request.json())["messages"][-1]["content"].split(" ")
        return answer("yes" if kind == "Sure" or int(number) % 2 == 0 else "no", taken=9)

    with serving(behave) as stub:
        yield stub


def test_a_card_follows_a_prompt_through_the_gate(
    name, model, gallery, card, aiopslab, mlflow_at, tmp_path, monkeypatch
):
    judge, folder = gallery
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(tmp_path / "audit.jsonl"))
    items = tmp_path / "items.csv"
    pd.DataFrame({"number": range(60), "expected": "yes"}).to_csv(items, index=False)
    sides = ["--baseline", f"prompts:/{name}@production", "--candidate", f"prompts:/{name}@latest"]
    at = ["--items", items, "--endpoint", model.address, "--model", "stub"]
    assert aiopslab("prompts", "gate", *sides, *at, "--set-alias", "production")[0] == 0
    judge("prompt_ab", {"candidates": [f"prompts:/{name}/2"], "items": str(items)})
    judge("prompt_ab", {"candidates": [f"prompts:/{name}/1"], "items": "others.csv"})
    code, err, files = card("prompt", f"{name}@production", "--gallery", folder)
    assert (code, err) == (0, "")
    told = {each["title"]: each for each in json.loads(files["json"])["sections"]}
    facts = dict(told["What it is"]["rows"])
    assert facts["name and version"] == f"{name} 2" and facts["why it was changed"] == "Surer."
    assert facts["reads"] == "number" and facts["aliases"] == "production"
    assert told["Messages"]["texts"] == [["user", f"Sure {{{{ number }}}} {EVIL}"]]
    assert told["Parameters"]["rows"] == [["max_tokens", "5"]]
    assert [row[0] for row in told["Versions"]["rows"]] == ["2 (this one)", "1"]
    (gate,) = told["Gates"]["rows"]
    assert gate[1] == "promote" and gate[3].startswith("gain in exact 0.5 (")
    assert told["Data"]["rows"] == [["evaluation", str(items), "not recorded"]]
    assert [row[1] for row in told["Reports that judged it"]["rows"]] == [
        path.name for path in folder.iterdir() if f"{name}/2" in (path / "run.json").read_text()
    ]
    assert told["History of its aliases"]["rows"][0][2:5] == ["promote", f"{name} 2", "production"]
    harmless(files, EVIL)
    aiopslab("prompts", "rollback", name, "--alias", "production")
    _, _, files = card("prompt", f"{name}@production")
    moves = {each["title"]: each for each in json.loads(files["json"])["sections"]}
    told = [(row[2], row[5]) for row in moves["History of its aliases"]["rows"]]
    assert told == [("rollback", "done"), ("promote", "done")]


def test_without_a_trail_the_registry_says_what_it_knows(name, card, mlflow_at, monkeypatch):
    monkeypatch.delenv("AIOPSLAB_AUDIT", raising=False)
    aliases.promote(name, "production", 2, mlflow_at)
    code, _, files = card("prompt", f"prompts:/{name}@production", "--tracking-uri", mlflow_at)
    told = {each["title"]: each for each in json.loads(files["json"])["sections"]}
    (move,) = told["History of its aliases"]["rows"]
    assert code == 0 and "it pointed at version 1" in move[2] and move[1] == "not recorded"
    assert told["Approved by"]["unknown"] == "Not known: no audit trail was named."


def test_who_approved_a_remediation_is_told(name, card, mlflow_at, tmp_path):
    log = tmp_path / "remediation.jsonl"
    values = {"prompt": name, "alias": "production", "version": "1"}
    AuditLog(log).append(
        "finished", action="rollback-prompt", values=values, by="ann", reason="Users wait."
    )
    AuditLog(log).append("finished", action="rollback-prompt", values={"prompt": "x"}, by="bob")
    _, _, files = card("prompt", f"{name}/1", "--trail", log, "--tracking-uri", mlflow_at)
    told = {each["title"]: each for each in json.loads(files["json"])["sections"]}
    (approved,) = told["Approved by"]["rows"]
    assert approved[1:] == ["ann", "rollback-prompt", "1", "Users wait."]
    assert connect(mlflow_at).get_prompt_version_by_alias(name, "production").version == 1
