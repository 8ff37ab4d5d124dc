"""A self-made HTTP server on loopback, for back ends whose real server cannot be had here."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aiopslab.errors import SourceError


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str]  # the last value where there are several
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What it is told: bytes and iterables of bytes as they are, anything else as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A server that runs: its address, and what it was asked so far."""

    address: str
    requests: list[Request]

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.requests]


Route = Callable[[Request], Any]


@contextmanager
def serving(routes: Mapping[str, Route]) -> Iterator[Server]:
    """Answer each path by its route, a pattern such as ``/api/traces/*``, until the block ends.

    A route returns an `Answer`, or what is to be sent as JSON.
    """
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, query, headers, body)
            asked.append(request)
            found = (route for path, route in routes.items() if fnmatchcase(parts.path, path))
            said = next(found, lambda _: Answer(b"404 page not found\n", 404))(request)
            with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough
                self.say(said if isinstance(said, Answer) else Answer(said))

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class calls

        def say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            parts = _parts(answer.body)
            if isinstance(parts, bytes):
                self.send_header("Content-Length", str(len(parts)))
                parts = [parts]
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            for part in parts:
                self.wfile.write(part)
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _parts(body: Any) -> bytes | Iterable[bytes]:
    if isinstance(body, (bytes, Iterator)):
        return body
    return json.dumps(body).encode()


def in_turn(*answers: Any) -> Route:
    """Give one answer after the other, and the last one from then on."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def problem(call: Callable[[], object]) -> str:
    """Return what the user is told is wrong, which must come with a remedy."""
    with pytest.raises(SourceError) as raised:
        call()
    assert raised.value.remedy, "an error says how to mend it"
    return str(raised.value)
