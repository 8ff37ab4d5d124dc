"""The address of a server and the options that its URL carries."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit, urlunsplit

from aiopslab.errors import SourceError, did_you_mean


def split(url: str, options: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the address of a server and the options in the query string of its URL.

    Parameters
    ----------
    url
        ``KIND+http(s)://host:port/path?option=value&…``.
    options
        Those that there are.

    Raises
    ------
    SourceError
        If it names no host, or an option that is not one of them.

    Examples
    --------
    >>> split('loki+http://localhost:3100/?query={job=~".+"}', ["query"])
    ('http://localhost:3100/', {'query': '{job=~".+"}'})
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
    asked: dict[str, str] = {}
    # Not parse_qsl: it takes the + of a regular expression for a space.
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        if name not in options:
            raise SourceError(
                f"{kind}+{parts.scheme}:// has no option {name!r}",
                did_you_mean(name, list(options)),
            )
        asked[name] = unquote(value)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), asked
