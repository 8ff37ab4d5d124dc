"""Limits of resources: what their names or their neighbours tell, and what somebody gives."""

import re
from collections.abc import Mapping
from typing import cast

import pandas as pd

from aiopslab.errors import did_you_mean

Series = tuple[str, str]

USED = {"used", "usage", "utilization", "utilisation", "saturation", "occupancy"}
FILLS = {"cpu", "memory", "mem", "heap", "swap", "disk", "filesystem", "storage", "volume"}
FREE = {"free", "available", "idle", "unused", "remaining"}
SHARES = {"utilization": 1.0, "utilisation": 1.0, "saturation": 1.0, "ratio": 1.0, "fraction": 1.0}
PERCENTS = {"percent": 100.0, "percentage": 100.0, "pct": 100.0}
BEYOND = 1.01  # times a limit that a name tells: what was seen above is not limited there


def natural_limits(metrics: pd.DataFrame) -> dict[Series, float]:
    """Find the series that fill up and whose limit is known by their name, or by a series beside.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.

    Returns
    -------
    dict
        Limits by ``(service, metric)``: 1 for a utilization and for the ratio or fraction that is
        used of something, 100 for such a percentage, and the last value of ``….limit`` for
        ``….usage`` or ``….used`` of the same service. A ratio that does not fill up, such as that
        of hits, has none, and neither has a series that was seen above the limit that its name
        tells, as the utilization of several processors may be.

    Notes
    -----
    The names are those of the OpenTelemetry semantic conventions, general metric guidelines: a
    usage is an amount, a limit the most there is of it, a utilization the share in use, 0 to 1.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_tuples([("db", "disk.utilization"), ("db", "hit_ratio"),
    ...     ("db", "memory.usage_mb"), ("db", "memory.limit_mb")])
    >>> natural_limits(pd.DataFrame([[0.5, 1.0, 700.0, 2048.0]], columns=columns))
    {('db', 'disk.utilization'): 1.0, ('db', 'memory.usage_mb'): 2048.0}
    """
    found = {}
    for each in _labels(metrics):
        told, beside = _by_name(each[1]), _beside(metrics, each)
        if beside is not None:
            found[each] = beside
        elif told is not None and not (metrics[each] > BEYOND * told).any():
            found[each] = told
    return found


def named_limits(
    metrics: pd.DataFrame, limits: Mapping[str, float]
) -> tuple[dict[Series, float], dict[str, str]]:
    """Find the series for which somebody gave a limit.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.
    limits
        By the name of a metric, for every service that has it, or by ``service/metric``, which
        counts more.

    Returns
    -------
    limits
        By ``(service, metric)``.
    unknown
        What to do about each name that is not in the metrics.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_product([["api", "db"], ["memory_mb"]])
    >>> limits, unknown = named_limits(pd.DataFrame(columns=columns),
    ...     {"memory_mb": 512, "db/memory_mb": 2048, "db/disk": 1})
    >>> limits, list(unknown)
    ({('api', 'memory_mb'): 512, ('db', 'memory_mb'): 2048}, ['db/disk'])
    """
    labels = _labels(metrics)
    exact = {f"{service}/{metric}": (service, metric) for service, metric in labels}
    found = {each: limits[each[1]] for each in labels if each[1] in limits}
    found |= {exact[name]: limit for name, limit in limits.items() if name in exact}
    known = sorted({*exact, *(metric for _, metric in labels)})
    missing = (name for name in limits if name not in known)
    return found, {name: did_you_mean(name, known) if known else "" for name in missing}


def _labels(metrics: pd.DataFrame) -> list[Series]:
    return cast("list[Series]", metrics.columns.to_list())


def _by_name(metric: str) -> float | None:
    """Return the limit that a name tells, ``None`` where it tells none."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", metric).lower())
    share = next((SHARES[word] for word in words[-1:] if word in SHARES), None)
    limit = next((PERCENTS[word] for word in words if word in PERCENTS), share)
    fills = {*words} & USED or {*words[-2:-1]} & FILLS
    return limit if fills and not {*words} & FREE else None


def _beside(metrics: pd.DataFrame, label: Series) -> float | None:
    """Return the last value of the limit that is measured beside a usage; ``None`` without one."""
    service, metric = label
    neighbour = re.sub(r"(?<![a-z])(usage|used)(?![a-z])", "limit", metric)
    if neighbour == metric or (service, neighbour) not in metrics.columns:
        return None
    seen = metrics[service, neighbour].dropna()
    # Without a limit some exporters write 0 or less.
    return float(seen.iloc[-1]) if len(seen) and seen.iloc[-1] > 0 else None
