"""Spans: calls of models among the spans of traces, by OpenTelemetry's conventions."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

UNKNOWN = "unknown"
_LINKED = "mlflow.linkedPrompts"
_ASKED = {"chat", "text_completion", "generate_content"}
_ALIASES = {
    "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
    "gen_ai.input.messages": "gen_ai.prompt",
    "gen_ai.output.messages": "gen_ai.completion",
    "gen_ai.request.model": "gen_ai.response.model",
    "gen_ai.prompt.name": "prompt.name",
    "gen_ai.prompt.version": "prompt.version",
}  # by what older versions of the conventions and other instrumentations call them


@dataclass(frozen=True)
class Span:
    """A span of any system, with the attributes of OpenTelemetry's conventions."""

    key: tuple[str, str]
    parent: tuple[str, str] | None
    start: int | None
    end: int | None
    attributes: Mapping[str, Any]
    around: Mapping[str, Any] = field(default_factory=dict)  # of its resource or its trace
    feedback: float = math.nan

    def get(self, name: str) -> Any:
        """Return an attribute under the name of the conventions, or its older one."""
        return self.attributes.get(name, self.attributes.get(_ALIASES.get(name, name)))

    @property
    def took_ms(self) -> float:
        """How long it took; NaN where it has no end after its start."""
        if self.start is None or self.end is None or self.end < self.start:
            return math.nan
        return (self.end - self.start) / 1e6

    @property
    def is_call(self) -> bool:
        """Whether a model was asked to answer, and not an agent, a tool or an embedding."""
        operation = self.get("gen_ai.operation.name")
        if operation is not None:
            return operation in _ASKED
        return self.get("gen_ai.request.model") is not None or any(
            each.startswith("gen_ai.usage.") for each in self.attributes
        )


def calls_among(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Return the calls among spans: of calls that hold calls the innermost, which were answered."""
    known = {each.key: each for each in spans}  # exporters send again after a failure
    holds_calls = set()
    for span in known.values():
        if span.is_call:
            holds_calls |= {each.key for each in _around(span, known)}
    return [
        _row(span, span.start, known)
        for span in known.values()
        if span.is_call and span.key not in holds_calls and span.start is not None
    ]


def _around(span: Span, known: Mapping[tuple[str, str], Span]) -> Iterator[Span]:
    """Yield the spans that a span lies in, the nearest first."""
    seen = {span.key}
    while span.parent is not None and span.parent in known and span.parent not in seen:
        span = known[span.parent]
        seen.add(span.key)
        yield span


def _row(span: Span, start: int, known: Mapping[tuple[str, str], Span]) -> dict[str, Any]:
    told = [each.attributes for each in (span, *_around(span, known))] + [span.around]
    named = (each for each in map(_prompt_of, told) if each)
    return {
        "timestamp": pd.Timestamp(start, unit="ns", tz="UTC"),
        "prompt_version": next(named, UNKNOWN),
        "model": str(span.get("gen_ai.request.model") or UNKNOWN),
        "input": _last_of(span.get("gen_ai.input.messages")),
        "output": _text(span.get("gen_ai.output.messages")),
        "input_tokens": _number(span.get("gen_ai.usage.input_tokens")),
        "output_tokens": _number(span.get("gen_ai.usage.output_tokens")),
        "latency_ms": span.took_ms,
        "cost_usd": _number(span.get("gen_ai.usage.cost")),
        "feedback": span.feedback,
    }


def _prompt_of(attributes: Mapping[str, Any]) -> str:
    """Name the prompt that attributes tell of; empty where they do not."""
    linked = _parsed(attributes.get(_LINKED))
    if isinstance(linked, list) and linked:
        return ", ".join(sorted(f"{each['name']}/{each['version']}" for each in linked))
    names = ("gen_ai.prompt.name", "gen_ai.prompt.version")
    parts = [attributes.get(each, attributes.get(_ALIASES[each])) for each in names]
    version = parts[1] if parts[1] is not None else attributes.get("prompt_version")
    return "/".join(str(each) for each in (parts[0], version) if each not in {None, ""})


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _parsed(value: Any) -> Any:
    """Return what a text holds, where that is JSON of more than one thing."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"}:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _last_of(value: Any) -> str | None:
    """Return what the user said last, of messages; else the text as it is."""
    told = _parsed(value)
    if isinstance(told, dict) and isinstance(told.get("messages"), list):
        told = told["messages"]
    if isinstance(told, list):
        users = [each for each in told if isinstance(each, dict) and each.get("role") == "user"]
        told = users[-1] if users else told
    return _text(told)


def _text(value: Any) -> str | None:
    """Return the text of an answer, however it is wrapped."""
    told = _parsed(value)
    if told is None or isinstance(told, str):
        return told
    if isinstance(told, list):
        return "\n".join(filter(None, map(_text, told)))
    if isinstance(told, dict):
        for key in ("choices", "messages", "message", "parts", "content", "text"):
            if told.get(key) is not None:
                return _text(told[key])
    return json.dumps(told, ensure_ascii=False, default=str)
