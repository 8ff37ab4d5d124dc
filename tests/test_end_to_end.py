"""The main job, whole: a real fault in a real Prometheus becomes a report that names its cause."""

import subprocess
from pathlib import Path

import httpx
import pytest

from aiopslab import sources
from aiopslab.reports import catalogue
from aiopslab.reports.run import run
from tests.sources.prometheus.conftest import running
from tests.system import need

pytestmark = [pytest.mark.server, pytest.mark.slow]


def open_metrics(metrics) -> str:
    """Write metrics as OpenMetrics text; Prometheus takes no dots in names."""
    lines = []
    for name, columns in metrics.T.groupby(level="metric", sort=True):
        plain = name.replace(".", "_")
        lines.append(f"# TYPE {plain} gauge")
        for (service, _), values in columns.iterrows():
            labels = f'{{service="{service}"}}'
            lines += [
                f"{plain}{labels} {value!r} {time.timestamp()!r}"
                for time, value in values.dropna().items()
            ]
    return "\n".join([*lines, "# EOF", ""])


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def test_a_fault_recorded_in_prometheus_is_found_by_a_report(tmp_path, monkeypatch):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
    recording = sources.open("sample://database-pool")
    text = tmp_path / "recording.txt"
    text.write_text(open_metrics(recording.metrics))
    backfill = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q", text]
    subprocess.run([*backfill, tmp_path / "data"], check=True, capture_output=True)
    with running(tmp_path, is_up=is_ready) as server:
        asked = {
            "evidence": f'{server.url}?match={{service=~".%2B"}}&step=1s',
            "start": recording.metrics.index[0].isoformat(),
            "end": recording.metrics.index[-1].isoformat(),
        }
        record = run(catalogue.find("incident"), asked, tmp_path / "reports")
    assert record.failure is None, record.failure
    assert record.verdict.level == "act"
    assert record.verdict.findings[0].subject == recording.truth["root_cause_service"]
    page = Path(tmp_path / "reports" / record.id / "report.html").read_text()
    assert server.address.removeprefix("http://") in page
