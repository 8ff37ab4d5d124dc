"""Turns what a rehearsal left behind into the frames of a recording."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.changes import Change
from aiopslab.rehearsal.traces import edges, sampled_logs, sampled_traces, whole_traces

_ZSTD_LEVEL = 19
_DIGITS = 4  # significant ones, of a metric

_ALERTS = ["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"]
_CHANGES = ["timestamp", "kind", "service", "ref", "description"]
_LOGS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
_SPANS = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "service",
    "operation",
    "start",
    "duration_ms",
    "status",
]
_CALLS = [
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
    "trace_id",
]

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
    recorder: Recorder,
    folder: Path,
    ratings: Mapping[str, float],
    began: pd.Timestamp,
    ended: pd.Timestamp,
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
    began, ended
        What is older belongs to the warm-up, what is newer to the stopping of the services; both
        are left out.

    Returns
    -------
    dict
        A table by the name of its frame.
    """

    def within(table: pd.DataFrame) -> pd.DataFrame:
        times = table["timestamp"]
        return table[(times >= began) & (times <= ended)].reset_index(drop=True)

    spans = whole_traces(_spans(folder), began, ended)
    kept = sampled_traces(spans)
    return {
        "metrics": _metrics(recorder.scrapes),
        "logs": sampled_logs(within(_logs(folder)), kept),
        "spans": spans[spans["trace_id"].isin(kept)].reset_index(drop=True),
        "alerts": _table(recorder.alerts, _ALERTS),
        "changes": _table(recorder.changes, _CHANGES),
        "topology": edges(spans),
        "observations": within(_observations(folder)),
        "calls": within(_calls(folder, ratings)),
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
    wide.columns = pd.MultiIndex.from_tuples(list(scrapes[0][1]), names=["service", "metric"])
    wide = wide.sort_index(axis="columns").map(rounded)
    # One series after the other compresses to a third of one scrape after the other.
    long = wide.melt(ignore_index=False).reset_index()
    return long.astype({"service": "category", "metric": "category"})


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


def _table(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).astype({"timestamp": "datetime64[us, UTC]"})


def _spans(folder: Path) -> pd.DataFrame:
    spans = pd.DataFrame(_all_lines((folder / "spans").glob("*.jsonl")), columns=_SPANS)
    spans["start"] = pd.to_datetime(spans["start"], unit="us", utc=True)
    spans["duration_ms"] = spans["duration_ms"].astype(float).round(2)
    return spans.sort_values("start", ignore_index=True)


def _logs(folder: Path) -> pd.DataFrame:
    logs = pd.DataFrame(_all_lines((folder / "logs").glob("*.jsonl")), columns=_LOGS)
    logs["timestamp"] = pd.to_datetime(logs["timestamp"], utc=True, format="ISO8601")
    logs["attributes"] = logs["attributes"].map(json.dumps).astype("str")
    return logs.sort_values("timestamp", ignore_index=True)


def _observations(folder: Path) -> pd.DataFrame:
    frame = pd.DataFrame(_all_lines([folder / "observations.jsonl"]))
    if frame.empty:
        return _table([], ["timestamp", "prediction", "score", "target"])
    frame["timestamp"] = _times(frame["timestamp"])
    # The topic that a question is about is known from the bank that it was drawn from.
    bank = [*corpus.questions(), *corpus.hard_questions()]
    frame["target"] = frame.pop("text").map({each.text: each.topic for each in bank})
    components = [name for name in frame if str(name).startswith("component_")]
    return frame.round(dict.fromkeys([*components, "score"], 4))


def _calls(folder: Path, ratings: Mapping[str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(_all_lines([folder / "calls.jsonl"]))
    if frame.empty:
        return _table([], _CALLS)
    frame["timestamp"] = _times(frame["timestamp"])
    frame["feedback"] = frame["id"].map(ratings).astype(float)
    frame["trace_id"] = frame["id"]  # an answer is known by the trace that it was made in
    return frame[_CALLS].round({"latency_ms": 1, "cost_usd": 8})


def _times(seconds: pd.Series) -> pd.Series:
    return pd.to_datetime(seconds, unit="s", utc=True).dt.round("ms")
