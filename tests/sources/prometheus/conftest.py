"""A real Prometheus on loopback, filled with a recording whose every point is known."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from tests.system import need

START = pd.Timestamp("2026-03-01T10:00:00", tz="UTC")
POINTS = 4 * 3600 + 1  # four hours at one second: more than one answer may hold


def gauge(service: str) -> np.ndarray:
    """Return the value at every second; no two alike, so that none can take another's place."""
    offset = {"gateway": 0.25, "auth": 1_000_000.5}[service]
    return np.arange(POINTS) + offset


def open_metrics() -> str:
    """Write the recording as OpenMetrics text."""
    seconds = int(START.timestamp())
    lines = ["# TYPE latency_ms gauge"]
    for service in ("gateway", "auth"):
        labels = f'job="shop",service="{service}",instance="{service}:80"'
        lines += [
            f"latency_ms{{{labels}}} {value} {seconds + at}"
            for at, value in enumerate(gauge(service))
        ]
    every = range(0, POINTS, 15)
    lines.append("# TYPE requests counter")
    for code, rate in (("200", 8), ("500", 2)):
        labels = f'job="shop",service="gateway",code="{code}"'
        lines += [f"requests_total{{{labels}}} {rate * at} {seconds + at}" for at in every]
    lines.append("# TYPE size_bytes histogram")
    for bound, rate in (("10.0", 5), ("20.0", 10), ("+Inf", 10)):
        labels = f'job="shop",service="auth",le="{bound}"'
        lines += [f"size_bytes_bucket{{{labels}}} {rate * at} {seconds + at}" for at in every]
    labels = 'job="shop",service="auth"'
    lines += [f"size_bytes_count{{{labels}}} {10 * at} {seconds + at}" for at in every]
    lines += [f"size_bytes_sum{{{labels}}} {100 * at} {seconds + at}" for at in every]
    lines.append("# TYPE fired gauge")
    lines.append("# TYPE ALERTS gauge")
    labels = 'alertname="Slow",alertstate="firing",service="auth",severity="page"'
    lines += [f"ALERTS{{{labels}}} 1 {seconds + at}" for at in range(600, 1200, 5)]
    return "\n".join([*lines, "# EOF", ""])


@dataclass(frozen=True)
class Server:
    """A running Prometheus."""

    address: str

    @property
    def url(self) -> str:
        return f"prometheus+{self.address}"


CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["127.0.0.1:PORT"]}]
"""
RULES = """
groups:
  - name: always
    rules:
      - alert: Practice
        expr: up{job="prometheus"} == 1
        labels: {severity: info}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, *options: str, is_up: Callable[[str], bool], tls: bool = False):
    """Run Prometheus on a folder until the block ends."""
    port = free_port()
    (folder / "prometheus.yml").write_text(CONFIG.replace("PORT", str(port)))
    (folder / "rules.yml").write_text(RULES)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                need("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
                *options,
            ],
            stdout=log,
            stderr=log,
        )
        try:
            address = f"http{'s' if tls else ''}://127.0.0.1:{port}"
            deadline = time.monotonic() + 30
            while not is_up(address):
                assert process.poll() is None, (folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "Prometheus did not start"
                time.sleep(0.05)
            yield Server(address)
        finally:
            process.terminate()
            process.wait(10)


def is_practising(address: str) -> bool:
    """Tell whether it had scraped itself, and its rule had fired, two seconds ago.

    Since then a whole second has passed, and it is at whole seconds that a window has its points.
    """
    asked = {"query": "ALERTS", "time": f"{time.time() - 2:.3f}"}
    try:
        answer = httpx.get(f"{address}/api/v1/query", params=asked)
    except httpx.TransportError:
        return False
    return answer.is_success and bool(answer.json()["data"]["result"])


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """A Prometheus that holds the recording, and scrapes itself every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    promtool = need("promtool")
    text = folder / "recording.txt"
    text.write_text(open_metrics())
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", text, folder / "data"],
        check=True,
        capture_output=True,
    )
    with running(folder, is_up=is_practising) as server:
        yield server
