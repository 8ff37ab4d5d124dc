"""Who may read a gallery that is served: whoever has the token, or whom a proxy vouches for."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Protocol

from aiopslab.errors import ReportError

SHORTEST = 16  # letters of a token


class Gate(Protocol):
    """What decides who comes in."""

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Tell whether a request may read; `peer` is the address that it really comes from."""


@dataclass(frozen=True)
class Token:
    """A secret that whoever reads has to know.

    Parameters
    ----------
    secret
        The token, at least `SHORTEST` letters.

    Raises
    ------
    ReportError
        If it is shorter.

    Examples
    --------
    >>> gate = Token("a-token-of-letters")
    >>> gate.admits({"authorization": "Bearer a-token-of-letters"}, "127.0.0.1")
    True
    >>> gate.admits({"cookie": f"{gate.cookie}={gate.session}"}, "127.0.0.1"), gate.is_right("?")
    (True, False)
    """

    secret: str

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST:
            raise ReportError(
                f"the token has {len(self.secret)} letters; expected at least {SHORTEST}",
                "Leave it out to have one made, or make one with `openssl rand -hex 32`.",
            )

    @property
    def cookie(self) -> str:
        """Name of the cookie; servers at other ports of the host have others."""
        return f"aiopslab-{self._derived(b'name')[:8]}"

    @property
    def session(self) -> str:
        """Value of the cookie, from which the token cannot be told."""
        return self._derived(b"session")

    def _derived(self, what: bytes) -> str:
        return hmac.new(self.secret.encode(), what, sha256).hexdigest()

    def is_right(self, given: str) -> bool:
        """Tell whether a token is the right one, in a time that says nothing of how near it is."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode())

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Tell whether a request brings the cookie, or the token as Bearer or password."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            found = None
        if found and hmac.compare_digest(found.value.encode(), self.session.encode()):
            return True
        return self.is_right(_presented(headers.get("authorization", "")))


@dataclass(frozen=True)
class Proxy:
    """A reverse proxy that has signed readers in, and names them in a header.

    Parameters
    ----------
    header
        In which it names them, e.g. ``X-Forwarded-User``. The proxy must drop what comes under
        that name from outside.
    trusted
        Addresses or networks that the proxy speaks from; the header of any other counts nothing.

    Raises
    ------
    ReportError
        If there is no address, or one cannot be read.

    Examples
    --------
    >>> gate = Proxy("X-Forwarded-User", ("10.0.0.0/24",))
    >>> gate.admits({"x-forwarded-user": "ann"}, "10.0.0.7")
    True
    >>> gate.admits({"x-forwarded-user": "ann"}, "10.0.1.7"), gate.admits({}, "10.0.0.7")
    (False, False)
    """

    header: str
    trusted: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.trusted:
            raise ReportError(
                "no address of the proxy is named, so anybody could send its header",
                "Name it with --proxy-from, e.g. --proxy-from 10.0.0.5.",
            )
        self._networks()

    def _networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        try:
            return tuple(map(ip_network, self.trusted))
        except ValueError as error:
            raise ReportError(
                f"--proxy-from: {error}", "Write an address or a network, e.g. 10.0.0.0/24."
            ) from None

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Tell whether the proxy names somebody."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        is_proxy = any(address in network for network in self._networks())
        return is_proxy and bool(headers.get(self.header.lower(), "").strip())


@dataclass(frozen=True)
class Open:
    """Everybody who reaches the machine; only for a loopback address."""

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Admit."""
        return True


def _presented(authorization: str) -> str:
    """Return the token of a header: Bearer, or the password of Basic, which feed readers know."""
    kind, _, given = authorization.partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
