"""Embedders: models behind an endpoint that speaks the embeddings of the OpenAI API."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from aiopslab.errors import ModelError
from aiopslab.models.adapters import Adapted
from aiopslab.sources.http import Client, HttpError, openai_credentials

PREFIX = "AIOPSLAB_EMBEDDINGS"
BATCH = 32  # texts of a request: the least that common servers take unless told otherwise
CHARACTERS = 200_000  # of a request; OpenAI takes 300,000 tokens, of a character and more each


class EndpointEmbedder(Adapted):
    """A model behind an endpoint that speaks the OpenAI API.

    Every text is sent there. Keep the vectors with `aiopslab.models.vectors.cached`, so that each
    is sent once. The key is read from ``AIOPSLAB_EMBEDDINGS_TOKEN`` at each call and kept nowhere;
    ``OPENAI_API_KEY`` is sent only to OpenAI, or to where ``OPENAI_BASE_URL`` points.

    Parameters
    ----------
    base_url
        Up to and with ``/v1``.
    model
        As the endpoint calls it.
    dimensions
        To which the endpoint is asked to shorten its vectors, where the model can; as they are, and
        found by the first call, where ``None``.
    batch
        Texts of a request.
    timeout_s
        Of one attempt, in seconds.
    attempts
        Of one request, where the endpoint is not reached, busy, failing or too slow; what it asks
        for in ``Retry-After`` is waited.

    Raises
    ------
    ModelError
        If the address is none, or holds credentials or a query; if one of the others is out of
        range.

    Notes
    -----
    Its name, under which vectors are kept, is that of the model and the address. Vectors come in
    the length in which the endpoint returns them.

    Examples
    --------
    >>> EndpointEmbedder("http://localhost:8080/v1", "bge-small")
    EndpointEmbedder('bge-small@http://localhost:8080/v1')
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        dimensions: int | None = None,
        *,
        batch: int = BATCH,
        timeout_s: float = 60.0,
        attempts: int = 6,
    ) -> None:
        for name, value in (("batch", batch), ("timeout_s", timeout_s), ("attempts", attempts)):
            if not value > 0:
                raise ModelError(f"{name} is {value}; expected a number above 0", "Raise it.")
        self._address = _address(base_url)
        self._body: dict[str, Any] = {"model": model}
        shortened = ""
        if dimensions is not None:
            self._body["dimensions"] = dimensions
            shortened = f"[{dimensions}]"
        self._batch, self._timeout_s, self._attempts = batch, timeout_s, attempts
        super().__init__(f"{model}{shortened}@{self._address}", self._asked, dimensions)

    def _asked(self, texts: list[str]) -> list[Any]:
        # One connection a call, so that the object can be sent to another process, or forked.
        with Client(
            self._address,
            system="an OpenAI API for embeddings",
            credentials=openai_credentials(PREFIX, self._address, ModelError),
            timeout=self._timeout_s,
            attempts=self._attempts,
        ) as client:
            return [
                vector
                for some in _batches(texts, self._batch)
                for vector in self._answered(client, some)
            ]

    def _answered(self, client: Client, texts: list[str]) -> list[Any]:
        """Return the vectors of one request, in the order of its texts."""
        # Half of a surrogate pair is no character that can be sent.
        sent = [each.encode("utf-8", "replace").decode() for each in texts]
        try:
            told = client.post_json("/embeddings", {**self._body, "input": sent})
        except HttpError as error:
            if error.status not in {400, 404, 413, 422}:
                raise
            raise ModelError(
                error.problem,
                "Check address, model and dimensions; no text may be empty or longer than the "
                "model reads, and no batch larger than the endpoint takes.",
            ) from None
        with client.reading():
            found = {int(each["index"]): each["embedding"] for each in told["data"]}
            count = len(told["data"])
        if count != len(texts) or set(found) != set(range(len(texts))):
            raise ModelError(
                f"{self.name} returned {count} vectors of {len(texts)} texts, or not in their "
                "order",
                "See that the endpoint embeds several texts a request, or pass batch=1.",
            )
        return [found[place] for place in range(len(texts))]


def _address(base_url: str) -> str:
    """Return an address without a slash at its end."""
    try:
        parts = urlsplit(base_url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    # Nothing of what may be a password is repeated, in whatever place it stands.
    if "@" in base_url or (is_address and (parts.query or parts.fragment)):
        raise ModelError(
            "the address of the endpoint holds credentials or a query",
            f"Take them out, and set {PREFIX}_TOKEN.",
        )
    if not is_address:
        raise ModelError(
            f"the endpoint is {base_url!r}; expected an http address",
            "Write it as https://host/v1.",
        )
    return base_url.rstrip("/")


def _batches(texts: list[str], most: int) -> Iterator[list[str]]:
    """Return texts in requests, bounded by count and by length; a text is never cut."""
    batch: list[str] = []
    length = 0
    for text in texts:
        if batch and (len(batch) == most or length + len(text) > CHARACTERS):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += len(text)
    yield batch
