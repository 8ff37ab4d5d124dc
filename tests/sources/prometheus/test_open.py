import ssl
import subprocess
import time

import bcrypt
import httpx
import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from tests.sources.prometheus.conftest import POINTS, START, gauge, running
from tests.sources.servers import problem
from tests.system import need

pytestmark = pytest.mark.server
END = START + pd.Timedelta(POINTS - 1, unit="s")
SHOP = '{job="shop"}'


def test_no_point_is_lost_or_doubled_where_requests_meet(server):
    evidence = sources.open(server.url, START, END, match="latency_ms", step="1s")
    metrics = evidence.metrics
    assert len(metrics) == POINTS > 11_000
    assert metrics.index.equals(pd.date_range(START, END, freq="s", name="timestamp"))
    for service in ("gateway", "auth"):
        np.testing.assert_array_equal(metrics[service, "latency_ms"], gauge(service))
    assert (evidence.start, evidence.end) == (START, END)
    assert evidence.notes == ()


def test_the_url_alone_says_it_all(server):
    url = f'{server.url}/?match={{job=~"sho.+"}}&step=30s&service_label=instance&timeout=20s'
    evidence = sources.open(url, START, END)
    assert ("auth:80", "latency_ms") in evidence.metrics.columns
    assert len(evidence.metrics) == 481
    assert evidence.source == url


def test_counters_are_rates_and_histograms_quantiles(server):
    metrics = sources.open(server.url, START, END, match=SHOP, step="60s").metrics
    assert sorted(metrics.columns) == [
        ("auth", "latency_ms"),
        ("auth", "p50(size_bytes)"),
        ("auth", "p95(size_bytes)"),
        ("auth", "rate(size_bytes_count)"),
        ("gateway", "latency_ms"),
        ("gateway", 'rate(requests_total){code="200"}'),
        ("gateway", 'rate(requests_total){code="500"}'),
    ]
    later = metrics.iloc[5:].mean()
    assert later["gateway", 'rate(requests_total){code="200"}'] == pytest.approx(8)
    assert later["gateway", 'rate(requests_total){code="500"}'] == pytest.approx(2)
    assert later["auth", "rate(size_bytes_count)"] == pytest.approx(10)
    assert later["auth", "p50(size_bytes)"] == pytest.approx(10)
    assert later["auth", "p95(size_bytes)"] == pytest.approx(19)


def test_alerts_begin_and_end(server):
    alerts = sources.open(server.url, START, END, match=SHOP, step="5s").alerts
    slow = alerts[alerts["name"] == "Slow"]
    assert slow["state"].tolist() == ["firing", "resolved"]
    assert slow["timestamp"].iloc[0] == START + pd.Timedelta("600s")
    assert slow["service"].unique().tolist() == ["auth"]
    assert slow["severity"].unique().tolist() == ["page"]
    assert slow["fingerprint"].nunique() == 1


def test_queries_of_ones_own_replace_the_default_ones(server):
    queries = {"error share": 'sum(rate(requests_total{code="500"}[1m])) / 10', "nothing": "none"}
    metrics = sources.open(server.url, START, END, queries=queries, step="1m").metrics
    assert metrics.columns.tolist() == [("all", "error share")]
    assert metrics["all", "error share"].iloc[5:].mean() == pytest.approx(0.2)


def test_the_same_window_has_the_same_digest(server):
    first, second = (
        sources.open(server.url, START, END, match=SHOP, step="1m").digest for _ in range(2)
    )
    assert first == second


def test_by_default_it_is_the_last_hour_of_everything(server):
    deadline = time.monotonic() + 30
    while True:  # it scrapes itself, and has only just begun to
        evidence = sources.open(server.url, step="1s")
        columns = {metric for _, metric in evidence.metrics.columns}
        fired = evidence.alerts["name"].tolist()
        latency = 'p95(prometheus_http_request_duration_seconds){handler="/api/v1/query"}'
        if latency in columns and "Practice" in fired:
            break
        assert time.monotonic() < deadline, sorted(columns)
        time.sleep(0.5)
    assert {"up", "process_open_fds", "rate(process_cpu_seconds_total)"} <= columns
    assert "rate(prometheus_tsdb_head_chunks_created_total)" in columns
    assert "process_cpu_seconds_total" not in columns
    assert not {each for each in columns if each.startswith(("ALERTS", "scrape_"))}
    assert pd.Timestamp.now("UTC") - evidence.end < pd.Timedelta("1min")
    assert evidence.start >= evidence.end - pd.Timedelta("1h")


