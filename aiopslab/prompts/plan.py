"""Plan: the calls that a run is made of, seen to be sound before any is paid for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError
from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.prompt import Prompt, check_parameters
from aiopslab.prompts.store import Request


@dataclass(frozen=True)
class Call:
    """A request, and what it is of."""

    item: Any
    group: Any
    prompt: Prompt
    request: Request


def planned(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    endpoint: Endpoint,
    repetitions: int,
    parameters: Mapping[str, Any],
) -> list[Call]:
    """Return all calls, those of one item together, so that what there is at any time is paired."""
    names = [each.name for each in prompts]
    for name in names:
        if names.count(name) > 1:
            raise PromptError(f"two prompts are called {name!r}", "Give each a name of its own.")
    if not prompts or items.empty:
        raise PromptError(
            f"{len(prompts)} prompts and {len(items)} items are too few",
            "Name a file of prompts, and a table with one row an item.",
        )
    ids = items["item"] if "item" in items else pd.Series(range(len(items)), items.index)
    twice = ids[ids.duplicated()]
    if len(twice):
        raise PromptError(
            f"{twice.nunique(dropna=False)} items come more than once, e.g. {twice.iloc[0]!r}",
            "Keep one row of each: an item that counts twice makes a comparison too sure.",
        )
    if repetitions < 1:
        raise PromptError(f"repetitions is {repetitions}; expected at least 1", "Use 1.")
    check_parameters(parameters, "the run")
    found = []
    for name, row in zip(ids.tolist(), items.to_dict("records"), strict=True):
        for prompt in prompts:
            try:
                messages = tuple(prompt.render({str(key): value for key, value in row.items()}))
            except PromptError as error:
                raise PromptError(f"item {name!r}: {error.problem}", error.remedy) from None
            told = {**prompt.parameters, **parameters}
            for repetition in range(repetitions):
                request = Request(endpoint.model, messages, told, repetition)
                found.append(Call(name, row.get("group"), prompt, request))
    return found


def same(calls: Sequence[Call]) -> tuple[Any, ...]:
    """Return the items of which every request is that of an item before them."""
    first: dict[tuple[str, str], Any] = {}
    own = {
        call.item
        for call in calls
        if first.setdefault((call.prompt.name, call.request.key), call.item) == call.item
    }
    return tuple(dict.fromkeys(call.item for call in calls if call.item not in own))


def check_cap(cap_usd: float | None, endpoint: Endpoint, calls: Sequence[Call]) -> None:
    """Refuse a cap that cannot be kept, since a call may cost nobody knows what."""
    if cap_usd is None:
        return
    if not cap_usd >= 0:
        raise PromptError(f"the cap is {cap_usd} USD; expected 0 or more", "Correct it.")
    if not endpoint.has_prices:
        raise PromptError(
            f"a cap of {cap_usd:g} USD cannot be kept: {endpoint.model} has no prices",
            "Give the price of a million tokens, in and out.",
        )
    for each in calls:
        if endpoint.most_cost(each.request) == float("inf"):
            raise PromptError(
                f"a cap of {cap_usd:g} USD cannot be kept: the prompt {each.prompt.name!r} sets no "
                "max_tokens",
                "Set it, in the prompt or for the run.",
            )
