"""A real Chroma server, on loopback."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.sources.prometheus.conftest import free_port


class ChromaServer:
    """Starts, and starts again on the same folder and port."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.process = None

    @property
    def url(self):
        return f"chroma+http://127.0.0.1:{self.port}"

    def start(self):
        command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--path", str(self.folder / "store")]
        quiet = os.environ | {"ANONYMIZED_TELEMETRY": "False", "DO_NOT_TRACK": "1"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=quiet, stdout=log, stderr=log, cwd=self.folder
            )
        deadline = time.monotonic() + 60
        while not self._is_up():
            said = (self.folder / "log").read_text()
            assert self.process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.1)

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def _is_up(self):
        address = f"http://127.0.0.1:{self.port}/api/v2/heartbeat"
        try:
            return httpx.get(address, timeout=2).is_success
        except httpx.HTTPError:
            return False


@contextmanager
def chroma_server(folder):
    """Start one that keeps everything in a folder."""
    server = ChromaServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
