"""The kernel in a Jupyter server, as JupyterLab uses it."""

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from tests.kernels.conftest import descendants_of_parents, is_running, until

TOKEN = "token-of-a-test"


@pytest.fixture
def server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"]
    options = [f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--notebook-dir={tmp_path}"]
    told = {"JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options], env=os.environ | told, stdout=log, stderr=log
        )
    headers = {"Authorization": f"token {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:

        def answers():
            try:
                return client.get("/api/status").is_success
            except httpx.TransportError:
                return False

        until(answers, 60)
        yield client
    process.terminate()
    process.wait(20)


@pytest.mark.server
def test_a_server_starts_interrupts_restarts_and_ends_it(server):
    spec = server.get("/api/kernelspecs").json()["kernelspecs"]["aiopslab"]["spec"]
    assert spec["display_name"] == "AIOps Lab (warm)"
    kernel = server.post("/api/kernels", json={"name": "aiopslab"}).json()["id"]
    (first,) = descendants_of_parents()
    assert server.post(f"/api/kernels/{kernel}/interrupt").status_code == 204
    assert is_running(first)
    assert server.post(f"/api/kernels/{kernel}/restart").is_success
    (second,) = descendants_of_parents()
    assert second != first
    assert not is_running(first)
    os.kill(second, signal.SIGKILL)  # the server sees it, and starts another
    (third,) = until(lambda: [each for each in descendants_of_parents() if each != second])
    # A server that is still starting it refuses.
    until(lambda: server.delete(f"/api/kernels/{kernel}").status_code == 204)
    until(lambda: not is_running(third))