def test_the_step_is_that_of_the_scrapes_unless_the_window_is_long(server):
    short = sources.open(server.url, END - pd.Timedelta("5min"), END, match="latency_ms")
    assert len(short.metrics) == 301
    assert short.notes == ("one point every 1 s",)
    long = sources.open(server.url, START, END, match="latency_ms")
    assert long.notes == ("one point every 10 s",)


def test_what_matches_nothing_names_what_there_is(server):
    message = problem(lambda: sources.open(server.url, START, END, match='{job="shpo"}'))
    assert 'no series that match {job="shpo"}' in message
    assert "It has the jobs shop" in message
    message = problem(lambda: sources.open(server.url, "2020-01-01T00Z", "2020-01-02T00Z"))
    assert "no series at all in that window" in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"match": "{job=shop}"}, "parse error"),
        ({"match": "rate(up[5m])"}, "expected a PromQL selector"),
        ({"queries": {"x": "sum("}, "step": "1m"}, "sum( cannot be evaluated: "),
        ({"step": "soon"}, "step is 'soon'"),
        ({"step": 0}, "step is 0"),
        ({"step": "9h"}, "shorter than one step"),
        ({"timeout": "-1s"}, "timeout is '-1s'"),
    ],
)
def test_mistakes_are_told_in_the_words_of_prometheus_or_better(server, options, expected):
    start = START + pd.Timedelta("1s")
    assert expected in problem(lambda: sources.open(server.url, start, END, **options))


def test_unknown_options_in_the_url(server):
    message = problem(lambda: sources.open(f"{server.url}/?stpe=5s", START, END))
    assert "Did you mean 'step'?" in message
    assert "names no host" in problem(lambda: sources.open("prometheus+http:///?step=5s"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A Prometheus behind TLS and a password, with a certificate of its own."""
    folder = tmp_path_factory.mktemp("guarded")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        f"{need('openssl')} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN=loopback -addext subjectAltName=IP:127.0.0.1 "
        f"-keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    hashed = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    web = folder / "web.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
        f"basic_auth_users: {{ann: {hashed}}}\n"
    )

    trusted = ssl.create_default_context(cafile=certificate)

    def is_up(address: str) -> bool:
        try:
            return httpx.get(f"{address}/-/ready", verify=trusted).status_code == 401
        except httpx.TransportError:
            return False

    with running(folder, f"--web.config.file={web}", is_up=is_up, tls=True) as server:
        yield server.url, certificate


def test_credentials_and_authority_come_from_the_environment(guarded, monkeypatch):
    url, certificate = guarded
    assert "AIOPSLAB_PROMETHEUS_CA" in problem(lambda: sources.open(url))
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_CA", str(certificate))
    message = problem(lambda: sources.open(url))
    assert "401 Unauthorized" in message
    assert "AIOPSLAB_PROMETHEUS_TOKEN" in message
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_USER", "ann")
    assert "only one of" in problem(lambda: sources.open(url))
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_PASSWORD", "hunter3")
    message = problem(lambda: sources.open(url))
    assert "401 Unauthorized" in message
    assert "hunter3" not in message
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_PASSWORD", "hunter2")
    queries = {"answer": "vector(42)"}
    evidence = sources.open(url, queries=queries)
    assert (evidence.metrics["all", "answer"] == 42).all()
    shown = f"{evidence!r}{evidence._repr_mimebundle_()}{evidence.notes}{evidence.source}"
    assert "hunter2" not in shown
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_CA", f"{certificate}.gone")
    assert "is no certificate file" in problem(lambda: sources.open(url))
