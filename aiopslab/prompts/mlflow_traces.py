"""Traces of MLflow: an experiment read page by page, as spans."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.mlflow_server import connect, first_line
from aiopslab.prompts.spans import Span

if TYPE_CHECKING:
    from mlflow.entities import Trace

PAGE = 100  # traces that are asked for at once
LONGEST = pd.Timedelta("1h")  # a trace begins so long before its last call, at most


def spans_of_experiment(
    name: str, tracking_uri: str | None, since: pd.Timestamp | None, until: pd.Timestamp | None
) -> list[Span]:
    """Return the spans of the traces that began in a window, or shortly before it."""
    bounds = [
        f"attributes.timestamp_ms {sign} {int(time.timestamp() * 1000)}"
        for sign, time in ((">=", since - LONGEST if since is not None else None), ("<=", until))
        if time is not None
    ]
    spans: list[Span] = []
    with _refusing(name):
        client = connect(tracking_uri)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            known = [each.name for each in client.search_experiments()]
            raise SourceError(
                f"the server has no experiment {name!r}", did_you_mean(name, list(known))
            )
        token = None
        while True:
            page = client.search_traces(
                locations=[experiment.experiment_id],
                filter_string=" AND ".join(bounds) or None,
                max_results=PAGE,
                page_token=token,
            )
            spans += [each for trace in page for each in _of_trace(trace)]
            token = page.token
            if not token:
                return spans


def _of_trace(trace: "Trace") -> Iterator[Span]:
    feedback = _feedback(trace)
    for span in trace.data.spans:
        told = dict(span.attributes)
        usage, cost = (told.get(f"mlflow.{each}") for each in ("chat.tokenUsage", "llm.cost"))
        asked = span.inputs if isinstance(span.inputs, dict) else {}
        model = told.get("mlflow.llm.model") or asked.get("model")
        if span.span_type in {"LLM", "CHAT_MODEL"} or usage:
            told.setdefault("gen_ai.operation.name", "chat")
            told.setdefault("gen_ai.input.messages", span.inputs)
            told.setdefault("gen_ai.output.messages", span.outputs)
            if model:
                told.setdefault("gen_ai.request.model", model)
        for kind in ("input", "output"):
            if isinstance(usage, dict) and f"{kind}_tokens" in usage:
                told.setdefault(f"gen_ai.usage.{kind}_tokens", usage[f"{kind}_tokens"])
        if isinstance(cost, dict):
            told.setdefault("gen_ai.usage.cost", cost.get("total_cost"))
        identity = trace.info.trace_id
        yield Span(
            (identity, span.span_id),
            (identity, span.parent_id) if span.parent_id else None,
            span.start_time_ns,
            span.end_time_ns,
            told,
            {**trace.info.trace_metadata, **trace.info.tags},
            feedback,
        )


def _feedback(trace: "Trace") -> float:
    """Return the mean of what people gave a trace, where that is a number or yes or no."""
    values = [
        float(each.value)
        for each in trace.info.assessments or ()
        if each.source.source_type == "HUMAN"
        and isinstance(getattr(each, "value", None), bool | int | float)
    ]
    return float(np.mean(values)) if values else math.nan


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:  # of the server, the store and the way there
        raise SourceError(
            f"the traces of {name!r} cannot be read: {first_line(error)}",
            "Check MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
