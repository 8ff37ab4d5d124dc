"""OpenTelemetry's metrics, as the numbers that are looked at: levels, rates and means."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.frames import FrameWarning
from aiopslab.sources.otlp.translate import records, service
from aiopslab.sources.otlp.values import attributes, nanoseconds

_DELTA = {1, "1", "AGGREGATION_TEMPORALITY_DELTA"}
_COUNTED = ("histogram", "exponentialHistogram", "summary")
_LONG = ["timestamp", "service", "metric", "value"]
_POINTS = ["service", "metric", "shows", "is_delta", "start", "timestamp", "value", "sum"]


def metrics_table(resources: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn data points into a table in long form.

    A gauge, and a sum that may fall, is its value; a counter is ``rate(name)`` per second; a
    histogram or summary is ``rate(name)`` of its count, and ``mean(name)``. The attributes of a
    data point are part of the name. Times are brought to a grid of the usual time between points,
    for services do not report at the same moment.

    Parameters
    ----------
    resources
        Objects of ``resourceMetrics``.

    Returns
    -------
    pandas.DataFrame
        `timestamp` (UTC), `service`, `metric`, `value`.

    Examples
    --------
    >>> point = {"timeUnixNano": "1772366400000000000", "asInt": "7"}
    >>> metric = {"name": "queue", "gauge": {"dataPoints": [point]}}
    >>> metrics_table([{"scopeMetrics": [{"metrics": [metric]}]}])[["metric", "value"]]
      metric  value
    0  queue    7.0
    """
    rows = [
        row
        for resource, metric in records(resources, "Metrics", "metrics")
        for row in _points(resource, metric)
        if row["timestamp"] is not None
    ]
    points = pd.DataFrame(rows, columns=_POINTS).sort_values("timestamp", kind="stable")
    parts = [
        _shown(group, str(metric))
        for (_, metric), group in points.groupby(["service", "metric"], sort=False)
    ]
    parts = [each for each in parts if len(each)]
    if not parts:
        return pd.DataFrame(columns=_LONG)
    return _on_grid(pd.concat(parts, ignore_index=True))


def _points(resource: Mapping[str, Any], metric: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    kind = next((each for each in ("gauge", "sum", *_COUNTED) if each in metric), None)
    if kind is None:
        return
    data = metric[kind]
    is_counter = kind in _COUNTED or (kind == "sum" and bool(data.get("isMonotonic")))
    for point in data.get("dataPoints") or ():
        labels = attributes(point.get("attributes"))
        shown = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
        number = point.get("count", 0) if kind in _COUNTED else _number(point)
        yield {
            "service": service(resource),
            "metric": f"{metric['name']}{{{shown}}}" if shown else metric["name"],
            "shows": kind if kind in _COUNTED else "counter" if is_counter else "level",
            "is_delta": data.get("aggregationTemporality") in _DELTA,
            "start": nanoseconds(point.get("startTimeUnixNano")),
            "timestamp": nanoseconds(point.get("timeUnixNano")),
            "value": float(number),
            "sum": float(point.get("sum", "nan")),
        }


def _number(point: Mapping[str, Any]) -> Any:
    return point.get("asDouble", point.get("asInt", "nan"))


def _shown(points: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return what is looked at of the points of one series, the earliest first."""
    points = points.drop_duplicates("timestamp", keep="last")
    name = points[["timestamp", "service"]]
    if points["shows"].iloc[0] == "level":
        return name.assign(metric=metric, value=points["value"])
    times = points["timestamp"].to_numpy(np.int64)
    if points["is_delta"].iloc[0]:
        starts = points["start"].fillna(0).to_numpy(np.int64)
        seconds = np.where(starts > 0, (times - starts) / 1e9, np.nan)
        counts, sums = points["value"].to_numpy(), points["sum"].to_numpy()
    else:
        seconds = np.diff(times, prepend=times[0]) / 1e9
        counts, sums = (_increases(points[each].to_numpy()) for each in ("value", "sum"))
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(seconds > 0, counts / seconds, np.nan)
        means = np.where(counts > 0, sums / counts, np.nan)
    shown = [name.assign(metric=f"rate({metric})", value=rates)]
    if points["shows"].iloc[0] != "counter":
        shown.append(name.assign(metric=f"mean({metric})", value=means))
    return pd.concat(shown).dropna(subset="value")


def _increases(totals: "np.ndarray[Any, np.dtype[np.float64]]") -> Any:
    """Return by how much a counter grew; one that falls has begun again from 0."""
    grown = np.diff(totals, prepend=np.nan)
    return np.where(grown < 0, totals, grown)


def _on_grid(long: pd.DataFrame) -> pd.DataFrame:
    gaps = long.groupby(["service", "metric"])["timestamp"].diff()
    gaps = gaps[gaps > 0]
    step = max(1, round(gaps.median() / 1e9)) if len(gaps) else 1
    times = pd.to_datetime(long["timestamp"].astype("int64"), unit="ns", utc=True)
    if len(gaps):
        warnings.warn(f"one point every {step} s", FrameWarning, stacklevel=2)
    return long.assign(timestamp=times.dt.floor(f"{step}s"))[_LONG].reset_index(drop=True)
