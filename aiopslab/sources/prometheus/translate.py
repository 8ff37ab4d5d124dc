"""Series as Prometheus answers them, as the tables that frames are made of."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.sources.prometheus.grid import Grid

SERVICE_LABELS = ("service", "service_name", "job", "instance")
NO_SERVICE = "all"

Series = Mapping[str, Any]
"""One series of an answer: labels as ``metric``, ``[seconds, text]`` pairs as ``values``."""


def metrics_table(
    answers: Mapping[str, Sequence[Series]], grid: Grid, service_labels: Sequence[str]
) -> pd.DataFrame:
    """Lay the series of several queries side by side on the grid.

    A column is ``(service, metric)``; where a service has several series of a metric, the labels
    that tell them apart are added to its name.

    Parameters
    ----------
    answers
        Series by the name of what they show.
    grid
        The points that were asked for; one without a sample is NaN, and those before the first
        and after the last sample of all are left out.
    service_labels
        Where to look for the service, the first that a series has; without any it is ``all``.

    Examples
    --------
    >>> up = [{"metric": {"job": "shop"}, "values": [[60, "1"]]}]
    >>> metrics_table({"up": up}, Grid(60_000, 1000, 1), ["job"]).columns.to_list()
    [('shop', 'up')]
    """
    columns: dict[tuple[str, str], np.ndarray[Any, np.dtype[np.float64]]] = {}
    for name, series in answers.items():
        telling = _telling_labels(series, service_labels)
        for each in series:
            service, labels = _service(each["metric"], service_labels)
            shown = ",".join(f'{key}="{labels[key]}"' for key in telling if key in labels)
            column = (service, f"{name}{{{shown}}}" if shown else name)
            values = columns.setdefault(column, np.full(grid.points, np.nan))
            if each.get("values"):
                at, measured = _samples(each, grid)
                values[at] = measured
    index = pd.MultiIndex.from_tuples(list(columns), names=["service", "metric"])
    if not columns:
        return pd.DataFrame(index=grid.index()[:0], columns=index)
    values = np.column_stack(list(columns.values()))
    (observed,) = np.flatnonzero(~np.isnan(values).all(axis=1)).reshape(1, -1)
    covered = slice(observed[0], observed[-1] + 1) if observed.size else slice(0)
    return pd.DataFrame(values[covered], index=grid.index()[covered], columns=index)


def alerts_table(
    fired: Sequence[Series], grid: Grid, service_labels: Sequence[str]
) -> pd.DataFrame:
    """Turn the points at which alerts were firing into the times they began and ended.

    Parameters
    ----------
    fired
        The series of ``ALERTS{alertstate="firing"}``.
    grid
        The points that were asked for. An alert still firing at the last has no end.
    service_labels
        As for `metrics_table`.

    Examples
    --------
    >>> slow = {"metric": {"alertname": "Slow", "job": "shop"}, "values": [[60, "1"], [61, "1"]]}
    >>> alerts_table([slow], Grid(60_000, 1000, 9), ["job"])[["timestamp", "name", "state"]]
                      timestamp  name     state
    0 1970-01-01 00:01:00+00:00  Slow    firing
    1 1970-01-01 00:01:02+00:00  Slow  resolved
    """
    index = grid.index()
    rows = []
    for series in fired:
        labels = {
            key: value
            for key, value in series["metric"].items()
            if key not in {"__name__", "alertstate"}
        }
        service, _ = _service(labels, service_labels)
        identity = repr(sorted(labels.items())).encode()
        alert = {
            "name": labels.get("alertname", "unnamed"),
            "service": service,
            "severity": labels.get("severity"),
            "fingerprint": hashlib.sha256(identity).hexdigest()[:16],
            "labels": labels,
        }
        at, _ = _samples(series, grid)
        for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
            rows.append({**alert, "timestamp": index[run[0]], "state": "firing"})
            if run[-1] + 1 < grid.points:
                rows.append({**alert, "timestamp": index[run[-1] + 1], "state": "resolved"})
    columns = ["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"]
    return pd.DataFrame(rows, columns=columns)


def _samples(series: Series, grid: Grid) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return where on the grid the samples of a series lie, and their values."""
    seconds = np.array([each[0] for each in series["values"]], dtype=np.float64)
    values = np.array([float(each[1]) for each in series["values"]])
    return np.rint((seconds * 1000 - grid.first) / grid.step).astype(int), values


def _service(
    labels: Mapping[str, str], service_labels: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """Return the service of a series, and the labels that are left."""
    label = next((each for each in service_labels if labels.get(each)), None)
    left = {key: value for key, value in labels.items() if key not in {"__name__", label}}
    return (labels[label] if label else NO_SERVICE), left


def _telling_labels(series: Iterable[Series], service_labels: Sequence[str]) -> list[str]:
    """Return the labels that differ between series of one service, in any service."""
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for each in series:
        service, labels = _service(each["metric"], service_labels)
        groups[service].append(labels)
    telling = {
        key
        for group in groups.values()
        for key in set().union(*group)
        if len({labels.get(key) for labels in group}) > 1
    }
    return sorted(telling)
