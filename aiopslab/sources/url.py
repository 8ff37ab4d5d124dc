"""Evidence by its URL: checked before a kernel starts, opened in it."""

import inspect
import os
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.sources import backends, files, samples

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.sources.evidence import Evidence

_VARIABLES = {
    "datadog": "Set DD_API_KEY and DD_APP_KEY",
    "splunk": "Set SPLUNK_TOKEN, or SPLUNK_USER and SPLUNK_PASSWORD,",
}
_SECRET_KEYS = {
    *("token", "access_token", "auth_token", "bearer", "authorization", "auth"),
    *("password", "passwd", "pwd", "secret", "secret_key", "client_secret"),
    *("api_key", "apikey", "app_key", "application_key"),
    *("sig", "signature", "x-amz-signature", "x-goog-signature"),
}


def check(url: str) -> str:
    """Say what is wrong with a URL, as far as can be told without opening it.

    The scheme must be known, a local path must be there, and no credential may be written in it:
    a URL is a report parameter, and lands in notebooks, logs and the catalogue.

    Parameters
    ----------
    url
        A path, ``sample://NAME``, ``prometheus+http://host:port`` or any fsspec URL.

    Returns
    -------
    str
        The URL as it was given.

    Raises
    ------
    SourceError
        With what is wrong and how to mend it.

    Examples
    --------
    >>> check("prometheus+http://localhost:9090")
    'prometheus+http://localhost:9090'
    >>> check("promethius+http://localhost:9090")
    Traceback (most recent call last):
    aiopslab.errors.SourceError: no source opens promethius+http://
      → Did you mean 'prometheus+http'?
    """
    if not isinstance(url, str) or not url.strip():
        raise SourceError(
            f"the evidence is {url!r}; expected a URL or a path",
            "Pass for example 'incident.parquet' or 'prometheus+http://localhost:9090'.",
        )
    scheme = files.scheme(url)
    _refuse_credentials(url, scheme)
    if scheme == "sample":
        samples.path(url.partition("://")[2])
    elif scheme == "file":
        files.check_local(url)
    elif scheme.endswith("+file"):
        files.check_local(url.partition("://")[2].partition("?")[0])
    elif scheme not in backends.schemes() and not files.is_protocol(scheme):
        raise SourceError(f"no source opens {scheme}://", _nearest_scheme(scheme))
    elif scheme in {"http", "https"} and urlsplit(url).path in {"", "/"}:
        raise SourceError(
            f"{url} names a server, not a file", f"For Prometheus write prometheus+{url}."
        )
    return url


def open(
    url: str | os.PathLike[str],
    start: "str | datetime | pd.Timestamp | None" = None,
    end: "str | datetime | pd.Timestamp | None" = None,
    **options: Any,
) -> "Evidence":
    r"""Open evidence and bring it to its frames.

    Parameters
    ----------
    url
        Where it is; see `check`.
    start, end
        The window to keep, both ends included: ISO 8601 text, a datetime or a Timestamp; a time
        without a zone is taken as UTC, with a note. ``None`` keeps all there is; of Prometheus it
        keeps the last hour.
    **options
        What the back end takes besides, e.g. ``frame="logs"`` for a single file or ``step="15s"``
        for Prometheus.

    Returns
    -------
    Evidence
        Frames that fit their contracts, with a digest of their content and notes on what had to
        be assumed.

    Raises
    ------
    SourceError
        If it cannot be opened, or nothing of it lies in the window.
    FrameError
        If what it holds does not fit the frames.

    Examples
    --------
    >>> import fsspec
    >>> with fsspec.open("memory://example/topology.csv", "w") as file:
    ...     _ = file.write("caller,callee\ngateway,auth\n")
    >>> open("memory://example").topology
        caller callee
    0  gateway   auth
    """
    from aiopslab.sources.evidence import Evidence, noting
    from aiopslab.sources.window import window

    address = check(os.fspath(url) if isinstance(url, os.PathLike) else url)
    scheme = files.scheme(address)
    backend = backends.load("file" if files.is_protocol(scheme) else scheme)
    _check_options(backend, scheme, options)
    with noting() as notes:
        since, until = window(start, end)
        recording = backend(address, since, until, **options)
    return Evidence.of(
        recording.tables, address, since, until, notes=tuple(notes), truth=recording.truth
    )


def _refuse_credentials(url: str, scheme: str) -> None:
    what = next(filter(None, map(_credential, url.split("::"))), None)
    if what is None:
        return
    server, _, protocol = scheme.partition("+")
    remedy = "Leave it to the environment or the configuration of that store, e.g. AWS_PROFILE."
    if protocol in {"http", "https"}:
        usual = f"Set AIOPSLAB_{server.upper()}_TOKEN, or _USER and _PASSWORD,"
        remedy = _VARIABLES.get(server, usual)
        remedy = f"{remedy} in the environment instead."
    # The URL itself is not repeated: it holds the secret.
    raise SourceError(f"the {scheme}:// URL holds credentials ({what}), which reports keep", remedy)


def holds_credentials(url: str) -> bool:
    """Tell whether a URL must not be repeated, in a message or anywhere else.

    Examples
    --------
    >>> holds_credentials("https://me:secret@host/x"), holds_credentials("recording/")
    (True, False)
    """
    try:
        return any(map(_credential, url.split("::")))
    except SourceError:
        return True  # what cannot be read cannot be cleared


def _credential(link: str) -> str | None:
    """Name the credential in one link of a (chained) URL, without its value."""
    if "://" not in link:
        return None
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise SourceError(f"the URL cannot be read: {error}", "Check its host.") from None
    if parts.password is not None and parts.scheme != "github":  # github://owner:repository@branch
        return "user:password@"
    if parts.username is not None and parts.scheme.endswith(("http", "https")):
        return "user@"
    keys = (key for key, _ in parse_qsl(parts.query, keep_blank_values=True))
    return next((f"{key}=…" for key in keys if key.lower() in _SECRET_KEYS), None)


def _nearest_scheme(scheme: str) -> str:
    registered = backends.schemes()
    nearest = get_close_matches(scheme, [*registered, *files.protocols()], n=1, cutoff=0.5)
    if nearest:
        return f"Did you mean {nearest[0]!r}?"
    return (
        f"Valid schemes: {', '.join(registered)}, and those of fsspec, such as s3, gs, http, zip."
    )


def _check_options(backend: backends.Backend, scheme: str, options: dict[str, Any]) -> None:
    parameters = inspect.signature(backend).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            remedy = did_you_mean(name, known) if known else "Leave it out."
            raise SourceError(f"{scheme}:// has no option {name!r}", remedy)


def _valid(url: str) -> str:
    try:
        return check(url)
    except SourceError as error:
        raise PydanticCustomError("source", "{message}", {"message": str(error)}) from None


Url = Annotated[str, AfterValidator(_valid)]
"""A pydantic field that takes what `check` passes."""
