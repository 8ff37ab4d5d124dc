"""Inspect's task: a dataset, its solver that generates, and its scorer of exact match."""

from asked import CONCURRENCY, main
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import exact
from inspect_ai.solver import generate


def evaluated(address, texts):
    config = GenerateConfig(max_connections=CONCURRENCY, max_tokens=5, temperature=0)
    (log,) = eval(
        Task(dataset=[Sample(f"Say {text}", target=text) for text in texts], scorer=exact()),
        solver=generate(),
        model=get_model("openai-api/stub/stub", config=config, base_url=address, api_key="none"),
        max_samples=CONCURRENCY,
        fail_on_error=False,
        log_dir="logs",
        display="none",
    )
    scored = log.samples or []
    return sum(bool(each.scores) and each.scores["exact"].value in ("C", 1) for each in scored)


main(evaluated)
