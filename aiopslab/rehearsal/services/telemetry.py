"""What every service tells about itself: metrics, spans and JSON-line logs."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

BUCKETS = tuple(round(0.001 * 1.6**step, 6) for step in range(23))  # 1 ms to 31 s


class Metrics:
    """The metrics of one service, in a registry of its own.

    Parameters
    ----------
    registry
        Where they are collected from; a fresh one unless given.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.counter("cache_hits", "Entries found.").inc()
    >>> metrics.registry.get_sample_value("cache_hits_total")
    1.0
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_server_requests", "Requests answered.", ["status"], registry=self.registry
        )
        self.duration = self.histogram("http_server_request_duration_seconds", "Time to answer.")
        self.active = self.gauge("http_server_active_requests", "Requests being answered.")

    def counter(self, name: str, description: str) -> Counter:
        """Return a new counter; its exposed name ends in ``_total``."""
        return Counter(name, description, registry=self.registry)

    def gauge(self, name: str, description: str, read: Callable[[], float] | None = None) -> Gauge:
        """Return a new gauge; with `read`, its value is asked for at each scrape."""
        gauge = Gauge(name, description, registry=self.registry)
        if read is not None:
            gauge.set_function(read)
        return gauge

    def histogram(self, name: str, description: str) -> Histogram:
        """Return a new histogram of seconds, with buckets from 1 ms to 31 s."""
        return Histogram(name, description, buckets=BUCKETS, registry=self.registry)


class SpanFile(SpanExporter):
    """Writes each finished span as a JSON line, so that a killed process loses none before it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a", buffering=1, encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans."""
        for span in spans:
            self._file.write(json.dumps(_line(span)) + "\n")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


def _line(span: ReadableSpan) -> dict[str, object]:
    context, start, end = span.get_span_context(), span.start_time or 0, span.end_time or 0
    return {
        "trace_id": trace.format_trace_id(context.trace_id if context else 0),
        "span_id": trace.format_span_id(context.span_id if context else 0),
        "parent_span_id": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "service": span.resource.attributes["service.name"],
        "operation": span.name,
        "start": start // 1000,
        "duration_ms": (end - start) / 1e6,
        "status": span.status.status_code.name,
    }


def tracer(service: str, path: Path) -> trace.Tracer:
    """Return a tracer whose spans end up in the file at `path`."""
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(SpanFile(path)))
    return provider.get_tracer("aiopslab.rehearsal")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON that carries the id of the current trace."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback becomes the attribute ``exception.stacktrace``."""
        context = trace.get_current_span().get_span_context()
        attributes = dict(getattr(record, "attributes", {}))
        if record.exc_info:
            attributes["exception.stacktrace"] = self.formatException(record.exc_info)
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "service": self.service,
            "severity": {"WARNING": "WARN", "CRITICAL": "FATAL"}.get(
                record.levelname, record.levelname
            ),
            "body": record.getMessage(),
            "trace_id": trace.format_trace_id(context.trace_id) if context.is_valid else None,
            "attributes": attributes,
        }
        return json.dumps(line, default=str)


def logger(service: str) -> logging.Logger:
    """Return a logger that writes JSON lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(service))
    log = logging.getLogger(service)
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    return log
