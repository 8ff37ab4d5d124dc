"""Public labelled incidents, read from where they lie; nothing of them is kept here.

The folder is ``AIOPSLAB_EVALUATION_DATA``, else ``../shared/data`` beside this project. Where it
is absent the figures that need it are left out, and the table says so.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from aiopslab.frames import conform

ROOT = Path(
    os.environ.get("AIOPSLAB_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data")
)
INCIDENTS = ROOT / "incident"
REPLICA = re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}$")
LOG_COLUMNS = ["TimeUnixNano", "PodName", "TraceID", "SpanID", "Log"]


@dataclass(frozen=True)
class Fault:
    """One labelled fault: when it was injected, the service it is in, and its kind."""

    time: pd.Timestamp
    service: str
    kind: str


@dataclass(frozen=True)
class PetshopIssue:
    """One petshop issue: five-minute metrics around it and of quiet days, its alert, its cause."""

    traffic: str
    name: str
    metrics: pd.DataFrame
    quiet: pd.DataFrame
    topology: pd.DataFrame
    symptom: str
    time: pd.Timestamp
    cause: str


def is_there() -> bool:
    return INCIDENTS.is_dir()


def nezha_days() -> dict[str, list[str]]:
    """Return the days that are there, by system."""
    days: dict[str, list[str]] = {"Online Boutique": [], "Train Ticket": []}
    for folder in sorted((INCIDENTS / "nezha" / "rca_data").iterdir()):
        is_train = any(each.name.startswith("ts-") for each in (folder / "metric").iterdir())
        days["Train Ticket" if is_train else "Online Boutique"].append(folder.name)
    return days


def service(pod: str) -> str:
    return REPLICA.sub("", pod)


def faults(day: str) -> list[Fault]:
    (listed,) = (INCIDENTS / "nezha" / "rca_data" / day).glob("*fault_list.json")
    return [
        Fault(
            pd.Timestamp(each["inject_time"], tz="UTC"),
            service(each["inject_pod"]),
            each["inject_type"],
        )
        for hour in json.loads(listed.read_text()).values()
        for each in hour
    ]


@cache
def nezha_metrics(day: str) -> pd.DataFrame:
    """Return the metrics frame of a day, one row a minute."""
    series = {}
    for file in sorted((INCIDENTS / "nezha" / "rca_data" / day / "metric").glob("*_metric.csv*")):
        table = pd.read_csv(file)
        name = service(table["PodName"].iloc[0])
        # The scrape of a minute is stamped some seconds into it, at another second every time.
        table.index = pd.to_datetime(table["Time"].str.slice(0, 19), utc=True).dt.floor("min")
        table = table[~table.index.duplicated()].select_dtypes("number")
        of_the_pod = [c for c in table if not c.startswith("Node") and c != "TimeStamp"]
        series |= {(name, column): table[column] for column in of_the_pod}
    metrics = pd.DataFrame(series).sort_index()
    metrics.index.name = "timestamp"
    return conform("metrics", metrics)


@cache
def nezha_spans(day: str, root: str = "rca_data") -> pd.DataFrame | None:
    """Return the spans frame of a day; ``construct_data`` is its fault-free part."""
    files = sorted((INCIDENTS / "nezha" / root / day / "trace").glob("*.csv*"))
    if not files:
        return None
    table = pd.concat([pd.read_csv(each, dtype=str) for each in files])
    table = table.drop_duplicates(["TraceID", "SpanID", "PodName", "StartTimeUnixNano"])
    start = table["StartTimeUnixNano"].astype("int64")
    spans = pd.DataFrame(
        {
            "trace_id": table["TraceID"],
            "span_id": table["SpanID"],
            "parent_span_id": table["ParentID"].where(table["ParentID"] != "root"),
            "service": table["PodName"].map(service),
            "operation": table["OperationName"],
            "start": pd.to_datetime(start, utc=True),
            "duration_ms": (table["EndTimeUnixNano"].astype("int64") - start) / 1e6,
            "status": "UNSET",
        }
    )
    return conform("spans", spans)


@cache
def nezha_logs(day: str, root: str = "rca_data") -> pd.DataFrame | None:
    """Return the logs frame of a day; rows whose time is broken are left out."""
    files = sorted((INCIDENTS / "nezha" / root / day / "log").glob("*.csv*"))
    if not files:
        return None
    parts = [pd.read_csv(each, dtype=str, usecols=LOG_COLUMNS) for each in files]
    table = pd.concat(parts).drop_duplicates()
    # The ids of the trace stand in a column; in the line they would be words like any other.
    body = table["Log"].map(_line).str.replace(r"TraceID: \w+ SpanID: \w+ ?", "", regex=True)
    level = body.str.extract(r'"severity": ?"(\w+)"|\b(INFO|WARN|ERROR|DEBUG|FATAL)\b')
    level = level[0].fillna(level[1]).str.upper().replace("WARNING", "WARN").fillna("INFO")
    logs = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(table["TimeUnixNano"].astype("int64"), utc=True),
            "service": table["PodName"].map(service),
            "severity": level,
            "body": body,
            "trace_id": table["TraceID"],
        }
    )
    logs = logs[logs["timestamp"].dt.strftime("%Y-%m-%d") == day]
    return conform("logs", logs)


def _line(stored: str) -> str:
    """Return the line that the container runtime wrapped."""
    try:
        return str(json.loads(stored)["log"]).rstrip()
    except (ValueError, KeyError, TypeError):
        return stored  # some were cut off


def petshop() -> Iterator[PetshopIssue]:
    """Yield every issue of the sets that have quiet days."""
    for folder in sorted((INCIDENTS / "petshop" / "dataset").iterdir()):
        quiet = folder / "noissue" / "metrics.csv"
        if not quiet.exists():
            continue
        for issue in sorted(folder.glob("*/issue_*")):
            target = json.loads((issue / "target.json").read_text())
            yield PetshopIssue(
                folder.name,
                issue.name,
                _petshop_metrics(issue / "metrics.csv"),
                _petshop_metrics(quiet),
                _petshop_topology(folder / "graph.csv"),
                target["target"]["node"],
                pd.to_datetime(target["target"]["timestamp"], unit="s", utc=True),
                target["root_cause"]["node"],
            )


@cache
def _petshop_metrics(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, header=[0, 1, 2], index_col=0)
    # The rows are stamped with the beginning of their five minutes; a row of ours tells of the
    # time up to its stamp.
    begins = pd.to_datetime(table.index.astype(float), unit="s", utc=True)
    table.index = begins + pd.Timedelta("5min")
    table.index.name = "timestamp"
    pairs = [(node, f"{metric}_{statistic}") for node, metric, statistic in table.columns]
    columns = pd.MultiIndex.from_tuples(pairs, names=["service", "metric"])
    return conform("metrics", table.set_axis(columns, axis=1))


def _petshop_topology(file: Path) -> pd.DataFrame:
    matrix = pd.read_csv(file, index_col=0)
    edges = [(a, b) for a in matrix.index for b in matrix.columns if matrix.loc[a, b]]
    return pd.DataFrame(edges, columns=["caller", "callee"])
