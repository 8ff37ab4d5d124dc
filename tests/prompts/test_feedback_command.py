"""What raters said, as commands: shown, exported, and refused where there is none."""

import json
import sqlite3

import pandas as pd
import pytest

from aiopslab.prompts.feedback import Feedback

SHOWN, UNUSABLE, NOT_ENOUGH = 0, 2, 4


@pytest.fixture
def file(tmp_path):
    """A file of pairs in which people prefer "long" and the judge prefers "short"."""
    path = tmp_path / "feedback.db"
    rows = [(item, prompt) for item in range(20) for prompt in ("short", "long")]
    calls = pd.DataFrame(rows, columns=["item", "prompt"])
    calls["output"] = [f"{prompt} 日本 {item}" for item, prompt in rows]
    asked = {item: f"Frage {item}" for item in range(20)}
    with Feedback(path) as feedback:
        feedback.add_pairs(calls, asked)
        for rater, kind, liked in (
            ("ann", "human", "long"),
            ("bob", "human", "long"),
            ("gpt", "judge", "short"),
        ):
            while (task := feedback.next_task(rater, kind)) is not None:
                is_left = task.outputs[0].startswith(liked)
                feedback.rate(task, "left" if is_left else "right")
    return path


def test_pairs_are_written_as_lines_to_train_on(aiopslab, file, tmp_path):
    out = tmp_path / "pairs.jsonl"
    code, said, err = aiopslab("prompts", "pairs", file, "-o", out)
    assert (code, err) == (SHOWN, "") and "20 pairs; 0 ties" in said
    lines = [json.loads(each) for each in out.read_text(encoding="utf-8").splitlines()]
    assert {"prompt": "Frage 7", "chosen": "long 日本 7", "rejected": "short 日本 7"} in lines
    assert aiopslab("prompts", "pairs", file, "-o", out, "--kind", "judge")[0] == SHOWN
    assert all(json.loads(each)["chosen"].startswith("short") for each in out.open())


def test_people_and_judges_stand_side_by_side(aiopslab, file):
    code, out, err = aiopslab("prompts", "agreement", file)
    assert (code, err) == (SHOWN, "") and out.startswith("60 ratings of 3 raters")
    lines = out.splitlines()
    alpha = next(each for each in lines if "Krippendorff" in each)
    assert alpha.split()[:2] == ["people", "people"]
    assert any(each.split()[:2] == ["ann", "bob"] and "kappa" in each for each in lines)
    assert any(each.split()[:3] == ["gpt", "most", "people"] for each in lines)
    head = next(each for each in lines if "people (interval)" in each)
    assert "judges (interval)" in head
    strong, weak = lines[lines.index(head) + 1 : lines.index(head) + 3]
    assert (strong.split()[0], weak.split()[0]) == ("long", "short"), "as people say"
    people, judges = (float(strong.split()[at]) for at in (1, 6))
    assert people > 0 > judges and (strong.split()[5], strong.split()[10]) == ("40", "20")


def test_raters_of_single_outputs_are_compared(aiopslab, tmp_path):
    path = tmp_path / "grades.db"
    calls = pd.DataFrame({"item": range(6), "prompt": "p", "output": [f"o{n}" for n in range(6)]})
    with Feedback(path) as feedback:
        feedback.add_outputs(calls, dict.fromkeys(range(6), "?"))
        for rater in ("ann", "bob"):
            while (task := feedback.next_task(rater)) is not None:
                feedback.rate(task, 1 + int(task.outputs[0][1]) % 5)
    code, out, _ = aiopslab("prompts", "agreement", path)
    assert code == SHOWN and "Agreement on single outputs" in out and "Strength" not in out
    assert "+1.00" in out
    assert aiopslab("prompts", "pairs", path, "-o", tmp_path / "p.jsonl")[0] == NOT_ENOUGH


def test_nobody_has_rated(aiopslab, tmp_path):
    with Feedback(tmp_path / "new.db"):
        pass
    assert aiopslab("prompts", "agreement", tmp_path / "new.db")[0] == NOT_ENOUGH
    told = ["prompts", "pairs", tmp_path / "new.db", "-o", tmp_path / "p.jsonl"]
    assert aiopslab(*told)[0] == NOT_ENOUGH


def test_other_files_are_refused_and_left_as_they_are(aiopslab, tmp_path, file):
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE calls (key TEXT)")
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at")
    for name in ("other.db", "text.db", "missing.db"):
        path = tmp_path / name
        before = path.read_bytes() if path.exists() else None
        for more in (["agreement", path], ["pairs", path, "-o", tmp_path / "p.jsonl"]):
            code, out, err = aiopslab("prompts", *more)
            assert (code, out) == (UNUSABLE, "") and "Traceback" not in err and name in err
        assert (path.read_bytes() if path.exists() else None) == before
    assert not (tmp_path / "p.jsonl").exists()
    code, _, err = aiopslab("prompts", "pairs", file, "-o", tmp_path / "no" / "p.jsonl")
    assert code == UNUSABLE and "cannot be written" in err
