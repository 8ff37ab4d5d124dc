"""An Alertmanager: the alerts that it knows of, silenced and inhibited ones included or not.

``alertmanager+http://host:9093`` (or ``alertmanager+https``), with a path if a proxy adds one. What
to fetch is said in the query string or as options of `aiopslab.sources.open`::

    alertmanager+http://localhost:9093/?match={team="shop"}&silenced=false

Credentials come from the environment only: ``AIOPSLAB_ALERTMANAGER_TOKEN`` (sent as a bearer
token), or ``AIOPSLAB_ALERTMANAGER_USER`` and ``AIOPSLAB_ALERTMANAGER_PASSWORD``.
``AIOPSLAB_ALERTMANAGER_CA`` names the file of a private certificate authority.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, credentials, split
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.prometheus.translate import SERVICE_LABELS

DEFAULT_TIMEOUT = 30
_COLUMNS = ["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"]
_MATCHER = r'\s*[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*'
_SELECTOR = re.compile(rf"\s*\{{?((?:{_MATCHER},?)*)\}}?\s*")


def open_alertmanager(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    match: str | None = None,
    silenced: str | bool | None = None,
    inhibited: str | bool | None = None,
    service_label: str | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch the alerts: the back end of ``alertmanager+http(s)``.

    Parameters
    ----------
    url
        The server, and any of the options in its query string (percent-encode ``&``, ``#`` and
        ``%`` there); an option given outside it wins.
    start, end
        The window; an alert that began before it and still fires is listed at its start.
    match
        Which alerts, e.g. ``{team="shop",severity!="info"}``; all of them by default.
    silenced, inhibited
        Whether to fetch those that nobody is notified of because of a silence, or because another
        alert inhibits them. Either may be the cause of what others are notified of.
    service_label
        The label that holds the service. Without it, or in an alert that lacks it, the first of
        `service`, `service_name`, `job` and `instance` is taken; none of them, no service.
    timeout
        How long to wait for one answer; 30 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has no alert that matches.
    """
    given = {
        "match": match,
        "silenced": silenced,
        "inhibited": inhibited,
        "service_label": service_label,
        "timeout": timeout,
    }
    address, options = split(url, given)
    label = options.get("service_label")
    wait = seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout")
    parameters = {
        "filter": matchers(options.get("match", "")),
        "silenced": _truth(options.get("silenced", True), "silenced"),
        "inhibited": _truth(options.get("inhibited", True), "inhibited"),
    }
    labels = (label, *SERVICE_LABELS) if label else SERVICE_LABELS
    client = connect(address, wait)
    with client, client.reading():
        found = listed(client, "alerts", parameters)
        alerts = alerts_table(found, labels, pd.Timestamp.now("UTC"), start)
    if alerts.empty:
        raise SourceError(
            f"{address} has no alert{' that matches' if 'match' in options else ''}",
            "Perhaps nothing is wrong; for alerts of the past open the Prometheus that has them.",
        )
    warnings.warn(
        "Alertmanager lists the alerts that fire now; those resolved before are not among them",
        FrameWarning,
        stacklevel=2,
    )
    return Recording({"alerts": alerts})


def connect(address: str, timeout: float, attempts: int = 4) -> Client:
    """Return a connection to an Alertmanager, with its credentials in the environment.

    Raises
    ------
    SourceError
        If the credentials or the certificate authority in the environment are not usable.
    """
    return Client(
        address,
        system="Alertmanager",
        credentials=credentials("AIOPSLAB_ALERTMANAGER"),
        timeout=timeout,
        attempts=attempts,
    )


def listed(client: Client, path: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the API lists under a path, such as ``alerts`` or ``silences``.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or lists nothing there.
    """
    with client.reading():
        answer = client.get_json(f"/api/v2/{path}", parameters)
        if not isinstance(answer, list):
            raise TypeError("no list")
    return answer


def alerts_table(
    alerts: Iterable[Mapping[str, Any]],
    service_labels: Sequence[str],
    now: pd.Timestamp,
    start: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Turn alerts as the API lists them into the times they began and ended.

    Parameters
    ----------
    alerts
        As ``/api/v2/alerts`` lists them.
    service_labels
        Where to look for the service, the first that an alert has.
    now
        An end after it is only when the alert ends unless Prometheus sends it again.
    start
        Where an alert that began before it, and has not ended by then, is listed.

    Examples
    --------
    >>> slow = {"labels": {"alertname": "Slow", "job": "shop"}, "fingerprint": "c0ffee",
    ...         "startsAt": "2026-03-01T12:00:00Z", "endsAt": "2026-03-01T12:05:00Z"}
    >>> now = pd.Timestamp("2026-03-01T13:00Z")
    >>> alerts_table([slow], ["job"], now)[["name", "service", "state"]]
       name service     state
    0  Slow    shop    firing
    1  Slow    shop  resolved
    """
    rows = []
    for each in alerts:
        labels = dict(each["labels"])
        alert = {
            "name": labels.get("alertname", "unnamed"),
            "service": next((labels[name] for name in service_labels if labels.get(name)), None),
            "severity": labels.get("severity"),
            "fingerprint": each["fingerprint"],
            "labels": labels,
        }
        began, ends = pd.Timestamp(each["startsAt"]), pd.Timestamp(each["endsAt"])
        is_over = began <= ends <= now
        if start is not None and began < start and not (is_over and ends < start):
            began = start
        rows.append({**alert, "timestamp": began, "state": "firing"})
        if is_over:
            rows.append({**alert, "timestamp": ends, "state": "resolved"})
    return pd.DataFrame(rows, columns=_COLUMNS)


def matchers(match: str) -> list[str]:
    """Split a selector into the matchers that the API takes one by one.

    Raises
    ------
    SourceError
        If it has not the form of a selector.

    Examples
    --------
    >>> matchers('{team="shop", severity=~"page|warn"}')
    ['team="shop"', 'severity=~"page|warn"']
    """
    read = _SELECTOR.fullmatch(match)
    if read is None:
        raise SourceError(
            f"match is {match!r}; expected matchers of labels", 'Write it as {team="shop"}.'
        )
    return [each.strip() for each in re.findall(_MATCHER, read[1])]


def _truth(value: str | bool, name: str) -> str:
    said = str(value).lower()
    if said not in {"true", "false"}:
        raise SourceError(f"{name} is {value!r}; expected true or false", f"Write {name}=false.")
    return said
