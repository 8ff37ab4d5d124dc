"""The gate between two prompts: what it decides, by exit code, and what it refuses."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest

from aiopslab.mlflow_server import connect
from aiopslab.prompts import aliases
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.registry import register
from tests.prompts.stub import answer, serving

USE, UNUSABLE, KEEP, NOT_ENOUGH = 0, 2, 3, 4
WORDS = {USE: "promote", KEEP: "keep", NOT_ENOUGH: "not enough data"}
COMMAND = Path(sys.executable).with_name("aiopslab")
SURE, HALF, SURELY = ("Sure {{ number }}", "Half {{ number }}", "Surely {{ number }}")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of our own, for the store of answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model():
    """An endpoint: prompts of "Sure" are always right, those of "Half" in every second item."""

    async def behave(request, before):
        kind, _, number = (await request.json())["messages"][-1]["content"].partition(" ")
        right = kind != "Half" or int(number) % 2 == 0
        return answer("yes" if right else "no", taken=50 if kind == "Surely" else 10)

    with serving(behave) as stub:
        yield stub


@pytest.fixture
def decide(aiopslab, tmp_path, model):
    """Call the gate on texts of prompts and a number of items."""

    def call(baseline, candidate, *options, items=60):
        sides = []
        for side, told in (("baseline", baseline), ("candidate", candidate)):
            if not told.startswith("prompts:/"):
                (tmp_path / f"{side}.md").write_text(told)
                told = tmp_path / f"{side}.md"
            sides += [f"--{side}", told]
        table = pd.DataFrame({"number": range(items), "expected": "yes"})
        table.to_csv(tmp_path / "items.csv", index=False)
        at = ["--endpoint", model.address, "--model", "stub"]
        return aiopslab("prompts", "gate", *sides, "--items", tmp_path / "items.csv", *at, *options)

    return call


def process(*arguments, **more):
    command = [COMMAND, "prompts", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


# ---- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baseline", "candidate", "options", "items", "code", "says"),
    [
        (HALF, SURE, [], 60, USE, "Use candidate: candidate is better in exact: 1 against 0.5"),
        (SURE, HALF, [], 60, KEEP, "Keep baseline: candidate is worse in exact"),
        (SURE, SURELY, [], 400, KEEP, "Keep baseline; it makes no difference that matters"),
        (HALF, SURE, [], 8, NOT_ENOUGH, "Not enough data to tell"),
        (SURELY, SURE, ["--saves", "input_tokens"], 400, USE, "Use candidate"),
        (SURE, SURELY, ["--saves", "input_tokens"], 400, KEEP, "Keep baseline"),
        (HALF, SURE, ["--score", "rouge_l", "--score", "toxicity"], 60, USE, "better in rouge_l"),
    ],
)
def test_the_exit_code_is_the_decision(decide, baseline, candidate, options, items, code, says):
    ended, out, err = decide(baseline, candidate, *options, items=items)
    assert (ended, err) == (code, "")
    word, headline = out.splitlines()[:2]
    assert word == WORDS[code] and says in headline
    assert f"{items} items" in out and "difference (interval)" in out


def test_a_pipeline_reads_the_decision_as_json(decide, tmp_path):
    told = tmp_path / "decision.json"
    code, _, _ = decide(HALF, SURE, "--json", told, "--score", "exact", "--score", "toxicity")
    said = json.loads(told.read_text())
    assert (said["gate"], said["decision"], said["exit_code"]) == ("prompt", "promote", code)
    assert said["reasons"][0].startswith("Use candidate") and said["alias"] is None
    gain = said["measured"][0]
    assert gain["name"] == "gain in exact" and 0.3 < gain["low"] < 0.5 == gain["value"]
    for sides, items, word in ((SURE, SURE), 60, "keep"), ((HALF, SURE), 8, "not enough data"):
        _, out, _ = decide(*sides, "--json", "-", items=items)
        assert json.loads(out)["decision"] == word


def test_too_few_items_say_how_many_would_tell(decide):
    _, out, _ = decide(SURE, HALF, items=5)
    needed = out.splitlines()[1].rpartition(". ")[2]
    assert needed.endswith("items would tell.") and int(needed.split()[0].replace(",", "")) > 5


def test_no_call_is_paid_for_twice(decide, model):
    first = decide(HALF, SURE)
    assert model.calls == 120
    again = decide(HALF, SURE, "--margin", "0.01")
    assert model.calls == 120 and (first[0], again[0]) == (USE, USE)
    assert "120 of 120 calls, 120 reused" in again[1]


def test_the_same_text_asks_nothing(decide, model):
    code, out, _ = decide(SURE, SURE)
    assert (code, model.calls) == (KEEP, 0) and "says the same" in out


def test_files_of_one_name_are_told_apart_by_their_paths(aiopslab, tmp_path, model):
    sides = []
    for side, text in (("baseline", HALF), ("candidate", SURE)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "prompt.md").write_text(text)
        sides += [f"--{side}", tmp_path / side / "prompt.md"]
    pd.DataFrame({"number": range(60), "expected": "yes"}).to_json(
        tmp_path / "items.jsonl", orient="records", lines=True
    )
    at = ["--endpoint", model.address, "--model", "stub"]
    code, out, _ = aiopslab("prompts", "gate", *sides, "--items", tmp_path / "items.jsonl", *at)
    assert code == USE and "Use" in out and str(tmp_path / "candidate" / "prompt.md") in out


def test_a_run_that_the_cap_stops_decides_nothing(decide, model):
    prices = ["--input-price", 1000, "--output-price", 1000]
    bounded = "---\nmax_tokens: 5\n---\n"
    code, out, _ = decide(bounded + HALF, bounded + SURE, *prices, "--cap-usd", 0.5)
    assert code == NOT_ENOUGH and "stopped by the cap of 0.5 USD" in out.splitlines()[1]
    assert 0 < model.calls < 120 and "Raise the cap" in out
    code, out, _ = decide(bounded + HALF, bounded + SURE, *prices, "--cap-usd", 5)
    assert code == USE and model.calls == 120, "what was answered is not asked again"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--score", "exakt"], "Did you mean 'exact'?"),
        (["--score", "faithfulness"], "'faithfulness' reads 'context'"),
        (["--margin", "0"], "the margin of exact is 0.0"),
        (["--margin", "much"], "much"),
        (["--saves", "time"], "time"),
        (["--repetitions", "0"], "--repetitions"),
        (["--cap-usd", "1"], "has no prices"),
        (["--input-price", "-1"], "the price of 'input' is -1.0"),
        (["--model", "stub", "--endpoint", "ftp://me:secret@host"], "credentials"),
        (["--items", "nowhere.csv"], "nowhere.csv"),
        (["--candidate", "nowhere.md"], "nowhere.md"),
        (["--candidate", "embedded:plane"], "Did you mean 'plain'?"),
        (["--candidate", "embedded:plain"], "needs 'labels', which the item does not have"),
        (["--set-alias", "production"], "names no version of a prompt"),
    ],
)
def test_what_is_no_decision_is_told_apart_from_one(decide, model, options, says):
    code, out, err = decide(HALF, SURE, *options)
    assert (code, out, model.calls) == (UNUSABLE, "", 0)
    assert says in err and "Traceback" not in err and "secret" not in err


def test_an_endpoint_that_is_down_is_no_decision(decide):
    code, out, err = decide(HALF, SURE, "--endpoint", "http://127.0.0.1:9/v1", "--model", "m")
    assert (code, out) == (UNUSABLE, "") and "does not answer" in err


# ---- as a process --------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, model):
    """Arguments of a gate that lets the candidate pass."""
    for side, text in (("baseline", HALF), ("candidate", SURE)):
        (tmp_path / f"{side}.md").write_text(text)
    table = pd.DataFrame({"number": range(60), "expected": "yes"})
    table.to_parquet(tmp_path / "items.parquet")
    sides = ["--baseline", tmp_path / "baseline.md", "--candidate", tmp_path / "candidate.md"]
    at = ["--endpoint", model.address, "--model", "stub"]
    return ["gate", *sides, "--items", tmp_path / "items.parquet", *at]


def test_a_pipeline_reads_the_decision_from_the_exit_code(files):
    ended = process(*files)
    assert ended.returncode == USE and ended.stdout.startswith("promote\n  Use candidate")
    assert ended.stderr == "", "no bar where nobody looks"


def test_a_pipeline_reads_what_is_wrong_from_standard_error(files, tmp_path):
    ended = process(*files, "--items", tmp_path / "no.parquet")
    assert (ended.returncode, ended.stdout) == (UNUSABLE, "")
    assert ended.stderr.startswith("Error: there is no") and "Traceback" not in ended.stderr
    (tmp_path / "broken.md").write_text("{{ number")
    ended = process("diff", tmp_path / "broken.md", tmp_path / "baseline.md")
    assert (ended.returncode, ended.stdout) == (UNUSABLE, "")
    assert "cannot be read" in ended.stderr and "Traceback" not in ended.stderr


def test_somebody_at_a_terminal_sees_how_far_it_is_and_what_it_costs(files):
    ours, theirs = pty.openpty()
    command = [COMMAND, "prompts", *map(str, files), "--input-price", "1", "--output-price", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # so a terminal ends
            pass
    os.close(ours)
    assert running.returncode == USE
    assert b"120 of 120 calls" in shown and b"0.0018 USD" in shown


# ---- an alias ------------------------------------------------------------------------------------


@pytest.fixture
def name():
    return f"prompt-{uuid4().hex[:8]}"


@pytest.fixture
def two(name, mlflow_at):
    """The name of a prompt whose first version is in production, and whose second is better."""
    for text in (HALF, SURE):
        register(Prompt.of("p", text), name, mlflow_at)
    aliases.promote(name, "production", 1, mlflow_at)
    return name


def in_production(name, mlflow_at):
    return connect(mlflow_at).get_prompt_version_by_alias(name, "production").version


@pytest.mark.server
@pytest.mark.slow
def test_the_alias_is_moved_as_decided_and_moved_back(decide, aiopslab, two, mlflow_at):
    sides = [f"prompts:/{two}@production", f"prompts:/{two}@latest"]
    there = ["--tracking-uri", mlflow_at]
    moving = ["--set-alias", "production", *there]
    code, out, _ = decide(*sides, *moving, items=8)
    assert code == NOT_ENOUGH and f"production of {two} stays where it is" in out
    assert in_production(two, mlflow_at) == 1
    code, out, _ = decide(*sides, *moving)
    assert code == USE and "points at version 2; it pointed at version 1" in out
    assert in_production(two, mlflow_at) == 2
    assert decide(*sides, *moving)[0] == KEEP, "what is in use is the latest"
    code, out, _ = aiopslab("prompts", "rollback", two, "--alias", "production", *there)
    assert code == 0 and f"production of {two} points at version 1 again" in out
    assert in_production(two, mlflow_at) == 1
    code, out, err = aiopslab("prompts", "rollback", two, "--alias", "production", *there)
    assert (code, out) == (UNUSABLE, "") and "nothing is known" in err


@pytest.mark.server
@pytest.mark.slow
def test_a_candidate_in_use_that_is_worse_is_rolled_back(decide, two, mlflow_at):
    aliases.promote(two, "production", 1, mlflow_at)
    sides = [f"prompts:/{two}/2", f"prompts:/{two}@production"]
    moving = ["--set-alias", "production", "--tracking-uri", mlflow_at]
    code, out, _ = decide(*sides, *moving)
    assert code == KEEP and "points at version 2; it pointed at version 1" in out
    assert in_production(two, mlflow_at) == 2


@pytest.mark.server
@pytest.mark.slow
def test_an_alias_that_was_not_compared_costs_nothing(decide, aiopslab, model, two, mlflow_at):
    register(Prompt.of("p", SURELY), two, mlflow_at)
    register(Prompt.of("p", SURELY), f"{two}-other", mlflow_at)
    there = ["--tracking-uri", mlflow_at]
    sides = [f"prompts:/{two}/2", f"prompts:/{two}/3", "--set-alias", "production", *there]
    code, out, err = decide(*sides)
    assert (code, out) == (UNUSABLE, "") and "version 1, which was not compared" in err
    code, _, err = decide(sides[0], f"prompts:/{two}-other/1", *sides[2:])
    assert code == UNUSABLE and "moves an alias of one prompt" in err
    assert model.calls == 0 and in_production(two, mlflow_at) == 1
