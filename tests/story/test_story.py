"""The story, told of two embedded recordings instead of ten minutes of a live system."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import aiopslab
from aiopslab.cli import cli
from aiopslab.governance.audit import Trail
from aiopslab.rehearsal import rehearsal
from aiopslab.story.telling import ALIAS, FAULT, GOOD, MODEL, REGISTRY, StoryError, tell
from tests.mlflow_server import empty_store

SAMPLES = Path(aiopslab.__file__).parent / "samples"
RECORDED = {FAULT: "classifier-degraded", "none": "no-fault"}


@pytest.fixture
def recorded(monkeypatch):
    """Have a rehearsal hand over the embedded recording of the same fault."""
    asked = []

    def rehearse(fault, folder, *_, **__):
        if not asked:
            empty_store(folder.with_name(REGISTRY))
        asked.append(fault)
        shutil.copytree(SAMPLES / RECORDED[fault], folder)

    monkeypatch.setattr(rehearsal, "rehearse", rehearse)
    return asked


def told(folder, approve):
    from aiopslab.governance.approval import Approval

    reports, said = [], []

    def approved(step, says):
        said.append(says)
        return Approval.now(step, "the one on call", "users wait") if approve else None

    return tell(folder, approved, lambda values: reports.append(values), said.append), reports, said


@pytest.mark.xdist_group("mlflow")
def test_the_layer_is_found_rolled_back_with_an_approval_and_proved(tmp_path, recorded):
    story, reports, _ = told(tmp_path, approve=True)
    assert recorded == [FAULT, "none"]  # what the alias names is what is served
    assert story.cause.layer == "classifier" and story.helped
    truth = json.loads((SAMPLES / "classifier-degraded/truth.json").read_text())
    assert story.cause.change == truth["culprit_change"]
    table = story.recovery.table().set_index("measure")
    assert table.loc["right predictions", "low"] > 0
    records = list(Trail(tmp_path / "audit.jsonl").records())
    assert Trail(tmp_path / "audit.jsonl").verify().records == len(records)
    assert any("the one on call" in json.dumps(each) for each in records)
    assert [each["evidence"] for each in reports] == [
        str(tmp_path / name) for name in ("evening", "after")
    ]
    assert reports[1]["before"] == str(tmp_path / "evening")
    with pytest.raises(StoryError, match="a story already"):
        told(tmp_path, approve=True)


@pytest.mark.xdist_group("mlflow")
def test_without_an_approval_nothing_is_rolled_back(tmp_path, recorded):
    from aiopslab.mlflow_server import connect

    with pytest.raises(StoryError, match="nobody approved"):
        told(tmp_path, approve=False)
    registry = connect(f"sqlite:///{tmp_path / 'registry.db'}")
    assert str(registry.get_model_version_by_alias(MODEL, ALIAS).version) != GOOD
    assert recorded == [FAULT] and not (tmp_path / "audit.jsonl").exists()


def test_where_nothing_is_found_nothing_is_done(tmp_path, monkeypatch):
    def calm(fault, folder, *_, **__):
        shutil.copytree(SAMPLES / "no-fault", folder)

    monkeypatch.setattr(rehearsal, "rehearse", calm)
    with pytest.raises(StoryError, match="no cause was found"):
        told(tmp_path, approve=True)
    assert not (tmp_path / "registry.db").exists()


def test_help_teaches():
    shown = CliRunner().invoke(cli, ["story", "--help"]).output
    assert "Exit codes" in shown and "--approve" in shown
