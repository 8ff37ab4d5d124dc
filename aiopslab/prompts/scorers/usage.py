"""Usage: what a call took, from the columns of the call."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts.scorers.score import Score, Scorer, unparsed, value_of

Counted = Literal["input", "output", "total"]


def tokens(of: Counted = "output") -> Scorer:
    """Score the tokens of a call, as the endpoint counted them.

    Parameters
    ----------
    of
        ``input``, ``output`` or ``total``.

    Raises
    ------
    ParameterError
        If it is none of them.

    Examples
    --------
    >>> tokens("total")("Hi", {"call": {"input_tokens": 12, "output_tokens": 3}}).value
    15.0
    """
    if of not in {"input", "output", "total"}:
        raise ParameterError(f"of is {of!r}; expected input, output or total", "Use 'total'.")
    columns = [f"{each}_tokens" for each in ("input", "output") if of in {each, "total"}]
    return _summed(columns)


def cost() -> Scorer:
    """Score what a call cost, in USD.

    Examples
    --------
    >>> cost()("Hi", {"call": {"cost_usd": 0.002}}).value
    0.002
    """
    return _summed(["cost_usd"])


def latency() -> Scorer:
    """Score how long a call took, in ms.

    Examples
    --------
    >>> latency()("Hi", {"call": {"latency_ms": 250.0}}).value
    250.0
    """
    return _summed(["latency_ms"])


def _summed(columns: list[str]) -> Scorer:
    def score(output: str, item: Mapping[str, Any]) -> Score:
        call = value_of(item, "call")
        missing = [each for each in columns if _is_missing(call.get(each))]
        if missing:
            return unparsed(f"the call has no {missing[0]}")
        total = sum(float(call[each]) for each in columns)
        if not math.isfinite(total):
            raise PromptError(f"{columns[0]} of the call is {total}", "Check where it comes from.")
        return Score(total)

    return score


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
