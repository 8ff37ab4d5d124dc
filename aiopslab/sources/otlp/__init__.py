"""Files in OpenTelemetry's own JSON, as the collector's file exporter writes them.

``otlp+file:///path/telemetry.json`` holds export requests for traces, logs and metrics, mixed as
they came: one object, an array of them or one a line, gzipped or not. The path may be relative.
"""

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.sources import exports
from aiopslab.sources.backends import Recording
from aiopslab.sources.otlp.metrics import metrics_table
from aiopslab.sources.otlp.translate import logs_table, spans_table

_TABLES = {
    "resourceSpans": ("spans", spans_table),
    "resourceLogs": ("logs", logs_table),
    "resourceMetrics": ("metrics", metrics_table),
}


def open_otlp(url: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> Recording:
    """Read a file of export requests: the back end of ``otlp+file``.

    Parameters
    ----------
    url
        The file.
    start, end
        Not used: files are read whole.

    Returns
    -------
    Recording
        ``spans``, ``logs`` and ``metrics``, as far as there are any.

    Raises
    ------
    SourceError
        If there is no such file, or it holds something else.
    """
    requests = exports.records(url)
    tables = {}
    with exports.reading(url, "OpenTelemetry's file exporter in JSON"):
        for key, (name, table) in _TABLES.items():
            resources = [each for request in requests for each in request.get(key) or ()]
            if resources:
                tables[name] = table(resources)
    filled = {name: table for name, table in tables.items() if len(table)}
    if not filled:
        raise SourceError(
            f"{url} has no spans, logs or metrics",
            f"It needs objects with {', '.join(_TABLES)}, as the collector's file exporter writes.",
        )
    return Recording(filled)


__all__ = ["open_otlp"]
