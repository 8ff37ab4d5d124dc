"""Address: what a policy is told of a source, in the one way that it can be compared."""

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aiopslab.governance.errors import PolicyError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")  # more than a letter: no drive of Windows
_LOCAL = re.compile(r"(?P<scheme>file|local|[a-z0-9.-]+\+file)://(?P<path>.*)", re.I | re.S)
_PROTOCOL = re.compile(r"\w+")


@dataclass(frozen=True)
class Address:
    """A place that evidence may come from.

    Parameters
    ----------
    scheme
        What opens it, e.g. ``prometheus+https``, ``s3`` or ``file``; ``none`` for no source.
    host
        Server and port, bucket or sample; empty for a file.
    url
        All of it, without credentials, query and fragment; a path is absolute, with its links
        followed, so that no ``..`` leads past a policy.
    """

    scheme: str
    host: str
    url: str

    def __str__(self) -> str:
        return self.url or "no source"

    def to_json(self) -> dict[str, str]:
        """Return what the policy sees as ``context.source``."""
        return {"scheme": self.scheme, "host": self.host, "url": self.url}


NOWHERE = Address("none", "", "")


def is_place(text: str) -> bool:
    """Tell whether a text names where data may come from: a URL, or a path that is there.

    A parameter whose type is no URL may hold one all the same, e.g. a file of recorded calls.

    Examples
    --------
    >>> [is_place(each) for each in ("s3://team/calls.csv", "models:/intents@v3", "..", "ndcg")]
    [True, True, True, False]
    """
    if _SCHEME.match(text) or "::" in text or text.startswith(("/", "~")):
        return True
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or none at all
        return False


def addresses(source: str) -> tuple[Address, ...]:
    """Return the addresses in a source; a chain such as ``zip://a.csv::s3://…`` has several.

    Raises
    ------
    PolicyError
        If a part of it cannot be read.

    Examples
    --------
    >>> addresses("prometheus+https://me:secret@Metrics:9090/eu/../us?token=x")
    (Address(scheme='prometheus+https', host='metrics:9090', url='prometheus+https://metrics:9090/us'),)
    >>> [each.url for each in addresses("zip://a.csv::s3://team/data.zip")]
    ['zip://a.csv', 's3://team/data.zip']
    """
    *outer, last = source.split("::")
    return (*(_outer(link) for link in outer), _address(last))


def _outer(link: str) -> Address:
    """Read what wraps another link; ``simplecache`` is a protocol there, not a file."""
    return Address(link, "", f"{link}://") if _PROTOCOL.fullmatch(link) else _address(link)


def _address(link: str) -> Address:
    local = _LOCAL.match(link)
    if local:
        scheme = local["scheme"].lower()
        if scheme in {"file", "local"}:
            return _file("file", local["path"])
        return _file(scheme, local["path"].partition("?")[0])  # as their back ends read it
    if not _SCHEME.match(link):
        return _file("file", link)
    try:
        parts = urlsplit(link)
        port = f":{parts.port}" if parts.port is not None else ""
        host = f"{(parts.hostname or '').lower()}{port}"
    except ValueError as error:
        raise PolicyError(
            f"a source cannot be read: {error}", "Write its host as a name or as an IPv4 address."
        ) from None
    path = posixpath.normpath(unquote(parts.path)) if parts.path else ""
    scheme = parts.scheme.lower()
    return Address(scheme, host, f"{scheme}://{host}{path}")


def _file(scheme: str, path: str) -> Address:
    try:
        place = os.path.realpath(Path(path).expanduser())
    except (OSError, RuntimeError, ValueError) as error:  # a loop, an unknown home, a NUL
        raise PolicyError(f"a source cannot be read: {error}", "Check its path.") from None
    return Address(scheme, "", f"{scheme}://{place}")
