"""An evaluation on whatever model there is: what is refused before anything is asked."""

import pandas as pd
import pytest

from aiopslab.errors import ModelError, PromptError
from aiopslab.prompts import Prompt, evaluate

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
