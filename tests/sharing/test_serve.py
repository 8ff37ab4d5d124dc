"""The gallery over HTTP, from a real uvicorn on loopback: who gets what, and with which headers."""

import base64
import re
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict
from aiopslab.reports import addresses, gallery, render
from aiopslab.reports import record as records
from aiopslab.reports.markup import csp_hash
from aiopslab.sharing.gates import Open, Proxy, Token
from aiopslab.sharing.serve import SERVED, app, check
from tests.reports.runs import kept

pytestmark = pytest.mark.server

SECRET = "a-token-of-many-letters"
HIDDEN = (
    ".gallery.db",
    ".gallery.lock",
    ".mlflow/mlflow.db",
    ".pseudonyms.key",
    ".redacted/reports/index.html",
    "notes.txt",
    "RUN/password.txt",
    "RUN/.env",
    "RUN/",
    "RUN",
    "series/",
    "series",
    "assets/",
    "assets/other.js",
    "../outside.txt",
    "RUN/../../outside.txt",
    "RUN/%2e%2e/%2e%2e/outside.txt",
    "..%2foutside.txt",
    "RUN/..%5c..%5coutside.txt",
    "%00",
    "RUN/report.html%00.txt",
    "/etc/passwd",
    "//etc/passwd",
    "link/report.html",
)


@contextmanager
def serving(folder, gate):
    """Serve a gallery at a free port of loopback; yield its address."""
    config = uvicorn.Config(
        app(folder, gate), log_level="error", access_log=False, proxy_headers=False, ws="none"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A gallery with a run, among files that are nobody's business."""
    home = tmp_path_factory.mktemp("served")
    folder = home / "reports"
    run = kept(folder, "whole", verdict=Verdict("act", "look here"))
    records.write_atomically(folder / run.id / "report.html", render.page({"cells": []}, run))
    for name in ("notes.txt", ".mlflow/mlflow.db", f"{run.id}/password.txt", f"{run.id}/.env"):
        records.write_atomically(folder / name, "hunter2")
    records.write_atomically(folder / "assets" / "other.js", "hunter2")
    records.write_atomically(home / "outside.txt", "hunter2")
    records.write_atomically(home / "elsewhere" / "report.html", "hunter2")
    records.write_atomically(folder / "tampered" / "report.html", "<script>hunter2</script>")
    (folder / "link").symlink_to(home / "elsewhere")
    gallery.build(folder)
    return folder, run.id


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder[0], Token(SECRET)) as address:
        yield address


@pytest.fixture
def signed_in(address):
    with httpx.Client(base_url=address) as client:
        assert client.get("/", params={"token": SECRET}).status_code == 200
        yield client


def names(run):
    return ("", "index.html", "feed.xml", f"{run}/report.html", f"{run}/run.json", "nothing", ".x")


def test_nothing_is_told_to_who_has_not_signed_in(address, folder):
    for name in names(folder[1]):
        answer = httpx.get(f"{address}/{name}")
        assert answer.status_code == 401 and "look here" not in answer.text
        assert folder[1] not in answer.text
    for wrong in ({"token": "x"}, {"token": ""}, {"token": SECRET[:-1]}):
        assert httpx.get(address, params=wrong).status_code == 401
    assert httpx.post(f"{address}/index.html").status_code == 401


def test_the_token_leaves_the_address_and_a_cookie_that_scripts_cannot_read_stays(address):
    with httpx.Client(base_url=address) as client:
        answer = client.get("/index.html", params={"token": SECRET})
        (cookie,) = answer.headers.get_list("set-cookie")
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and SECRET not in cookie
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert SECRET not in answer.text and "look here" not in answer.text
        target = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', answer.text)[1]
        assert target == "/index.html"
        assert "look here" in client.get(target).text


def test_one_is_never_led_elsewhere(address):
    answer = httpx.get(f"{address}//evil.example/x", params={"token": SECRET})
    assert 'url=/evil.example/x"' in answer.text


def test_the_form_signs_in_and_only_with_the_token(address):
    with httpx.Client(base_url=address) as client:
        assert client.post("/sign-in", data={"token": "wrong"}).status_code == 401
        assert client.post("/sign-in", content=b"token=" + b"x" * 100_000).status_code == 401
        answer = client.post("/sign-in", data={"token": SECRET})
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        assert client.get("/").status_code == 200


def test_feed_readers_and_programs_sign_in_by_header(address):
    basic = base64.b64encode(f"reader:{SECRET}".encode()).decode()
    for given in (f"Bearer {SECRET}", f"Basic {basic}"):
        answer = httpx.get(f"{address}/feed.xml", headers={"Authorization": given})
        assert answer.status_code == 200 and "look here" in answer.text
    for given in ("Bearer x", "Basic !!!", f"Digest {SECRET}", SECRET, ""):
        headers = {"Authorization": given}
        assert httpx.get(f"{address}/feed.xml", headers=headers).status_code == 401


