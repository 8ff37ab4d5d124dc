"""Turns what a rehearsal left behind into the frames of a recording."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.changes import Change

_SPANS_KEPT, _ERROR_TRACES_KEPT, _NOTABLE_LOGS_KEPT = 4500, 50, 1200
_ZSTD_LEVEL = 19
_DIGITS = 4  # significant ones, of a metric

Key = tuple[str, str]


@dataclass
class Recorder:
    """What is gathered while the rehearsal runs.

    Parameters
    ----------
    scrapes
        A time and a value for each (service, metric).
    alerts
        Alerts as they fired and were resolved.
    changes
        Changes as they were made.
    """

    scrapes: list[tuple[pd.Timestamp, dict[Key, float]]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def change(self, time: pd.Timestamp, change: Change) -> None:
        """Note a change."""
        self.changes.append(
            {
                "timestamp": time,
                "kind": change.kind,
                "service": change.service,
                "ref": change.ref,
                "description": change.description,
            }
        )


def tables(
    recorder: Recorder, folder: Path, ratings: Mapping[str, float], began: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """Build every frame of a recording.

    Parameters
    ----------
    recorder
        What was gathered in this process.
    folder
        Where the services left their spans, logs, calls and observations.
    ratings
        What readers thought of an answer, 0 or 1, by the id of the call.
    began
        When the recording began; what is older belongs to the warm-up and is left out.

    Returns
    -------
    dict
        A table by the name of its frame.
    """
    spans = _spans(folder, began)
    kept = sampled_traces(spans)
    return {
        "metrics": _metrics(recorder.scrapes),
        "logs": _logs(folder, began, kept),
        "spans": spans[spans["trace_id"].isin(kept)].reset_index(drop=True),
        "alerts": pd.DataFrame(
            recorder.alerts,
            columns=["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"],
        ).astype({"timestamp": "datetime64[us, UTC]"}),
        "changes": pd.DataFrame(
            recorder.changes, columns=["timestamp", "kind", "service", "ref", "description"]
        ).astype({"timestamp": "datetime64[us, UTC]"}),
        "topology": edges(spans),
        "observations": _observations(folder, began),
        "calls": _calls(folder, began, ratings),
    }


def write(tables: Mapping[str, pd.DataFrame], truth: Mapping[str, Any], folder: Path) -> None:
    """Write a recording into a folder that exists."""
    for name, table in tables.items():
        table.to_parquet(
            folder / f"{name}.parquet",
            index=False,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
        )
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")


def edges(spans: pd.DataFrame) -> pd.DataFrame:
    """Tell who calls whom from spans whose parent is of another service.

    Examples
    --------
    >>> edges(pd.DataFrame({"trace_id": ["t", "t"], "span_id": ["a", "b"],
    ...                     "parent_span_id": [None, "a"], "service": ["gateway", "auth"]}))
        caller callee
    0  gateway   auth
    """
    parents = spans[["trace_id", "span_id", "service"]].rename(
        columns={"span_id": "parent_span_id", "service": "caller"}
    )
    joined = spans.merge(parents, on=["trace_id", "parent_span_id"])
    calls = joined[joined["caller"] != joined["service"]]
    return (
        calls[["caller", "service"]]
        .rename(columns={"service": "callee"})
        .drop_duplicates()
        .sort_values(["caller", "callee"], ignore_index=True)
    )


def sampled_traces(spans: pd.DataFrame) -> set[str]:
    """Choose the traces that are kept: whole ones, and those with an error before others.

    Parameters
    ----------
    spans
        All spans.

    Returns
    -------
    set of str
        Ids of traces: an even share of all, so many that about 4,500 spans remain, and up to 50
        more that hold an error.
    """
    ids = pd.Series(spans["trace_id"].unique(), dtype="str")
    share = min(1.0, _SPANS_KEPT / max(len(spans), 1))
    # Trace ids are random, so their leading digits draw the lot, the same on every reading.
    drawn = ids[ids.str[:8].map(lambda digits: int(digits, 16) / 16**8) < share]
    failed = spans.loc[spans["status"] == "ERROR", "trace_id"].drop_duplicates()
    spread = failed.iloc[:: max(1, math.ceil(len(failed) / _ERROR_TRACES_KEPT))]
    return {*drawn, *spread}


def rounded(value: float) -> float:
    """Round to four significant digits.

    Examples
    --------
    >>> rounded(1234.56), rounded(0.00123456)
    (1235.0, 0.001235)
    """
    return float(f"{value:.{_DIGITS}g}")


def _metrics(scrapes: Sequence[tuple[pd.Timestamp, Mapping[Key, float]]]) -> pd.DataFrame:
    if not scrapes:
        columns = ["timestamp", "service", "metric", "value"]
        return pd.DataFrame(columns=columns).astype({"timestamp": "datetime64[us, UTC]"})
    wide = pd.DataFrame(
        [row for _, row in scrapes],
        index=pd.DatetimeIndex([time for time, _ in scrapes], name="timestamp"),
    )
    wide.columns = pd.MultiIndex.from_tuples(wide.columns, names=["service", "metric"])
    wide = wide.sort_index(axis="columns").map(rounded)
    # One series after the other compresses to a third of one scrape after the other.
    long = wide.T.stack(future_stack=True).rename("value").reset_index()
    categories = {"service": "category", "metric": "category"}
    return long[["timestamp", "service", "metric", "value"]].astype(categories)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines; a line that is none (a traceback, a write cut short) is passed over."""
    if not path.exists():
        return
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            plain = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(plain, dict):
            yield plain


