import json
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from aiopslab.errors import ModelError, PromptError
from aiopslab.models.files import SMOLLM2, Model, ModelFile
from aiopslab.prompts import local
from aiopslab.prompts.local import local_model
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import run_prompts
from aiopslab.prompts.store import Store
from tests.models.needed import need

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"enum": ["card", "pin"]}, "sure": {"type": "boolean"}},
    "required": ["topic", "sure"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def served():
    """The embedded model, where its file was fetched."""
    need(SMOLLM2)
    with local_model() as endpoint:
        yield endpoint


@pytest.mark.slow
@pytest.mark.server
def test_the_embedded_model_answers_with_no_key_and_no_cost(served, tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_LLM_TOKEN", "sk-very-secret-key-0123456789")
    assert served.credentials().headers == {}
    prompt = Prompt.of("p", "Say hello to {{ name }}.", max_tokens=8, temperature=0)
    items = pd.DataFrame({"name": ["Ann", "👩‍🚀", "שלום"]})
    with Store(tmp_path / "calls.db") as store:
        first = run_prompts([prompt], items, served, store, cap_usd=0.0).calls
        again = run_prompts([prompt], items, served, store)
    assert set(first["status"]) == {"answered"} and again.progress.reused == 3
    assert first["output"].str.len().min() > 0
    assert (first["output_tokens"] <= 8).all() and (first["input_tokens"] > 5).all()
    assert (first["cost_usd"] == 0).all()


@pytest.mark.slow
@pytest.mark.server
def test_output_is_held_to_a_schema_and_to_a_grammar(served, tmp_path):
    response = {"type": "json_schema", "json_schema": {"name": "topic", "schema": SCHEMA}}
    held = Prompt.of("json", "{{ text }}", max_tokens=60, response_format=response)
    word = Prompt.of("word", "{{ text }}", max_tokens=5, grammar='root ::= "yes" | "no"')
    items = pd.DataFrame({"text": ["Tell me a story.", "I lost my pin."]})
    with Store(tmp_path / "calls.db") as store:
        calls = run_prompts([held, word], items, served, store).calls.set_index("prompt")
    for output in calls.loc["json", "output"]:
        told = json.loads(output)
        assert told["topic"] in {"card", "pin"} and isinstance(told["sure"], bool)
    assert set(calls.loc["word", "output"]) <= {"yes", "no"}


@pytest.mark.slow
@pytest.mark.server
def test_a_text_that_does_not_fit_fails_alone(served, tmp_path):
    prompt = Prompt.of("p", "{{ text }}", max_tokens=2)
    items = pd.DataFrame({"text": ["word " * 3_000, "short"]})
    with Store(tmp_path / "calls.db") as store:
        calls = run_prompts([prompt], items, served, store).calls
    assert calls["status"].tolist() == ["failed", "answered"]
    assert "context" in calls["error"][0]


HOLDER = """
import os, sys, time
from aiopslab.prompts.local import local_model
with local_model() as endpoint:
    if os.fork() == 0:
        time.sleep(20)  # holds the other end of the server's standard input
        os._exit(0)
    print(endpoint.base_url, flush=True)
    time.sleep(300)
"""


@pytest.mark.slow
@pytest.mark.server
def test_the_server_ends_when_its_parent_is_killed(served):
    parent = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout.readline().startswith("http://127.0.0.1:")
        server = next(
            each
            for each in psutil.Process(parent.pid).children()
            if "aiopslab.prompts.local" in each.cmdline()
        )
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    server.wait(15)
    assert not server.is_running()


def test_without_the_file_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="aiopslab models fetch"), local_model():
        pass


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A model whose file is none."""
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    file = ModelFile(("broken.gguf",), "0" * 64)
    file.path.write_bytes(b"GGUF but no more")
    return Model("broken", "p", "1", (file,), 1, "MIT")


def test_a_file_that_is_no_model_is_told_and_leaves_no_process(broken):
    before = psutil.Process().children()
    with pytest.raises(PromptError, match="did not start"), local_model(broken):
        pass
    assert psutil.Process().children() == before


def test_a_server_that_says_nothing_is_left(broken, monkeypatch):
    monkeypatch.setattr(local, "START_S", 0.01)
    monkeypatch.setattr(local, "PATIENCE_S", 0.01)
    started = time.monotonic()
    with pytest.raises(PromptError, match="did not start"), local_model(broken):
        pass
    assert time.monotonic() - started < 60
