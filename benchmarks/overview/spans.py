"""Traces of a generated run: the way of a share of the questions through the services."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TOPOLOGY = (
    ("gateway", "auth"),
    ("gateway", "cache"),
    ("gateway", "classifier"),
    ("gateway", "retriever"),
    ("gateway", "llm"),
    ("retriever", "index"),
    ("retriever", "database"),
    ("indexer", "index"),
    ("indexer", "database"),
)
_KEPT, _KEPT_FAILED = 900, 300  # traces


@dataclass(frozen=True)
class _Step:
    """A call on the way: who calls whom for what, and after which steps it begins."""

    caller: str
    callee: str
    operation: str
    after: tuple[str, ...]
    within: str = ""


_STEPS = (
    _Step("gateway", "auth", "POST /verify", ()),
    _Step("gateway", "cache", "GET /entries", ("auth",)),
    _Step("gateway", "classifier", "POST /classify", ("auth", "cache")),
    _Step("gateway", "retriever", "POST /search", ("auth", "cache", "classifier")),
    _Step("retriever", "index", "POST /query", (), "retriever"),
    _Step("retriever", "database", "POST /documents", ("index", "network"), "retriever"),
    _Step(
        *("gateway", "llm", "POST /v1/chat/completions"),
        ("auth", "cache", "classifier", "retriever"),
    ),
    _Step("llm", "provider", "POST /v1/chat/completions", ("guard",), "llm"),
    _Step(
        *("gateway", "again", "POST /v1/chat/completions"),
        ("auth", "cache", "classifier", "retriever", "llm"),
    ),
)
_OUTSIDE = {"provider", "again"}  # others' services, which send no spans


def spans(questions: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Return spans by seconds from the beginning; traces with an error are kept more often."""
    failed = questions["failed"] | questions["fallback"]
    kept = [
        group.sample(min(most, len(group)), random_state=draw)
        for group, most in ((questions[~failed], _KEPT), (questions[failed], _KEPT_FAILED))
    ]
    table = pd.concat(kept).sort_values("time", ignore_index=True)
    roots = _names(len(table), draw)
    parts = [_rows(table, roots, None, "gateway", "POST /ask", table["time"], table["gateway_ms"])]
    parts[0]["status"] = np.where(table["failed"], "ERROR", "UNSET")
    servers = {"gateway": roots}
    begins = {"gateway": table["time"]}
    for step in _STEPS:
        reached = _reached(table, step)
        owner = step.within or "gateway"
        before = sum((table[f"{each}_ms"] for each in step.after), pd.Series(1.0, table.index))
        start = begins[owner] + before / 1000
        took = table[f"{step.callee}_ms"]
        broken = _broken(table, step)
        client = _names(len(table), draw)
        travelled = took + 0.4
        if step.callee == "index":
            travelled = travelled + table["network_ms"]
        named = f"{'provider' if step.callee in _OUTSIDE else step.callee} {step.operation}"
        rows = _rows(table, client, servers[owner], step.caller, named, start, travelled)
        parts.append(rows.assign(status=np.where(broken, "ERROR", "UNSET"))[reached])
        if step.callee in _OUTSIDE:
            continue
        servers[step.callee], begins[step.callee] = _names(len(table), draw), start + 0.0002
        own = (servers[step.callee], client, step.callee, step.operation, start + 0.0002, took)
        arrived = reached & ~(table["unreached"] if step.callee == "index" else False)
        arrived &= ~(table["cache_down"] if step.callee == "cache" else False)
        parts.append(_rows(table, *own)[arrived])
    return pd.concat(parts).sort_values("start", ignore_index=True)


def _reached(table: pd.DataFrame, step: _Step) -> pd.Series:
    if step.callee in {"auth", "cache"}:
        return pd.Series(True, table.index)
    if step.callee == "again":
        return table["fallback"]
    return ~table["cached"]


def _broken(table: pd.DataFrame, step: _Step) -> pd.Series:
    match step.callee:
        case "cache":
            return table["cache_down"]
        case "index":
            return table["unreached"]
        case "llm":
            return table["fallback"] | table["limited"]
        case "provider":
            return table["limited"]
        case "again":
            return table["failed"]
    return pd.Series(False, table.index)


def _rows(
    table: pd.DataFrame,
    names: list[str],
    parents: list[str] | None,
    service: str,
    operation: str,
    start: pd.Series,
    took: pd.Series,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trace_id": table["trace_id"],
            "span_id": names,
            "parent_span_id": parents,
            "service": service,
            "operation": operation,
            "start": start,
            "duration_ms": took.round(2),
            "status": "UNSET",
        }
    )


def _names(count: int, draw: np.random.Generator) -> list[str]:
    return [f"{each:016x}" for each in draw.integers(1 << 62, size=count)]
