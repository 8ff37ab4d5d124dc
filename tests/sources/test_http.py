"""The client that back ends share, against a self-made server that misbehaves on demand."""

import base64
import gzip
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import SourceError
from aiopslab.sources.http import (
    Client,
    Credentials,
    HttpError,
    TooLargeError,
    credentials,
    split,
)
from tests.sources.servers import Answer, in_turn, problem, serving

pytestmark = pytest.mark.server
SECRET = 's3cret"pass/word&'
VARIABLES = ("TOKEN", "USER", "PASSWORD", "CA", "TENANT")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing of the machine's own environment gets in."""
    for name in VARIABLES:
        monkeypatch.delenv(f"AIOPSLAB_TEST_{name}", raising=False)


def client(address: str, **options: object) -> Client:
    return Client(address, **{"system": "Loki", "backoff": 0.01, **options})


def get(answer: object, **options: object) -> object:
    route = answer if callable(answer) else lambda _: answer
    with serving({"/path": route}) as server, client(server.address, **options) as asking:
        return asking.get_json("/path", {"query": "x"})


def test_json_is_asked_for_and_read():
    with serving(
        {"/base/path": lambda asked: {"query": asked.query, "body": asked.body.decode()}}
    ) as server:
        with client(f"{server.address}/base/") as asking:
            assert asking.get_json("/path", {"q": 'a="+&#'})["query"] == {"q": 'a="+&#'}
            assert asking.post_json("/path", {"a": [1]})["body"] == '{"a":[1]}'
        assert [each.method for each in server.requests] == ["GET", "POST"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_not_noticed(status):
    route = in_turn(Answer(b"busy", status, {"Retry-After": "0"}), Answer(b"", status), {"ok": 1})
    assert get(route) == {"ok": 1}


def test_a_failure_that_stays_is_told_after_the_last_attempt():
    with serving({"/path": lambda _: Answer({"error": "no space"}, 500)}) as server:
        with client(server.address, attempts=3) as asking:
            said = problem(lambda: asking.get_json("/path"))
        assert len(server.requests) == 3
    assert "3 attempts" in said and "500" in said and "no space" in said


def test_the_pause_that_a_server_asks_for_is_made():
    begun = time.monotonic()
    route = in_turn(Answer(b"", 429, {"Retry-After": "0.3"}), {})
    assert get(route, backoff=0.0) == {}
    assert 0.3 <= time.monotonic() - begun < 3


@pytest.fixture
def pauses(monkeypatch):
    """Return the pauses that were to be made; none of them is."""
    made: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", made.append)
    return made


def test_pauses_grow_and_are_never_the_same(pauses):
    for _ in range(2):
        problem(lambda: get(Answer(b"", 500), backoff=1.0))
    first, second = pauses[:3], pauses[3:]
    for made in (first, second):
        assert all(
            least <= pause <= least + 1 for least, pause in zip((1, 2, 4), made, strict=True)
        )
    assert first != second


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_pause_may_be_asked_for_by_the_clock(pauses, zone, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    asked = {"Retry-After": moment.replace("GMT", zone)}
    assert get(in_turn(Answer(b"", 429, asked), {"ok": 1})) == {"ok": 1}
    assert 20 < pauses[0] <= 30
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("asked", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_long_pause_is_told_instead_of_made(asked):
    said = problem(lambda: get(Answer(b"", 503, {"Retry-After": asked})))
    assert "asks to wait" in said


@pytest.mark.parametrize("asked", ["soon", "", "-5", "nan"])
def test_an_odd_pause_is_not_in_the_way(asked):
    assert get(in_turn(Answer(b"", 503, {"Retry-After": asked}), {"ok": 1})) == {"ok": 1}


@pytest.mark.parametrize("status", [400, 404, 418])
def test_a_refusal_is_final_and_has_its_status(status):
    with serving({"/path": lambda _: Answer({"message": "parse error"}, status)}) as server:
        with client(server.address) as asking, pytest.raises(HttpError) as raised:
            asking.get_json("/path")
        assert len(server.requests) == 1
    assert raised.value.status == status and "parse error" in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>log in</html>", b"{", b"\xff\xfe", b"[" * 200_000],
    ids=["empty", "page", "cut", "binary", "deep"],
)
def test_what_is_not_json_is_told(body):
    said = problem(lambda: get(Answer(body)))
    assert "not as Loki does" in said


def test_a_server_that_is_not_there_is_told():
    with serving({}) as server:
        pass
    with client(server.address, attempts=2) as asking:
        assert "Check that Loki runs there" in problem(lambda: asking.get_json("/path"))


def test_a_slow_answer_is_not_waited_for():
    def late(_):
        time.sleep(1)
        return {}

    assert "no answer within 0.2 s" in problem(lambda: get(late, timeout=0.2, attempts=1))


def test_an_answer_in_drips_is_not_waited_for():
    def drips():
        for _ in range(100):
            time.sleep(0.05)
            yield b" "

    begun = time.monotonic()
    said = problem(lambda: get(lambda _: Answer(drips()), timeout=0.3, attempts=1))
    assert "no answer within" in said and time.monotonic() - begun < 2


def test_an_answer_that_is_cut_short_is_asked_for_again():
    short = Answer(iter([b'{"a": ']), headers={"Content-Length": "100"})
    assert get(in_turn(short, {"ok": 1})) == {"ok": 1}


def test_an_endless_answer_is_not_read_to_its_end():
    sent = []

    def endless():
        while len(sent) < 10_000:
            sent.append(1)
            yield b" " * 65_536

    with pytest.raises(TooLargeError, match="more than 1 MB"):
        get(lambda _: Answer(endless()), limit=2**20)
    assert len(sent) < 1_000


def test_a_compressed_answer_is_bounded_as_it_unfolds():
    packed = gzip.compress(b" " * 2**24)
    with pytest.raises(TooLargeError):
        get(Answer(packed, headers={"Content-Encoding": "gzip"}), limit=2**20)
    with_json = Answer(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    assert get(with_json) == {"a": 1}
    broken = Answer(b"not gzip", headers={"Content-Encoding": "gzip"})
    assert "did not answer" in problem(lambda: get(broken, attempts=1))


def test_a_redirect_is_told_and_no_token_goes_there(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_TEST_TOKEN", "t0ken-of-mine")
    with serving({"*": lambda _: {}}) as other:
        moved = Answer(b"", 302, {"Location": f"{other.address}/login?t=t0ken-of-mine"})
        said = problem(lambda: get(moved, credentials=credentials("AIOPSLAB_TEST")))
        assert other.requests == []
    assert "302 Found, to http://127.0.0.1" in said and "t0ken" not in said


def test_a_token_goes_before_a_password(monkeypatch):
    for name, value in {"TOKEN": " t0ken\n", "USER": "me", "PASSWORD": SECRET}.items():
        monkeypatch.setenv(f"AIOPSLAB_TEST_{name}", value)
    assert credentials("AIOPSLAB_TEST").headers == {"Authorization": "Bearer t0ken"}
    monkeypatch.delenv("AIOPSLAB_TEST_TOKEN")
    (kind, _, sent) = credentials("AIOPSLAB_TEST").headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(sent).decode()) == ("Basic", f"me:{SECRET}")
    monkeypatch.delenv("AIOPSLAB_TEST_USER")
    assert SECRET not in problem(lambda: credentials("AIOPSLAB_TEST"))


def test_other_headers_come_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_TEST_TENANT", "k3y")
    read = credentials("AIOPSLAB_TEST", {"X-Key": "AIOPSLAB_TEST_TENANT", "X-No": "AIOPSLAB_NO"})
    assert read.headers == {"X-Key": "k3y"}
    assert "AIOPSLAB_TEST_TENANT" in read.remedy


@pytest.mark.parametrize("token", ["a\nb", "ключ", "a\x00b"])
def test_what_no_header_can_hold_is_refused_without_being_shown(monkeypatch, token):
    monkeypatch.setattr("os.environ", {"AIOPSLAB_TEST_TOKEN": token})
    said = problem(lambda: credentials("AIOPSLAB_TEST"))
    assert token not in said and "AIOPSLAB_TEST_TOKEN" in said


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("pad", [0, 190])
def test_no_secret_is_ever_shown(monkeypatch, status, pad):
    """Whatever a server echoes of what it was sent, in whatever form, where it is cut included."""
    monkeypatch.setenv("AIOPSLAB_TEST_USER", "me")
    monkeypatch.setenv("AIOPSLAB_TEST_PASSWORD", SECRET)
    read = credentials("AIOPSLAB_TEST")
    encoded = read.headers["Authorization"].removeprefix("Basic ")

    def echo(asked):
        said = f"{'.' * pad}{asked.headers['authorization']} {SECRET}"
        body = {"error": {"reason": said, "x": SECRET}} if status % 2 == 0 else said.encode()
        return Answer(body, status, {"Location": f"https://host/{encoded}"})

    # A success whose JSON is not what was expected is a failure too.
    def ask():
        with (
            serving({"/path": echo}) as server,
            client(server.address, attempts=1, credentials=read) as asking,
            asking.reading(),
        ):
            return asking.get_json("/path")["data"]["result"]

    with pytest.raises(SourceError) as raised:
        ask()
    shown = "".join(traceback.format_exception(raised.value))
    assert str(raised.value) in shown
    for secret in (encoded, SECRET, SECRET[:6], encoded[:12]):
        assert secret not in shown
    assert "s3cret" not in repr(read) and encoded not in repr(read)


@given(st.text(min_size=1), st.text(), st.text())
def test_hiding_leaves_no_secret_in_any_text(secret, before, after):
    hidden = Credentials(secrets=(secret,)).hide(f"{before}{secret}{after}")
    assert secret not in hidden or secret in "…"


def test_a_broken_authority_is_told(monkeypatch, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    monkeypatch.setenv("AIOPSLAB_TEST_CA", str(path))
    read = credentials("AIOPSLAB_TEST")
    said = problem(lambda: client("https://localhost:1", credentials=read))
    assert f"{path} is no certificate file" in said and "AIOPSLAB_TEST_CA" in said


def test_a_url_is_taken_apart():
    url = 'loki+https://host:3100/loki?query={a=~"b%26c+"}&limit=5'
    address, asked = split(url, {"query": None, "limit": None})
    assert address == "https://host:3100/loki"
    assert asked == {"query": '{a=~"b&c+"}', "limit": "5"}


@pytest.mark.parametrize("url", ["loki+http://", "loki+http://:3100", "loki+http://host:port"])
def test_a_url_without_a_host_is_told(url):
    assert "names no host" in problem(lambda: split(url, {}))


def test_what_is_said_outside_the_url_wins():
    given = {"query": None, "limit": 0, "tenant": "mine"}
    _, asked = split("loki+http://host?query=a&limit=5", given)
    assert asked == {"query": "a", "limit": 0, "tenant": "mine"}


def test_an_unknown_option_is_told_with_the_nearest():
    given = {"query": None, "limit": 5}
    assert "'limit'" in problem(lambda: split("loki+http://host?limits=1", given))
