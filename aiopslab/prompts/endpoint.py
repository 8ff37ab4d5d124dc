"""Endpoint: a model behind the OpenAI API, at what pace it is asked and what it costs."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiopslab.errors import PromptError
from aiopslab.prompts.store import Request
from aiopslab.sources.http.credentials import Credentials, openai_credentials

OVERHEAD = 64  # tokens that an endpoint may put around the messages


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked, and at what pace.

    Parameters
    ----------
    base_url
        Up to and with ``/v1``.
    model
        As the endpoint calls it.
    concurrency
        Calls at once.
    requests_per_minute, tokens_per_minute
        Limits of the account; none where ``None``.
    timeout_s
        Of one attempt.
    attempts
        Of one call, where the endpoint is busy, fails, hangs or answers half.
    input_price, output_price
        USD for a million tokens; unknown where ``None``. A local model costs 0.
    key_prefix
        How the variable with the key begins: ``{key_prefix}_TOKEN``. Without one the endpoint gets
        ``OPENAI_API_KEY``, but only where it is OpenAI's or that of ``OPENAI_BASE_URL``. ``None``
        for an endpoint that needs no key.

    Raises
    ------
    PromptError
        If one of them is out of range.
    """

    base_url: str
    model: str
    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout_s: float = 120.0
    attempts: int = 8
    input_price: float | None = None
    output_price: float | None = None
    key_prefix: str | None = "AIOPSLAB_LLM"

    def __post_init__(self) -> None:
        try:
            address = urlsplit(self.base_url)
            is_address = address.scheme in {"http", "https"} and bool(address.hostname)
        except ValueError:
            is_address = False
        # Nothing of what may be a password is repeated, in whatever place it stands.
        if "@" in self.base_url or (is_address and address.query):
            raise PromptError(
                "the address of the endpoint holds credentials or a query",
                f"Take them out, and set {self.key_prefix}_TOKEN.",
            )
        if not is_address:
            raise PromptError(
                f"the endpoint is {self.base_url!r}; expected an http address",
                "Write it as https://host/v1.",
            )
        above = ("concurrency", "timeout_s", "attempts", "requests_per_minute", "tokens_per_minute")
        for name in above:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise PromptError(f"{name} is {value}; expected a number above 0", "Raise it.")
        for name in ("input_price", "output_price"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise PromptError(f"{name} is {value}; expected 0 or more", "Correct the price.")

    @property
    def has_prices(self) -> bool:
        """Whether both are known."""
        return self.input_price is not None and self.output_price is not None

    def cost(self, input_tokens: float | None, output_tokens: float | None) -> float | None:
        """Return what so many tokens cost, in USD; ``None`` where nobody knows.

        Examples
        --------
        >>> Endpoint("http://host/v1", "m", input_price=1, output_price=2).cost(1_000, 500)
        0.002
        """
        if self.input_price is None or self.output_price is None:
            return None
        if input_tokens is None or output_tokens is None:
            return None
        # A free token costs nothing, however many there may be.
        parts = ((input_tokens, self.input_price), (output_tokens, self.output_price))
        return sum(tokens * price for tokens, price in parts if price) / 1e6

    def most_cost(self, request: Request) -> float:
        """Return what a call costs at most, in USD: infinite where nothing bounds it."""
        most = self.cost(*most_tokens(request))
        return float("inf") if most is None else most

    def credentials(self) -> Credentials:
        """Read what authenticates from the environment.

        Raises
        ------
        AIOpsLabError
            If it cannot be sent.
        """
        if self.key_prefix is None:
            return Credentials()
        return openai_credentials(self.key_prefix, self.base_url, PromptError)


def most_tokens(request: Request) -> tuple[int, float]:
    """Return how many tokens a call may take at most, in and out.

    No token is shorter than a byte. What comes out is unbounded without ``max_tokens``.

    Examples
    --------
    >>> most_tokens(Request("m", ({"role": "user", "content": "Hi"},), {"max_tokens": 5}))
    (144, 5.0)
    """
    sent = json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace")
    bounds = [
        float(request.parameters[name])
        for name in ("max_tokens", "max_completion_tokens")
        if isinstance(request.parameters.get(name), int | float)
    ]
    # Endpoints that know one of the two names take the other for nothing.
    return len(sent) + OVERHEAD, max((each for each in bounds if each >= 0), default=float("inf"))


def likely_tokens(request: Request) -> float:
    """Return about how many tokens a call takes, as accounts reckon before they have counted."""
    size = sum(len(each["content"]) for each in request.messages)
    most = most_tokens(request)[1]
    return size / 4 + (0.0 if most == float("inf") else most)
