"""The examples for CI: of the right shape, alike, and every command of them run on real stores."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from aiopslab.mlflow_server import connect
from aiopslab.models.files import MINILM
from aiopslab.prompts import aliases
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.registry import register
from aiopslab.retrieval.configuration import Configuration
from tests.chroma_server import chroma_server
from tests.drift.conftest import applicants, classifier, logged
from tests.models.needed import need
from tests.prompts.stub import answer, serving

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / "docs" / "continuous" / "github-actions.yml"
GITLAB = ROOT / "docs" / "continuous" / "gitlab-ci.yml"
BIN = Path(sys.executable).parent
INSTALL = "pip install aiopslab"  # the one command that is not run: it would fetch the library
JOBS = ("model", "prompt", "index")


def github():
    """Return the commands of each job."""
    told = yaml.safe_load(GITHUB.read_text())
    steps = {name: told["jobs"][name]["steps"] for name in told["jobs"]}
    return {name: [each["run"] for each in of_it if "run" in each] for name, of_it in steps.items()}


def gitlab():
    """Return the commands of each job."""
    told = yaml.safe_load(GITLAB.read_text())
    jobs = {
        name: {**told[each["extends"]], **each} for name, each in told.items() if "extends" in each
    }
    parts = ("before_script", "script", "after_script")
    return {name: [line for part in parts for line in job[part]] for name, job in jobs.items()}


@pytest.mark.parametrize(
    ("schema", "path"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)]
)
def test_the_files_have_the_shape_that_is_published(schema, path):
    command = [BIN / "check-jsonschema", "--builtin-schema", schema, path]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_both_run_the_same_gates():
    assert tuple(github()) == tuple(gitlab()) == JOBS
    assert github() == gitlab()


def test_both_keep_the_decision_whatever_it_is():
    steps = {
        name: each["steps"] for name, each in yaml.safe_load(GITHUB.read_text())["jobs"].items()
    }
    for name, of_it in steps.items():
        (kept,) = (each for each in of_it if "upload-artifact" in each.get("uses", ""))
        assert kept["if"] == "always()" and f"{name}.json" in kept["with"]["path"]
    kept = yaml.safe_load(GITLAB.read_text())[".gate"]["artifacts"]
    assert kept["when"] == "always" and "*.json" in kept["paths"]


def test_secrets_stand_in_no_command():
    for commands in github().values():
        assert not any("${{" in each or "TOKEN" in each for each in commands)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, mlflow_at):
    """A checkout with what the jobs read, and registries in which versions are in use."""
    need(MINILM)
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("data", "prompts", "retrieval/docs"):
        (folder / name).mkdir(parents=True)
    client, train = connect(mlflow_at), applicants()
    for alias, known in (("champion", ["age"]), ("candidate", ["age", "income", "city"])):
        made = logged(client, "credit", classifier(known), train[[*known, "paid"]])
        client.set_registered_model_alias("credit", alias, made.version)
    applicants(500, seed=2).to_parquet(folder / "data" / "recent.parquet")
    register(Prompt.of("p", "Half {{ number }}", max_tokens=5), "answers", mlflow_at)
    aliases.promote("answers", "production", 1, mlflow_at)
    (folder / "prompts" / "answers.md").write_text("---\nmax_tokens: 5\n---\nSure {{ number }}")
    items = pd.DataFrame({"number": range(60), "expected": "yes"})
    items.to_csv(folder / "prompts" / "items.csv", index=False)
    topics = ["queues", "wings", "invoices", "gardens", "trains", "harbours"]
    asked = []
    for number, topic in enumerate(topics):
        text = f"# About {topic}\n\nEverything on {topic} is in drawer {number}.\n"
        (folder / "retrieval" / "docs" / f"{topic}.md").write_text(text)
        passage = f"Everything on {topic} is in drawer {number}."
        asked += [
            {"text": f"{ask} {topic}?", "document": f"{topic}.md", "passage": passage}
            for ask in ("Where is everything on", "Which drawer has")
        ]
    lines = "".join(f"{json.dumps(each)}\n" for each in asked)
    (folder / "retrieval" / "questions.jsonl").write_text(lines)
    Configuration(k=3).save(folder / "retrieval" / "configuration.yaml")
    return folder


@pytest.fixture(scope="module")
def surroundings(workspace, mlflow_at, tmp_path_factory):
    """What the platform gives the jobs: variables, a model, and a store of vectors."""

    async def behave(request, before):
        kind, number, *_ = (await request.json())["messages"][-1]["content"].split(" ")
        return answer("yes" if kind == "Sure" or int(number) % 2 == 0 else "no", taken=9)

    cache = tmp_path_factory.mktemp("cache")
    models = os.environ.get("AIOPSLAB_MODELS", str(Path.home() / ".cache" / "aiopslab" / "models"))
    with serving(behave) as stub, chroma_server(tmp_path_factory.mktemp("chroma")) as chroma:
        yield {
            "MLFLOW_TRACKING_URI": mlflow_at,
            "ENDPOINT": stub.address,
            "MODEL": "stub",
            "INDEX": f"{chroma.url}/handbook-c0ffee",
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(cache),
            "XDG_CACHE_HOME": str(cache),
            "AIOPSLAB_MODELS": models,
        }


@pytest.fixture
def run(workspace, surroundings):
    """Run the commands of a job as a platform does; return what each ended with."""

    def call(job, **more):
        ended = []
        for command in github()[job]:
            if command == INSTALL:
                continue
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", command],
                cwd=workspace,
                env=surroundings | more,
                capture_output=True,
                text=True,
                check=False,
            )
            ended.append((command, done.returncode, done.stdout + done.stderr))
        return ended, json.loads((workspace / f"{job}.json").read_text())

    return call


def test_every_variable_of_a_command_is_set_by_the_file():
    told = yaml.safe_load(GITHUB.read_text())
    for name, commands in github().items():
        used = {each for line in commands for each in re.findall(r"\$(\w+)", line)}
        assert used <= set(told["jobs"][name]["env"])
    jobs = yaml.safe_load(GITLAB.read_text())
    for name, commands in gitlab().items():
        used = {each for line in commands for each in re.findall(r"\$(\w+)", line)}
        assert used - {"MOVE"} <= set(jobs[name].get("variables", {}))
        assert jobs[name]["rules"][0]["variables"]["MOVE"].startswith("--set-alias")


@pytest.mark.server
@pytest.mark.slow
def test_a_better_model_is_promoted_by_the_commands(run, workspace, mlflow_at):
    ended, said = run("model", MOVE="--set-alias champion")
    assert [code for _, code, _ in ended] == [0, 0], ended
    assert said["decision"] == "promote" and said["alias"]["alias"] == "champion"
    client = connect(mlflow_at)
    at = client.get_model_version_by_alias("credit", "champion").version
    assert at == client.get_model_version_by_alias("credit", "candidate").version
    assert list((workspace / "cards").glob("card-model-credit-*.html"))


@pytest.mark.server
@pytest.mark.slow
def test_a_better_prompt_is_judged_by_the_commands(run, workspace, mlflow_at):
    ended, said = run("prompt", MOVE="")
    assert [code for _, code, _ in ended] == [0, 0, 0], ended
    assert said["decision"] == "promote" and said["alias"] is None
    at = connect(mlflow_at).get_prompt_version_by_alias("answers", "production").version
    assert at == 1, "a pull request moves nothing"
    assert list((workspace / "cards").glob("card-prompt-answers-*.html"))


@pytest.mark.server
@pytest.mark.slow
def test_an_index_is_made_registered_and_judged_by_the_commands(run, workspace, surroundings):
    first = f"{surroundings['INDEX']}-first"
    config = ["--config", "retrieval/configuration.yaml"]
    for command in (
        ["ingest", "retrieval/docs", first, *config],
        ["register", first, "--name", "handbook", *config, "--alias", "production"],
    ):
        told = ["aiopslab", "retrieval", *command]
        subprocess.run(told, cwd=workspace, env=surroundings, check=True, capture_output=True)
    ended, said = run("index", MOVE="--set-alias production")
    assert [code for _, code, _ in ended] == [0] * 6, ended
    assert said["gate"] == "index" and said["decision"] == "promote"
    assert said["alias"]["version"] == 2
    assert list((workspace / "cards").glob("card-index-handbook-*.html"))
