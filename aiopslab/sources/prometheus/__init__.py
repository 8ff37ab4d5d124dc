"""A Prometheus server: metrics of a window, and the alerts that fired in it.

``prometheus+http://host:9090`` (or ``prometheus+https``), with a path if a proxy adds one. What
to fetch is said in the query string, so that one parameter of a template is enough, or as options
of `aiopslab.sources.open`::

    prometheus+http://localhost:9090/?match={job="shop"}&step=5s&service_label=app

Credentials come from the environment only: ``AIOPSLAB_PROMETHEUS_TOKEN`` (sent as a bearer
token), or ``AIOPSLAB_PROMETHEUS_USER`` and ``AIOPSLAB_PROMETHEUS_PASSWORD``. TLS certificates
are always verified; ``AIOPSLAB_PROMETHEUS_CA`` names the file of a private authority.
"""

import json
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, split
from aiopslab.sources.prometheus.client import connect, kinds, label_values, query, query_range
from aiopslab.sources.prometheus.grid import Grid, seconds
from aiopslab.sources.prometheus.progress import progress
from aiopslab.sources.prometheus.queries import plan, selector
from aiopslab.sources.prometheus.translate import SERVICE_LABELS, alerts_table, metrics_table
from aiopslab.sources.window import latest

MAX_CELLS = 20_000_000
DEFAULT_TIMEOUT = 30
SCRAPE_INTERVAL = 15.0  # seconds; where it cannot be told


def open_prometheus(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    match: str | None = None,
    step: str | float | None = None,
    queries: Mapping[str, str] | None = None,
    service_label: str | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch metrics and firing alerts: the back end of ``prometheus+http(s)``.

    Parameters
    ----------
    url
        The server, and any of `match`, `step`, `service_label` and `timeout` in its query string
        (percent-encode ``&``, ``#`` and ``%`` there); an option given outside it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    match
        A PromQL selector of the series to fetch, e.g. ``{job="shop"}``; all of them by default.
    step
        The time between two points, ``"5s"`` or a number of seconds. By default that of the
        scrapes, or as much longer as keeps a series to about 2,000 points.
    queries
        PromQL expressions by the name that their metric is to have, instead of the default ones:
        gauges as they are, counters as rates, histograms as quantiles and rate.
    service_label
        The label that holds the service. Without it, or in a series that lacks it, the first of
        `service`, `service_name`, `job` and `instance` is taken.
    timeout
        How long to wait for one answer; 30 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has nothing that matches.
    """
    given = {"match": match, "step": step, "service_label": service_label, "timeout": timeout}
    address, options = split(url, given)
    if not isinstance(queries, Mapping | None):
        raise SourceError(
            f"queries is {queries!r}; expected PromQL by names", 'Write it as {"load": "…"}.'
        )
    match, label = options.get("match"), options.get("service_label")
    width = seconds(options["step"], "step") if "step" in options else None
    wait = seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout")
    labels = (label, *SERVICE_LABELS) if label else SERVICE_LABELS
    since, until = latest(start, end)
    client = connect(address, wait)
    with client, client.reading():
        names = ["up"] if queries else _names(client, match, since, until)
        interval = _scrape_interval(client, match, names, until)
        grid = Grid.over(since, until, width, interval)
        wanted = dict(queries) if queries else _queries(client, match, names, grid, interval)
        requests = (len(wanted) + 1) * grid.chunk_count()
        with progress("Prometheus", requests) as advance:
            fetched = {
                name: query_range(client, each, grid, advance) for name, each in wanted.items()
            }
            firing = query_range(client, 'ALERTS{alertstate="firing"}', grid, advance)
        metrics = metrics_table(fetched, grid, labels)
        alerts = alerts_table(firing, grid, labels)
    if width is None:
        warnings.warn(f"one point every {grid.step / 1000:g} s", FrameWarning, stacklevel=2)
    if metrics.empty:
        raise SourceError(
            f"none of the {len(wanted)} queries found a point between {since.isoformat()} and "
            f"{until.isoformat()}",
            "Check the window, and that the queries have results in Prometheus' own console.",
        )
    return Recording({"metrics": metrics, "alerts": alerts})


def _names(client: Client, match: str | None, start: pd.Timestamp, end: pd.Timestamp) -> list[str]:
    """Return the metrics that match in a window."""
    names = label_values(client, "__name__", start, end, selector(match))
    if names:
        return names
    jobs = label_values(client, "job", start, end)
    raise SourceError(
        f"{client.address} has no series {f'that match {match} ' if match else ''}between "
        f"{start.isoformat()} and {end.isoformat()}",
        f"It has the jobs {', '.join(jobs[:12])} in that window."
        if jobs
        else "It has no series at all in that window: check start and end.",
    )


def _scrape_interval(
    client: Client, match: str | None, names: list[str], at: pd.Timestamp
) -> float:
    """Return the seconds between the samples of one series, which stands for all."""
    counters = [each for each in names if each.endswith(("_total", "_count"))]
    name = "up" if "up" in names else (counters or names)[0]
    found = query(client, f"topk(1, {selector(match, name)})", at)
    if not found:
        return SCRAPE_INTERVAL
    matchers = [f"{key}={json.dumps(value)}" for key, value in found[0]["metric"].items()]
    (samples, *_) = query(client, f"{{{','.join(matchers)}}}[10m]", at)
    gaps = np.diff([each[0] for each in samples["values"]])
    return max(0.1, round(float(np.median(gaps)), 1)) if gaps.size else SCRAPE_INTERVAL


def _queries(
    client: Client, match: str | None, names: list[str], grid: Grid, interval: float
) -> dict[str, str]:
    """Return the default queries, unless their answers would be too much."""
    counted = query(client, f"count({selector(match)})", grid.end)
    series = int(counted[0]["value"][1]) if counted else 0
    if series * grid.points > MAX_CELLS:
        raise SourceError(
            f"{series:,} series of {grid.points:,} points are more than the {MAX_CELLS:,} numbers "
            "that are fetched at once",
            'Narrow the selection, e.g. match={job="shop"}, or take a longer step.',
        )
    # A rate needs two samples even where a scrape or two failed.
    window = max(4 * interval, grid.step / 1000)
    return plan(names, kinds(client), match, f"{round(window * 1000)}ms")


__all__ = ["open_prometheus"]
