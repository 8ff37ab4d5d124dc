"""The gallery over HTTP: to those whom a gate admits, and nothing but the gallery."""

import os
import re
from collections.abc import Mapping
from html import escape
from ipaddress import ip_address
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiopslab.errors import ReportError
from aiopslab.reports.addresses import INDEX
from aiopslab.sharing.gates import Gate, Open, Proxy, Token

SIGN_IN = "/sign-in"
LONGEST = 4_096  # bytes of what a form sends
HEAD = 4_096  # bytes of a page in which its policy stands
SERVED = re.compile(
    r"index\.html|feed\.xml|assets/plotly-[\d.]+\.min\.js|months/\d{4}-\d\d\.html"
    r"|series/[a-z0-9_-]+/(?:index|latest)\.html"
    r"|[^./\\\0][^/\\\0]*/(?:report\.html|notebook\.ipynb|run\.json)"
)
_POLICY = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]*)"')
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_FORM = _NOTHING.replace("form-action 'none'", "form-action 'self'; style-src 'unsafe-inline'")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{head}
<title>{title}</title>
<style>body {{ font-family: system-ui, sans-serif; margin: 4rem auto; max-width: 30rem }}</style>
<h1>{title}</h1>
{body}
</html>
"""
_SIGN_IN = """<form method="post" action="/sign-in">
<p><label>Token <input name="token" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
<p>The token is in the address that <code>aiopslab serve</code> showed when it started.
</form>"""


def app(folder: Path, gate: Gate) -> ASGIApp:
    """Return the application that serves a gallery.

    Parameters
    ----------
    folder
        Of the gallery.
    gate
        Who may read it.

    Notes
    -----
    What is no page, report, notebook or record of a gallery is not there: no other file, no list of
    a folder, nothing whose name begins with a dot. Every page is sent with the policy that it
    carries itself, under which its own script is the only one that runs; what carries none gets
    one that lets nothing run.
    """
    site = _Site(directory=folder, check_dir=False)
    guards = [Middleware(_Policies, folder=folder), Middleware(_Guard, gate=gate)]
    return Starlette(routes=[Mount("/", site)], middleware=guards)


def check(host: str, gate: Gate) -> None:
    """Refuse to be open to others than this machine.

    Raises
    ------
    ReportError
        If the address is no loopback address and the gate admits everybody.

    Examples
    --------
    >>> check("127.0.0.1", Open())
    >>> check("0.0.0.0", Open())
    Traceback (most recent call last):
    aiopslab.errors.ReportError: refuses to listen at 0.0.0.0 without authentication
      → Leave out --no-sign-in, or name a reverse proxy with --proxy-header and --proxy-from.
    """
    if isinstance(gate, Open) and not is_loopback(host):
        raise ReportError(
            f"refuses to listen at {host} without authentication",
            "Leave out --no-sign-in, or name a reverse proxy with --proxy-header and --proxy-from.",
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address is one that only this machine reaches."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class _Site(StaticFiles):
    """The files of a gallery."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        name = INDEX if path == "." else path.replace(os.sep, "/")
        return super().lookup_path(name) if SERVED.fullmatch(name) else ("", None)


class _Guard:
    """Lets through what a gate admits, and signs in who brings the token."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = await self._answer(Request(scope, receive))
        await (answer or self.app)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """Return the answer of the gate; ``None`` lets the request through."""
        peer = request.client.host if request.client else ""
        # A page of elsewhere may have the name of its own host lead here.
        if isinstance(self.gate, Open) and not is_loopback(_host(request.headers)):
            return _page("Not here", "<p>This gallery is served to its own machine.", 421)
        if isinstance(self.gate, Token):
            if request.method == "POST" and request.url.path == SIGN_IN:
                given = parse_qs((await _body(request)).decode("utf-8", "replace"))
                right = self.gate.is_right(given.get("token", [""])[0])
                return self._signed_in(request, RedirectResponse("/", 303)) if right else _refusal()
            if self.gate.is_right(request.query_params.get("token", "")):
                return self._signed_in(request, _forward(request.url.path))
        is_twice = (
            isinstance(self.gate, Proxy) and len(request.headers.getlist(self.gate.header)) > 1
        )
        if self.gate.admits(request.headers, peer) and not is_twice:  # else which is the proxy's?
            return None
        return _refusal() if isinstance(self.gate, Token) else _page("Not signed in", "", 401)

    def _signed_in(self, request: Request, answer: Response) -> Response:
        gate = cast("Token", self.gate)
        proto = request.headers.get("x-forwarded-proto", request.url.scheme)
        answer.set_cookie(
            gate.cookie, gate.session, httponly=True, samesite="strict", secure=proto == "https"
        )
        return answer


class _Policies:
    """Adds to every answer what browsers are to keep to."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                path = scope["path"].strip("/") or INDEX
                if "Content-Security-Policy" not in headers:
                    is_page = message["status"] < 400 and path.endswith(".html")
                    headers["Content-Security-Policy"] = (
                        _policy(self.folder / path) if is_page else _NOTHING
                    )
                kept = "max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
                headers.setdefault("Cache-Control", f"private, {kept}")
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


def _policy(path: Path) -> str:
    """Return the policy that a page carries; a page without one may run nothing."""
    try:
        with path.open("rb") as file:
            found = _POLICY.search(file.read(HEAD))
    except OSError:
        found = None
    if not found:
        return _NOTHING
    return f"{found[1].decode('latin-1')}; frame-ancestors 'none'"


def _refusal() -> Response:
    answer = _page("Sign in to read the reports", _SIGN_IN, 401)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="reports"'
    return answer


def _forward(path: str) -> Response:
    """Lead on without the token; a redirect would not carry the cookie of a link from elsewhere."""
    target = escape(quote(f"/{path.lstrip('/')}"))
    head = f'\n<meta http-equiv="refresh" content="0; url={target}">'
    return _page("Signed in", f'<p><a href="{target}">Go on</a>', 200, head)


def _page(title: str, body: str, status: int, head: str = "") -> Response:
    text = _PAGE.format(title=title, body=body, head=head)
    headers = {"Content-Security-Policy": _FORM, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            return b""
    return body


def _host(headers: Mapping[str, str]) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
