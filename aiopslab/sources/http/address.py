"""The address of a server and the options that its URL carries."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from aiopslab.errors import SourceError, did_you_mean


def split(url: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the address of a server and the options that are said, in its URL or beside it.

    Parameters
    ----------
    url
        ``KIND+http(s)://host:port/path?option=value&…``.
    given
        Every option that there is, with what is said outside the URL, which wins; else ``None``.

    Raises
    ------
    SourceError
        If it names no host, or an option that is not one of them.

    Examples
    --------
    >>> split('loki+http://localhost:3100/?query={job=~".+"}', {"query": None, "limit": 200})
    ('http://localhost:3100/', {'query': '{job=~".+"}', 'limit': 200})
    """
    kind, _, address = url.partition("+")
    parts = urlsplit(address)
    try:
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # the port is no number
        has_host = False
    if not has_host:
        raise SourceError(
            f"{url} names no host and port", f"Write it as {kind}+{parts.scheme}://host:port."
        )
    options: dict[str, Any] = {}
    # Not parse_qsl: it takes the + of a regular expression for a space.
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        if name not in given:
            raise SourceError(
                f"{kind}+{parts.scheme}:// has no option {name!r}",
                did_you_mean(name, list(given)),
            )
        options[name] = unquote(value)
    options |= {name: value for name, value in given.items() if value is not None}
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), options
