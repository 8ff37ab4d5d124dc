"""An evaluation on whatever model there is: what is refused before anything is asked."""

import pandas as pd
import pytest

from aiopslab.errors import ModelError, PromptError
from aiopslab.models.files import SMOLLM2
from aiopslab.prompts import Prompt, evaluate
from aiopslab.prompts.store import Answer, Request, Store

ITEMS = pd.DataFrame({"text": ["a", "b"], "expected": ["x", "y"]})
PROMPTS = [Prompt.of("one", "{{ text }}"), Prompt.of("two", "Label {{ text }}")]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, "expected both or neither"),
        ({"model": "m"}, "expected both or neither"),
        ({"prices": {"in": 1.0}}, "the price of 'in' is 1.0"),
        ({"prices": {"input": -1.0}}, "the price of 'input' is -1.0"),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path, given, says):
    with pytest.raises(PromptError, match=says):
        evaluate(PROMPTS, ITEMS, store=tmp_path / "calls.db", **given)


def test_without_a_model_file_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="aiopslab models fetch"):
        evaluate(PROMPTS, ITEMS, store=tmp_path / "calls.db")


def test_a_model_whose_answers_are_all_kept_need_not_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    with Store(tmp_path / "calls.db") as store:
        for text in ("a", "b", "Label a", "Label b"):
            request = Request(SMOLLM2.name, ({"role": "user", "content": text},), {})
            store.keep(request, Answer(text.upper(), 3, 1, 12.5, 0.0, "stop", 0.0))
    run = evaluate(PROMPTS, ITEMS, store=tmp_path / "calls.db")
    assert run.calls["output"].tolist() == ["A", "LABEL A", "B", "LABEL B"]
    assert run.progress.reused == 4
    with pytest.raises(ModelError):
        evaluate(PROMPTS, ITEMS, store=tmp_path / "calls.db", repetitions=2)
