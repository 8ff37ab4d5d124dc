import asyncio
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from aiopslab.rehearsal.measures import metric_names
from aiopslab.rehearsal.scraper import Scraper
from aiopslab.rehearsal.services.telemetry import Metrics
from aiopslab.rehearsal.supervisor import free_ports

pytestmark = pytest.mark.server


@pytest.fixture
def serve():
    """Serve a status and a text, both of which may be changed, and return the port."""
    servers = []

    def serve(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = answer()
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def scrape(ports, times):
    async def run():
        async with httpx.AsyncClient() as client:
            scraper = Scraper(client, ports)
            return [await scraper.scrape(time) for time in times]

    return asyncio.run(run())


def exposed():
    """Return the exposition of a service that has answered two requests more at each scrape."""
    from prometheus_client import generate_latest

    metrics = Metrics()
    hits, misses = metrics.counter("cache_hits", "x"), metrics.counter("cache_misses", "x")

    def answer():
        for seconds in (0.02, 0.03):
            metrics.requests.labels("2xx").inc()
            metrics.duration.observe(seconds)
        hits.inc(3)
        misses.inc()
        return 200, generate_latest(metrics.registry).decode()

    return answer


def test_counters_become_rates_ratios_and_quantiles(serve):
    row = scrape({"cache": serve(exposed())}, range(8))[-1]
    assert row["cache", "up"] == 1
    assert row["cache", "http.server.request.rate"] == 2
    assert row["cache", "http.server.request.error_ratio"] == 0
    assert row["cache", "cache.hit_ratio"] == 0.75
    assert 15 < row["cache", "http.server.request.duration_p50_ms"] < 35
    assert row["cache", "process.memory.usage_mb"] > 5


def test_a_service_that_does_not_answer_is_down_and_unknown_otherwise(serve):
    closed = free_ports()["auth"]
    rows = scrape({"auth": closed, "cache": serve(lambda: (503, ""))}, range(2))
    for service in ("auth", "cache"):
        assert rows[-1][service, "up"] == 0
        others = [name for name in metric_names(service) if name != "up"]
        assert all(math.isnan(rows[-1][service, name]) for name in others)


def test_a_slow_service_does_not_hold_up_the_others(serve):
    silent = threading.Event()
    port = serve(lambda: (200, str(silent.wait(5))))
    rows = scrape({"auth": port, "cache": serve(exposed())}, range(1))
    silent.set()
    assert rows[0]["auth", "up"] == 0
    assert rows[0]["cache", "up"] == 1
