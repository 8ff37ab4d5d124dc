"""The commands of a gallery, and of the server, as a user types them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from aiopslab.reports import record as records
from aiopslab.reports import render
from aiopslab.reports.cells import PLOTLY_MIME
from tests.notebooks import code
from tests.reports.runs import kept

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
FIGURE = {"data": [{"y": [1, 2]}], "layout": {"title": {"text": "A figure"}}}


@pytest.fixture
def run(tmp_path):
    run = kept(tmp_path / "reports", "whole", started="2025-01-01T00:00:00.000Z", series="s")
    output = {"output_type": "display_data", "metadata": {}, "data": {PLOTLY_MIME: FIGURE}}
    html = render.page({"cells": [code("x") | {"outputs": [output]}]}, run)
    records.write_atomically(tmp_path / "reports" / run.id / "report.html", html)
    return run


def test_a_folder_alone_is_built(aiopslab, tmp_path, run):
    for given in (["gallery", tmp_path / "reports"], ["gallery", "build", tmp_path / "reports"]):
        code, out, _ = aiopslab(*given)
        assert code == 0 and out.strip() == str(tmp_path / "reports" / "index.html")


def test_pruning_says_what_would_go_and_then_removes_it(aiopslab, tmp_path, run):
    folder = tmp_path / "reports"
    kept(folder, "new", series="s")
    code, out, _ = aiopslab("gallery", "prune", folder, "--keep", 1, "--days", 0, "--dry-run")
    assert code == 0 and run.id in out and "1 runs would go" in out
    assert (folder / run.id).is_dir()
    _, out, _ = aiopslab("gallery", "prune", folder, "--keep", 1, "--days", 0, "--always", "ok")
    assert "0 runs removed" in out
    _, out, _ = aiopslab("gallery", "prune", folder, "--keep", 1, "--days", 0)
    assert "1 runs removed" in out and not (folder / run.id).exists()


def test_publishing_says_what_was_sent(aiopslab, tmp_path, run):
    site = tmp_path / "site"
    code, out, _ = aiopslab(
        "gallery", "publish", tmp_path / "reports", site, "--edition", "redacted"
    )
    assert code == 0 and re.search(r"\d+ files sent", out) and (site / "index.html").is_file()
    assert not list(site.glob("*/run.json"))
    _, out, _ = aiopslab("gallery", "publish", tmp_path / "reports", site, "--edition", "redacted")
    assert out.startswith("0 files sent")
    code, _, err = aiopslab("gallery", "publish", tmp_path / "reports", site, "--url", "nonsense")
    assert code == 2 and "url" in err and "Traceback" not in err


@pytest.mark.parametrize("way", ["id", "folder", "page"])
def test_a_report_becomes_one_file(aiopslab, tmp_path, run, way):
    folder, made = tmp_path / "reports", tmp_path / "made.html"
    named = {"id": run.id, "folder": folder / run.id, "page": folder / run.id / "report.html"}
    code, out, _ = aiopslab("gallery", "export", named[way], "-g", folder, "-o", made)
    assert code == 0 and "MB" in out
    assert '"packed": "' in made.read_text() and made.stat().st_size < 6e6


def test_a_report_that_is_not_there_is_told(aiopslab, tmp_path, run):
    code, _, err = aiopslab("gallery", "export", "nothing", "-g", tmp_path / "reports")
    assert code == 1 and "no report nothing" in err and "→" in err


def test_serving_elsewhere_without_authentication_is_refused(aiopslab, tmp_path, run):
    given = ["serve", tmp_path / "reports", "--host", "0.0.0.0", "--no-sign-in"]
    code, _, err = aiopslab(*given)
    assert code == 1 and "refuses to listen at 0.0.0.0" in err
    code, _, err = aiopslab(*given[:2], "--proxy-header", "X-Forwarded-User")
    assert code == 1 and "--proxy-from" in err


@pytest.mark.server
def test_the_address_that_is_shown_signs_in_and_the_server_ends_politely(tmp_path, run):
    command = [AIOPSLAB, "serve", str(tmp_path / "reports"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if "SERVE_TOKEN" not in name}
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        line = server.stdout.readline()
        address = re.match(r"Open (http://127\.0\.0\.1:\d+/)\?token=([\w-]{40,})", line)
        assert httpx.get(address[1]).status_code == 401
        with httpx.Client() as client:
            client.get(address[1], params={"token": address[2]})
            assert "whole" in client.get(address[1]).text
        taken = subprocess.run(
            [*command[:-1], address[1].rpartition(":")[2].strip("/")],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert taken.returncode == 1 and "cannot listen" in taken.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=20)
    assert "Traceback" not in err and address[2] not in err