def test_a_forged_cookie_is_refused(address):
    gate = Token(SECRET)
    for value in ("", "1", SECRET, gate.session[:-1], "é"):
        headers = {"Cookie": f"{gate.cookie}={value}".encode()}
        assert httpx.get(address, headers=headers).status_code == 401
    assert httpx.get(address, headers={"Cookie": b'"; \x80='}).status_code == 401


def test_what_belongs_to_the_gallery_is_there(signed_in, folder):
    run = folder[1]
    for name in names(run)[:5]:
        assert signed_in.get(f"/{name}").status_code == 200
    for path in folder[0].glob("series/*/*"):
        assert signed_in.get(f"/{path.relative_to(folder[0])}").status_code == 200
    assert "plotly.js" in signed_in.get(f"/{addresses.plotly()}").text[:1000]


@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_else_is_there(address, folder, name):
    """As raw as it is written: httpx would take the dots out of a path before it sends it."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        path = name.replace("RUN", folder[1])
        lines = (f"GET /{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {SECRET}")
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split()[1] in (b"404", b"400", b"307"), answer[:200]
    assert b"hunter2" not in answer and b"root:" not in answer


def test_nothing_can_be_written(signed_in, folder):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert signed_in.request(method, "/index.html").status_code == 405


def test_every_answer_has_the_headers(signed_in, address, folder):
    answers = [signed_in.get(f"/{name}") for name in names(folder[1])]
    for answer in [*answers, httpx.get(address), httpx.get(f"{address}/x")]:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert not re.search(r"script-src[^;]*('unsafe|https?:|\*)", policy)


def test_a_page_is_sent_with_its_own_policy_and_one_without_may_run_nothing(signed_in, folder):
    page = signed_in.get(f"/{folder[1]}/report.html")
    script = page.text.rpartition("<script>")[2].partition("</script>")[0]
    assert csp_hash(script) in page.headers["content-security-policy"]
    tampered = signed_in.get("/tampered/report.html")
    assert (
        tampered.status_code == 200
        and "script-src" not in tampered.headers["content-security-policy"]
    )


def test_what_has_not_changed_is_not_sent_again_and_parts_can_be_asked_for(signed_in, folder):
    whole = signed_in.get("/index.html")
    again = signed_in.get("/index.html", headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    part = signed_in.get("/index.html", headers={"Range": "bytes=0-14"})
    assert part.status_code == 206 and part.text == whole.text[:15]
    assert signed_in.head("/index.html").headers["content-length"] == str(len(whole.content))
    assert "immutable" in signed_in.head(f"/{addresses.plotly()}").headers["cache-control"]
    assert (
        "no-cache" in whole.headers["cache-control"] and "private" in whole.headers["cache-control"]
    )


def test_a_proxy_vouches_for_readers_and_nobody_else_does(folder):
    with serving(folder[0], Proxy("X-Forwarded-User", ("127.0.0.0/8",))) as address:
        named = {"X-Forwarded-User": "ann"}
        assert httpx.get(address, headers=named).status_code == 200
        for headers in ({}, {"X-Forwarded-User": ""}, {"X-User": "ann"}):
            assert httpx.get(address, headers=headers).status_code == 401
        twice = [("X-Forwarded-User", "ann"), ("X-Forwarded-User", "eve")]
        assert httpx.get(address, headers=twice).status_code == 401
        assert httpx.get(address, params={"token": SECRET}).status_code == 401
    with serving(folder[0], Proxy("X-Forwarded-User", ("10.0.0.5",))) as address:
        spoofed = named | {"X-Forwarded-For": "10.0.0.5", "Forwarded": "for=10.0.0.5"}
        assert httpx.get(address, headers=spoofed).status_code == 401


def test_an_open_gallery_answers_to_its_own_name_only(folder):
    with serving(folder[0], Open()) as address:
        assert httpx.get(address).status_code == 200
        port = address.rpartition(":")[2]
        assert httpx.get(address, headers={"Host": f"localhost:{port}"}).status_code == 200
        assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.4", "example.org", ""])
def test_it_refuses_to_listen_elsewhere_without_authentication(host):
    with pytest.raises(ReportError, match="without authentication"):
        check(host, Open())
    check(host, Token(SECRET))
    check("localhost", Open())
    check("::1", Open())


@pytest.mark.parametrize(
    "made", [lambda: Token("short"), lambda: Proxy("X", ()), lambda: Proxy("X", ("x",))]
)
def test_a_gate_that_would_be_no_gate_is_refused(made):
    with pytest.raises(ReportError):
        made()


def test_a_secure_cookie_where_the_proxy_speaks_https(address):
    headers = {"X-Forwarded-Proto": "https"}
    answer = httpx.get(address, params={"token": SECRET}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


def test_only_names_of_a_gallery_are_served():
    assert not SERVED.fullmatch("..") and not SERVED.fullmatch("a/b/report.html")
    assert SERVED.fullmatch("Ünlike run/report.html")
