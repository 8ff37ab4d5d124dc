"""Ask: a model asked whatever a judge, or a maker of questions, wants to know, each thing once."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from aiopslab.prompts.evaluation import evaluate
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.scorers.judge import Ask, Messages

MOST_TOKENS = 300  # of a verdict with its reason, or of a question with its quote


def model_asker(
    base_url: str | None = None,
    model: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    **options: Any,
) -> Ask:
    """Return what asks a model; its answers are kept like those of every other call.

    Parameters
    ----------
    base_url, model
        As in `evaluate`; the embedded model where ``None``, which is too small to judge anything.
    parameters
        For the model, over a temperature of 0 and 300 tokens at most; such as a grammar that
        answers of a small model are held to.
    **options
        For `evaluate`: ``store, cap_usd, prices, concurrency, report``.

    Returns
    -------
    Ask
        From lists of messages to answers, ``""`` where there is none; for `Judge`, `judge_pairs`,
        `gather_opinions` and `aiopslab.retrieval.synthesise`.

    Raises
    ------
    PromptError
        When it is asked: as in `evaluate`.
    """
    prompt = Prompt(
        "asked",
        ({"role": "system", "content": "{{ system }}"}, {"role": "user", "content": "{{ user }}"}),
        parameters={"temperature": 0, "max_tokens": MOST_TOKENS, **(parameters or {})},
    )

    def ask(asked: list[Messages]) -> list[str]:
        items = pd.DataFrame([{each["role"]: each["content"] for each in one} for one in asked])
        outputs = evaluate([prompt], items, base_url, model, **options).calls["output"]
        return [str(each) for each in outputs.fillna("")]

    return ask
