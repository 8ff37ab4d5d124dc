"""Kubernetes' events: what the cluster did to the workloads, and who rolled out or scaled what.

``kubernetes+https://host:6443`` asks the API server; ``kubernetes+file:///path/events.json`` reads
what ``kubectl get events --all-namespaces -o json`` printed. Options are said in the query string
or passed to `aiopslab.sources.open`::

    kubernetes+https://10.0.0.1:6443/?namespace=shop

The bearer token is taken from ``AIOPSLAB_KUBERNETES_TOKEN`` and the certificate authority from
``AIOPSLAB_KUBERNETES_CA``. In a pod that asks its own cluster, those of its service account are
taken where the environment has none. The account needs the right to list events.
"""

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources import exports
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, Credentials, HttpError, credentials, split
from aiopslab.sources.limits import count, cut
from aiopslab.sources.prometheus.grid import seconds

DEFAULT_LIMIT = 50_000
DEFAULT_TIMEOUT = 30
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PAGE = 500
_APIS = ("/api/v1", "/apis/events.k8s.io/v1")  # the same events; a role may allow either
_OWN_HOSTS = {"kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
_FORBIDDEN, _NOT_FOUND, _GONE = 403, 404, 410
_CHANGES = {
    **dict.fromkeys(("ScalingReplicaSet", "DeploymentRollback"), "deploy"),
    **dict.fromkeys(("RolloutUpdated", "RolloutCompleted", "RolloutAborted"), "deploy"),  # Argo
    "OperationCompleted": "deploy",  # Argo CD
    **dict.fromkeys(
        ("InstallSucceeded", "UpgradeSucceeded", "RollbackSucceeded"), "deploy"
    ),  # Flux
    **dict.fromkeys(("SuccessfulRescale", "EvictedByVPA"), "config"),  # the autoscalers
    **dict.fromkeys(("KEDAScaleTargetActivated", "KEDAScaleTargetDeactivated"), "config"),
    **dict.fromkeys(("NodeNotSchedulable", "NodeSchedulable"), "config"),
}
_ROLLED_BY_DELETION = {"StatefulSet", "DaemonSet"}
_LOGS = ["timestamp", "service", "severity", "body", "attributes"]
_COLUMNS = ["timestamp", "kind", "service", "ref", "description"]
# Kubernetes draws names from letters that spell no words, and a hash is a number spelt with them.
_RANDOM = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$")
_HASH = re.compile(r"-(?:[bcdf456789]{6,10}|\d{8,10})$")
_ORDINAL = re.compile(r"-\d{1,4}$")


def open_kubernetes(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    namespace: str | None = None,
    limit: str | int | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """List the events of a cluster: the back end of ``kubernetes+http(s)``.

    Parameters
    ----------
    url
        The API server, and any of the options in its query string; an option given outside it
        wins.
    start, end
        Not used: the API cannot choose by time. A cluster keeps its events for an hour unless it
        is told otherwise.
    namespace
        The one to look at; all of them by default, which needs the right to.
    limit
        How many events to read; 50,000 by default.
    timeout
        How long to wait for one answer; 30 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has no events.
    """
    given = {"namespace": namespace, "limit": limit, "timeout": timeout}
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    wait = seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout")
    namespace = options.get("namespace")
    within = _namespace(namespace)
    account = _credentials(urlsplit(address).hostname)
    with Client(address, system="Kubernetes", credentials=account, timeout=wait) as client:
        events = _events(client, within, most)
        if not events:
            raise SourceError(
                f"{address} has no events{f' in namespace {namespace}' if namespace else ''}",
                "A cluster forgets them after an hour: open an export of that time, or another "
                "namespace.",
            )
        with client.reading():
            return recording(cut(events, most, f"{most} events, of any time,"))


def open_export(url: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> Recording:
    """Read what kubectl printed: the back end of ``kubernetes+file``.

    Parameters
    ----------
    url
        The file: JSON, of one or more lists of events, or of events one after the other.
    start, end
        Not used: files are read whole.

    Raises
    ------
    SourceError
        If there is no such file, or no event in it.
    """
    found = exports.records(url, ("items",))
    events = [each for each in found if each.get("kind", "Event") == "Event" and "reason" in each]
    if not events:
        raise SourceError(
            f"{url} has no Kubernetes events",
            "Write it with: kubectl get events --all-namespaces -o json > events.json",
        )
    if len(events) < len(found):
        message = f"objects that are no events are left out: {len(found) - len(events)}"
        warnings.warn(message, FrameWarning, stacklevel=2)
    with exports.reading(url, "kubectl"):
        return recording(events)


def recording(events: Iterable[Mapping[str, Any]]) -> Recording:
    """Turn events, of ``v1`` or of ``events.k8s.io/v1``, into logs and changes.

    Parameters
    ----------
    events
        As the API has them.

    Returns
    -------
    Recording
        ``logs``, one row an event at the last time it was seen, its service being the workload;
        ``changes``, those of them that say that something was rolled out, scaled or cordoned.

    Examples
    --------
    >>> event = {
    ...     "type": "Warning", "reason": "BackOff", "message": "restarting failed container",
    ...     "involvedObject": {"kind": "Pod", "name": "auth-75675f5897-x7k2p"},
    ...     "lastTimestamp": "2026-03-01T12:00:00Z", "count": 4}
    >>> recording([event]).tables["logs"][["service", "severity", "body"]].iloc[0].tolist()
    ['auth', 'WARN', 'BackOff: restarting failed container (4 times)']
    """
    read = [_event(each) for each in events]
    logs = pd.DataFrame(read, columns=_LOGS)
    changes = pd.DataFrame([each for each in read if each["kind"]], columns=_COLUMNS)
    return Recording({"logs": logs, "changes": changes})


def workload(kind: str, name: str) -> str:
    """Name what an object belongs to, without what was drawn at random for it.

    Parameters
    ----------
    kind
        Of the object, e.g. ``Pod``.
    name
        Of the object.

    Examples
    --------
    >>> workload("Pod", "auth-75675f5897-x7k2p"), workload("ReplicaSet", "auth-75675f5897")
    ('auth', 'auth')
    >>> workload("Pod", "mysql-0"), workload("Pod", "backup-28471230-x7k2p")
    ('mysql', 'backup')
    >>> workload("Service", "auth-75675f5897")
    'auth-75675f5897'
    """
    match kind:
        case "Pod":
            owner = _RANDOM.sub("", name)
            return _ORDINAL.sub("", name) if owner == name else _HASH.sub("", owner)
        case "ReplicaSet" | "Job":
            return _HASH.sub("", name)
    return name


def _credentials(host: str | None) -> Credentials:
    """Return what the environment has, else what a pod has for its own cluster and no other."""
    found = credentials("AIOPSLAB_KUBERNETES")
    found = replace(
        found,
        remedy="Set AIOPSLAB_KUBERNETES_TOKEN, e.g. to what kubectl create token ACCOUNT prints.",
    )
    if host not in _OWN_HOSTS | {os.environ.get("KUBERNETES_SERVICE_HOST")}:
        return found
    token, authority = SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt"
    if not found.headers and token.is_file():
        found = replace(found, headers={"Authorization": f"Bearer {token.read_text().strip()}"})
    if found.authority is None and authority.is_file():
        found = replace(found, authority=str(authority))
    return found


def _namespace(name: str | None) -> str:
    """Return the part of a path that narrows it to a namespace."""
    if name is None:
        return ""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name):
        raise SourceError(
            f"namespace is {name!r}; expected lower-case letters, digits and hyphens",
            "kubectl get namespaces lists them.",
        )
    return f"/namespaces/{name}"


def _events(client: Client, within: str, limit: int) -> list[dict[str, Any]]:
    """List events by whichever API there is and the account may use."""
    refusal: HttpError | None = None
    for api in _APIS:
        try:
            return _listed(client, f"{api}{within}/events", limit)
        except HttpError as error:
            if error.status not in {_FORBIDDEN, _NOT_FOUND}:
                raise
            refusal = refusal or error
    assert refusal is not None
    if refusal.status == _NOT_FOUND:
        raise refusal
    raise SourceError(
        refusal.problem,
        "Let the account list events: kubectl create clusterrole events --verb=list "
        "--resource=events, and bind it; or pass a namespace in which it may.",
    )


def _listed(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    page: dict[str, Any] = {"limit": _PAGE}
    while True:
        try:
            answer = client.get_json(path, page)
        except HttpError as error:
            if error.status != _GONE or "continue" not in page:
                raise
            events, page = [], {}  # it took too long; all of it at once then
            continue
        with client.reading():
            events += answer["items"] or []
            rest = answer["metadata"].get("continue")
            if rest and rest == page.get("continue"):
                raise ValueError("the same page again, without end")
        if not rest or len(events) > limit:
            return events
        page = {"limit": _PAGE, "continue": rest}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what either API version says, under one set of names."""
    about = event.get("involvedObject") or event.get("regarding") or {}
    series = event.get("series") or {}
    metadata = event.get("metadata") or {}
    first = event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp")
    last = event.get("lastTimestamp") or event.get("deprecatedLastTimestamp")
    time = series.get("lastObservedTime") or last or event.get("eventTime") or first
    count = series.get("count") or event.get("count") or event.get("deprecatedCount") or 1
    kind, name = about.get("kind") or "", about.get("name") or ""
    reason = event.get("reason") or "Unknown"
    said = (event.get("message") or event.get("note") or "").strip()
    message = f"{said} ({count} times)" if count > 1 else said
    replicas = re.search(r"replica set (\S+)", said)
    source = event.get("source") or event.get("deprecatedSource") or {}
    attributes = {
        "namespace": about.get("namespace") or metadata.get("namespace"),
        "kind": kind,
        "name": name,
        "count": count,
        "since": first,
        "node": source.get("host"),
        "component": event.get("reportingController")
        or event.get("reportingComponent")
        or source.get("component"),
    }
    return {
        "timestamp": time or metadata.get("creationTimestamp"),
        "service": workload(kind, name) or "kubernetes",
        "severity": "WARN" if event.get("type") == "Warning" else "INFO",
        "body": f"{reason}: {message}".removesuffix(": "),
        "attributes": {key: value for key, value in attributes.items() if value},
        "kind": _change(reason, kind),
        "ref": replicas[1] if replicas else None,
        "description": f"{reason}: {message}".removesuffix(": "),
    }


def _change(reason: str, kind: str) -> str | None:
    if reason == "SuccessfulDelete" and kind in _ROLLED_BY_DELETION:
        return "deploy"  # they have no other event for it, and never delete a pod that fails
    return _CHANGES.get(reason)
