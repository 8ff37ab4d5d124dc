"""Evaluation: a run on whatever model there is, the embedded one where none is named."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from aiopslab.prompts.local import local_endpoint
from aiopslab.prompts.plan import planned
from aiopslab.prompts.progress import Progress
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import Run, run_prompts
from aiopslab.prompts.service import serve
from aiopslab.prompts.store import Store


def default_store() -> Path:
    """Return where answers are kept where no other place is named: the cache of the user."""
    import platformdirs

    return platformdirs.user_cache_path("aiopslab") / "calls.db"


def evaluate(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    base_url: str | None = None,
    model: str | None = None,
    *,
    store: str | Path | None = None,
    repetitions: int = 1,
    cap_usd: float | None = None,
    prices: Mapping[str, float] | None = None,
    concurrency: int = 8,
    report: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask a model every prompt on every item, see `run_prompts`.

    Parameters
    ----------
    prompts, items, repetitions, cap_usd, report
        As in `run_prompts`.
    base_url
        Of an endpoint that speaks the OpenAI API, up to and with ``/v1``; the embedded model where
        ``None``, which is loaded only if an answer is not kept.
    model
        As that endpoint calls it.
    store
        File in which answers are kept; one in the cache of the user where ``None``.
    prices
        USD for a million tokens, of ``input`` and of ``output``; unknown where ``None``.
    concurrency
        Calls at once, of an endpoint.

    Raises
    ------
    PromptError
        If only one of address and model is given, a price is of neither, or as in `run_prompts`.
    """
    at = serve(base_url, model, prices, concurrency)
    with Store(store or default_store()) as kept:
        if base_url is None:
            silent = local_endpoint("http://127.0.0.1")
            calls = planned(prompts, items, silent, repetitions, {})
            if all(kept.find(each.request) for each in calls):
                at = nullcontext(silent)
        with at as endpoint:
            return run_prompts(
                prompts,
                items,
                endpoint,
                kept,
                repetitions=repetitions,
                cap_usd=cap_usd,
                report=report,
            )
