"""Calls of a production system: opened from tables, and read out of traces."""

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.mlflow_server import without_credentials
from aiopslab.prompts.mlflow_traces import spans_of_experiment
from aiopslab.prompts.spans import Span, calls_among

MLFLOW = "mlflow://experiments/"
OTLP = "otlp+file"


def open_calls(
    url: str,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    tracking_uri: str | None = None,
) -> pd.DataFrame:
    """Read calls of models out of traces.

    Parameters
    ----------
    url
        ``mlflow://experiments/NAME``; ``otlp+file:///path`` of OpenTelemetry's JSON; a table in
        Parquet, CSV or JSON lines with one row a call; or whatever else `aiopslab.sources.open`
        opens that has ``calls``.
    start, end
        The window to keep, both ends included; ``None`` for no bound.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    pandas.DataFrame
        A ``calls`` frame: a row for each span that is a call of a model and holds no other. What a
        trace does not tell is NaN; a prompt that is not named is ``unknown``. Of MLflow it has
        `feedback`, the mean of the numbers and yes or no that people gave to the trace.

    Raises
    ------
    SourceError
        If it cannot be opened, has no call, or none in the window.
    FrameError
        If a table does not have the columns of ``calls``.

    Notes
    -----
    Attributes are those of OpenTelemetry's conventions for generative AI: ``gen_ai.request.model``,
    ``gen_ai.usage.input_tokens``, ``gen_ai.input.messages``, … and the prompt is
    ``gen_ai.prompt.name/gen_ai.prompt.version`` of the span, of one around it, or of the resource;
    in MLflow the prompts that a trace is linked to.

    Examples
    --------
    >>> import json, tempfile
    >>> span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
    >>> span["startTimeUnixNano"] = "1772366400000000000"
    >>> span["endTimeUnixNano"] = "1772366400250000000"
    >>> span["attributes"] = [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}}]
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     json.dump({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, file)
    ...     file.flush()
    ...     open_calls(f"otlp+file://{file.name}")[["prompt_version", "model", "latency_ms"]]
      prompt_version model  latency_ms
    0        unknown     m       250.0
    """
    from aiopslab import sources
    from aiopslab.sources import files, tables
    from aiopslab.sources.evidence import Evidence
    from aiopslab.sources.window import window

    if url.startswith(MLFLOW):
        since, until = window(start, end)
        spans = spans_of_experiment(url.removeprefix(MLFLOW), tracking_uri, since, until)
    elif url.startswith(f"{OTLP}://"):
        spans = _otlp_spans(url)
    else:
        is_table = files.is_protocol(files.scheme(url)) and tables.is_readable(url)
        is_named = tables.frame_of(url) is not None
        opened = sources.open(
            url, start, end, **({"frame": "calls"} if is_table and not is_named else {})
        )
        if "calls" not in opened.frames:
            raise SourceError(
                f"{url} has no calls; it has {', '.join(opened.frames)}",
                "Name a table with prompt_version, model, input, output and what they took.",
            )
        return opened.frames["calls"]
    rows = calls_among(spans)
    if not rows:
        raise SourceError(
            f"{without_credentials(url)} has no call of a model",
            "Spans need gen_ai.request.model, or in MLflow the type LLM or CHAT_MODEL.",
        )
    return Evidence.of({"calls": pd.DataFrame(rows)}, url, start, end).frames["calls"]


def _otlp_spans(url: str) -> list[Span]:
    from aiopslab.sources import exports
    from aiopslab.sources.otlp.translate import records
    from aiopslab.sources.otlp.values import attributes, identifier, nanoseconds

    found = []
    requests = exports.records(url)
    with exports.reading(url, "OpenTelemetry's file exporter in JSON"):
        resources = [each for request in requests for each in request.get("resourceSpans") or ()]
        for resource, span in records(resources, "Spans", "spans"):
            trace, number, parent = (
                identifier(span.get(each)) for each in ("traceId", "spanId", "parentSpanId")
            )
            if trace and number:
                found.append(
                    Span(
                        (trace, number),
                        (trace, parent) if parent else None,
                        nanoseconds(span.get("startTimeUnixNano")),
                        nanoseconds(span.get("endTimeUnixNano")),
                        attributes(span.get("attributes")),
                        resource,
                    )
                )
    return found
