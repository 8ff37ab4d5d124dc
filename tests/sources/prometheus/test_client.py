import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources.prometheus.client import Client

NOW = pd.Timestamp("2026-03-01T12:00:00Z")
GOOD = (200, {}, '{"status":"success","data":{"resultType":"vector","result":[]}}')


class Script(ThreadingHTTPServer):
    """A server that gives the answers it was told to, one after the other, then good ones."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.slow_first = 0.0
        self.asked: list[tuple[float, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that gave up is no error here."""


class Page(BaseHTTPRequestHandler):
    server: Script

    def do_GET(self):
        asked = self.server.asked
        asked.append((time.monotonic(), self.path, self.headers["Authorization"]))
        if self.server.slow_first and len(asked) == 1:
            time.sleep(self.server.slow_first)
        status, headers, body = self.server.answers.pop(0) if self.server.answers else GOOD
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def script():
    server = Script()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(script: Script, **options) -> list:
    with Client(script.address, **{"backoff": 0.01, **options}) as client:
        return client.query("up", NOW)


def problem(call) -> str:
    with pytest.raises(SourceError) as raised:
        call()
    assert raised.value.remedy, "an error says how to mend it"
    return str(raised.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(script, status):
    script.answers = [(status, {}, "busy")] * 3
    assert ask(script) == []
    assert len(script.asked) == 4


def test_attempts_are_bounded_and_the_last_answer_is_told(script):
    script.answers = [(503, {}, '{"status":"error","error":"query timed out"}')] * 9
    message = problem(lambda: ask(script))
    assert "did not answer in 4 attempts: 503 Service Unavailable, query timed out" in message
    assert len(script.asked) == 4


def test_pauses_grow(script):
    script.answers = [(500, {}, "")] * 3
    ask(script, backoff=0.1)
    times = [each[0] for each in script.asked]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[0] >= 0.1
    assert pauses[1] >= 0.2
    assert pauses[2] >= 0.4


def test_a_server_says_how_long_to_wait(script):
    moment = datetime.now(UTC) + timedelta(seconds=2)
    script.answers = [
        (429, {"Retry-After": "0.3"}, ""),
        (503, {"Retry-After": "gibberish"}, ""),
        (429, {"Retry-After": format_datetime(moment, usegmt=True)}, ""),
    ]
    ask(script)
    times = [each[0] for each in script.asked]
    assert times[1] - times[0] >= 0.3
    assert times[2] - times[1] < 0.3
    assert times[3] - times[2] >= 0.5


def test_a_wait_that_is_too_long_is_told_at_once(script):
    script.answers = [(429, {"Retry-After": "3600"}, "slow down")]
    assert "asks to wait 3600 s: 429 Too Many Requests, slow down" in problem(lambda: ask(script))
    assert len(script.asked) == 1


def test_a_slow_answer_is_asked_for_again(script):
    script.slow_first = 1.0
    assert ask(script, timeout=0.2) == []
    assert len(script.asked) == 2
    assert "within 0.2 s" in problem(lambda: ask_slowly(script))


def ask_slowly(script: Script) -> None:
    script.asked.clear()
    ask(script, timeout=0.2, attempts=1)


def test_nobody_listens(script):
    address = script.address
    script.server_close()
    with Client(address, backoff=0.01) as client:
        message = problem(lambda: client.query("up", NOW))
    assert "did not answer in 4 attempts" in message
    assert "Check that Prometheus runs there" in message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((400, {}, '{"error":"parse error: unexpected end"}'), "parse error: unexpected end"),
        ((422, {}, '{"error":"too many samples"}'), "narrow it with match"),
        ((401, {}, ""), "AIOPSLAB_PROMETHEUS_TOKEN"),
        ((404, {}, "404 page not found"), "Check host, port and path"),
        ((302, {"Location": "/login"}, ""), "redirects"),
        ((200, {}, "<html>Please log in</html>"), "not as Prometheus does"),
        ((200, {}, "[1, 2]"), "not as Prometheus does"),
    ],
)
def test_what_will_not_pass_is_asked_once(script, answer, expected):
    script.answers = [answer]
    assert expected in problem(lambda: ask(script))
    assert len(script.asked) == 1


def test_a_server_without_metadata_is_none_the_worse(script):
    script.answers = [(404, {}, "404 page not found")]
    with Client(script.address) as client:
        assert client.kinds() == {}


def test_a_token_is_sent_and_never_shown(script, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "s3cret-token\n")
    script.answers = [(400, {}, '{"error":"got Authorization: Bearer s3cret-token"}')]
    assert "s3cret" not in problem(lambda: ask(script))
    assert script.asked[0][2] == "Bearer s3cret-token"
    with Client(script.address) as client:
        assert "s3cret" not in repr(client)
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "s3crét")
    message = problem(lambda: ask(script))
    assert "s3cr" not in message


def test_a_password_is_sent_and_never_shown(script, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_USER", "ann")
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_PASSWORD", "hunter2")
    script.answers = [(400, {}, '{"error":"Basic YW5uOmh1bnRlcjI= is ann:hunter2"}')]
    message = problem(lambda: ask(script))
    assert script.asked[0][2] == "Basic YW5uOmh1bnRlcjI="
    assert "hunter2" not in message
    assert "YW5uOmh1bnRlcjI=" not in message


def test_a_url_with_credentials_sends_no_request(script):
    url = f"prometheus+{script.address}".replace("http://", "http://ann:hunter2@")
    assert "AIOPSLAB_PROMETHEUS_TOKEN" in problem(lambda: sources.open(url))
    assert script.asked == []