def _all_lines(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [line for path in sorted(paths) for line in _lines(path)]


def _spans(folder: Path, began: pd.Timestamp) -> pd.DataFrame:
    columns = [
        "trace_id",
        "span_id",
        "parent_span_id",
        "service",
        "operation",
        "start_us",
        "duration_ms",
        "status",
    ]
    spans = pd.DataFrame(_all_lines((folder / "spans").glob("*.jsonl")), columns=columns)
    spans["start_us"] = pd.to_datetime(spans["start_us"], unit="us", utc=True)
    spans = spans.rename(columns={"start_us": "start"})
    spans["duration_ms"] = spans["duration_ms"].astype(float).round(2)
    # A trace that began in the warm-up would be cut in two.
    early = spans.loc[spans["start"] < began, "trace_id"]
    return spans[~spans["trace_id"].isin(early)].sort_values("start", ignore_index=True)


def _logs(folder: Path, began: pd.Timestamp, traces: set[str]) -> pd.DataFrame:
    columns = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
    logs = pd.DataFrame(_all_lines((folder / "logs").glob("*.jsonl")), columns=columns)
    logs["timestamp"] = pd.to_datetime(logs["timestamp"], utc=True, format="ISO8601")
    logs["attributes"] = logs["attributes"].map(json.dumps).astype("str")
    logs = logs[logs["timestamp"] >= began].sort_values("timestamp", ignore_index=True)
    notable = logs.index[logs["severity"] != "INFO"]
    every = max(1, math.ceil(len(notable) / _NOTABLE_LOGS_KEPT))
    kept = logs["trace_id"].isin(traces) | logs["trace_id"].isna()
    kept.loc[notable[::every]] = True
    return logs[kept].reset_index(drop=True)


def _observations(folder: Path, began: pd.Timestamp) -> pd.DataFrame:
    lines = _all_lines([folder / "observations.jsonl"])
    if not lines:
        return pd.DataFrame(columns=["timestamp", "prediction", "score", "target"])
    frame = _since(pd.DataFrame(lines), began)
    # The topic that a question is about is known from the bank that it was drawn from.
    frame["target"] = frame.pop("text").map({each.text: each.topic for each in corpus.questions()})
    numbers = [name for name in frame if name.startswith("component_")]
    return frame.round(dict.fromkeys([*numbers, "score"], 4))


def _calls(folder: Path, began: pd.Timestamp, ratings: Mapping[str, float]) -> pd.DataFrame:
    columns = [
        "timestamp",
        "prompt_version",
        "model",
        "input",
        "output",
        "input_tokens",
        "output_tokens",
        "latency_ms",
        "cost_usd",
        "retrieved_ids",
        "feedback",
    ]
    lines = _all_lines([folder / "calls.jsonl"])
    if not lines:
        return pd.DataFrame(columns=columns)
    frame = _since(pd.DataFrame(lines), began)
    frame["feedback"] = frame["id"].map(ratings).astype(float)
    return frame[columns].round({"latency_ms": 1, "cost_usd": 8})


def _since(frame: pd.DataFrame, began: pd.Timestamp) -> pd.DataFrame:
    times = pd.to_datetime(frame["timestamp"], unit="s", utc=True).dt.round("ms")
    return frame.assign(timestamp=times)[times >= began].reset_index(drop=True)
