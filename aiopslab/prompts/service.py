"""Service: what answers a run, an endpoint that is named or else the embedded model."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from aiopslab.errors import PromptError
from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.local import local_model

PRICED = ("input", "output")


def serve(
    base_url: str | None,
    model: str | None,
    prices: Mapping[str, float] | None = None,
    concurrency: int = 8,
) -> AbstractContextManager[Endpoint]:
    """Return an endpoint, to be entered; the embedded model is served as long as one is in it.

    Parameters
    ----------
    base_url, model, prices, concurrency
        As in `evaluate`.

    Raises
    ------
    PromptError
        If only one of address and model is given, or a price is of neither input nor output.

    Examples
    --------
    >>> with serve("http://127.0.0.1:8080/v1", "small", {"input": 0.5, "output": 1.5}) as endpoint:
    ...     endpoint.model, endpoint.input_price
    ('small', 0.5)
    """
    if (base_url is None) != (model is None):
        raise PromptError(
            f"the endpoint is {base_url!r} and the model {model!r}; expected both or neither",
            "Name both, or leave both out for the embedded model.",
        )
    for name, price in (prices or {}).items():
        if name not in PRICED or not price >= 0:
            raise PromptError(
                f"the price of {name!r} is {price}; expected numbers of at least 0 for "
                f"{' and '.join(PRICED)}",
                'Write e.g. {"input": 0.5, "output": 1.5}, in USD for a million tokens.',
            )
    if base_url is None or model is None:
        return local_model()
    named = Endpoint(
        base_url,
        model,
        concurrency=concurrency,
        input_price=(prices or {}).get("input"),
        output_price=(prices or {}).get("output"),
    )
    return nullcontext(named)
