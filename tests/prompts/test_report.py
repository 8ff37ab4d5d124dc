"""The report: a prompt evaluation as people get it, with all that it can be told."""

import json
import sqlite3
from contextlib import closing
from html import escape

import pandas as pd
import pytest
from aiohttp import web

from aiopslab.prompts.feedback import Feedback
from aiopslab.reports import catalogue
from aiopslab.reports.run import run
from aiopslab.reports.tracking import STORE
from tests.mlflow_server import empty_store
from tests.prompts.stub import answer, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

COLOURS = ("red", "green", "blue")
ATTACK = "<script>alert(1)</script>"


def colour(text):
    return COLOURS[int(text.rsplit(" ", 1)[-1]) % 3]


async def behave(request, before):
    """Answer well to the long prompt, badly and with markup to the short one, as a judge fairly."""
    asked = (await request.json())["messages"]
    said = asked[-1]["content"]
    if asked[0]["role"] == "system":
        first = said.split("[answer A ")[1].split("[answer B ")[0]
        return answer(json.dumps({"reason": "Right.", "winner": "B" if "alert" in first else "A"}))
    if "Name the colour" in said or colour(said) == "red":
        return answer(colour(said))
    return answer(ATTACK)


@pytest.fixture
def world(tmp_path):
    """Return two prompts and their items as files."""
    items = pd.DataFrame({"text": [f"thing {at}" for at in range(240)]})
    items["expected"] = items["text"].map(colour)
    items["item"] = [f"i{at}" for at in range(240)]
    items.to_csv(tmp_path / "items.csv", index=False)
    (tmp_path / "short.md").write_text("{{ text }}")
    (tmp_path / "long.md").write_text("Name the colour: {{ text }}")
    return tmp_path


def asked(world, at, **more):
    told = {"baseline": str(world / "short.md"), "candidates": [str(world / "long.md")]}
    told |= {"items": str(world / "items.csv"), "endpoint": at.address, "model": "stub"}
    return {**told, **more}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    store = tmp_path / "out" / STORE
    store.mkdir(parents=True)
    empty_store(store / "mlflow.db")  # by the cache of all; in one's own MLflow would make it
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_report_compares_two_prompts_and_runs_again_for_nothing(world, tmp_path):
    with serving(behave) as at:
        record = run(catalogue.find("prompt_ab"), asked(world, at), tmp_path / "out")
        assert record.failure is None, record.failure
        calls = at.calls
        again = run(catalogue.find("prompt_ab"), asked(world, at), tmp_path / "out")
        assert calls == at.calls == 480
    assert record.verdict.level == "act" and record.verdict.headline.startswith("Use long")
    assert again.verdict.metrics["calls reused"] == 480
    assert again.verdict.metrics["difference"] == record.verdict.metrics["difference"]
    page = (tmp_path / "out" / record.id / "report.html").read_text()
    assert ATTACK not in page and escape(ATTACK) in page
    # MLflow is written once a run, whatever the number of calls.
    with closing(sqlite3.connect(tmp_path / "out" / ".mlflow" / "mlflow.db")) as store:
        ((runs,),) = store.execute("SELECT count(*) FROM runs")
        counted = store.execute("SELECT count(*) FROM latest_metrics GROUP BY run_uuid").fetchall()
    assert runs == len(counted) == 2 and all(0 < each < 20 for (each,) in counted)


def test_a_report_with_all_there_is(world, tmp_path):
    """Guards, an early stop, a judge held against people, and production."""
    with Feedback(tmp_path / "feedback.db") as feedback:
        calls = pd.DataFrame(
            {
                "item": [f"i{at}" for at in range(40)] * 2,
                "prompt": ["short"] * 40 + ["long"] * 40,
                "output": [ATTACK] * 40 + [colour(f"thing {at}") for at in range(40)],
            }
        )
        feedback.add_pairs(calls, {f"i{at}": f"thing {at}" for at in range(40)})
        while (task := feedback.next_task("ann")) is not None:
            feedback.rate(task, "right" if "alert" in task.outputs[0] else "left")
    times = pd.date_range("2026-03-01", periods=400, freq="min", tz="UTC")
    made = pd.DataFrame({"timestamp": times, "prompt_version": ["v1", "v2"] * 200, "model": "m"})
    made = made.assign(input="Hi", output=["Hello", "I'm sorry, but I can't help."] * 200)
    made = made.assign(input_tokens=9.0, output_tokens=2.0, latency_ms=5.0, cost_usd=0.001)
    made.to_parquet(tmp_path / "calls.parquet")
    more = {
        "guards": ["toxicity"],
        "stop_early": True,
        "rubric": "Be right.",
        "feedback": str(tmp_path / "feedback.db"),
        "calls": str(tmp_path / "calls.parquet"),
        "prices": {"input": 1.0, "output": 2.0},
        "cap_usd": 5.0,
    }
    (world / "long.md").write_text("Name the colour: {{ text }}")
    for name in ("short", "long"):
        text = (world / f"{name}.md").read_text()
        prompt = {"messages": [{"role": "user", "content": text}], "parameters": {"max_tokens": 9}}
        (world / f"{name}.json").write_text(json.dumps({"name": name, **prompt}))
    with serving(behave) as at:
        told = asked(world, at, **more)
        told |= {"baseline": str(world / "short.json"), "candidates": [str(world / "long.json")]}
        record = run(catalogue.find("prompt_ab"), told, tmp_path / "out")
        assert record.failure is None, record.failure
        assert at.calls < 480
    claims = [each.claim for each in record.verdict.findings]
    assert record.verdict.metrics["items"] < 240
    assert any(each.startswith("People prefer") for each in claims)
    assert any("v2 is worse in refusals" in each for each in claims)
    page = (tmp_path / "out" / record.id / "report.html").read_text()
    for each in ("certain after", "said the same in both orders", "Held against people"):
        assert each in page, each
    assert "<script>alert(1)" not in page


def test_an_endpoint_that_refuses_fails_the_report_and_says_what_to_do(world, tmp_path):
    async def refuses(request, before):
        return web.json_response({"error": {"message": "no such key"}}, status=401)

    with serving(refuses) as at:
        record = run(catalogue.find("prompt_ab"), asked(world, at), tmp_path / "out")
    assert record.status == "failed"
    assert "AIOPSLAB_LLM_TOKEN" in str(record.failure)
