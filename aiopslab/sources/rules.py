"""Alerting rules: the condition behind an alert, from rule files or from a Prometheus server."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.sources.http import Client, split
from aiopslab.sources.prometheus.client import ask, connect
from aiopslab.sources.prometheus.translate import SERVICE_LABELS
from aiopslab.sources.url import check

Labels = dict[str, str]

JOINED = ["expr", "for_s", "annotations", "runbook_url"]
COLUMNS = ["group", "name", "severity", "service", "labels", *JOINED]
_DURATION = re.compile(
    "".join(rf"(?:(\d+){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms"))
)
_UNITS = (31_536_000, 604_800, 86_400, 3_600, 60, 1, 0.001)


def read_rules(text: str, source: str = "the rules") -> pd.DataFrame:
    """Read the alerting rules of a Prometheus rule file.

    Parameters
    ----------
    text
        YAML with ``groups`` of ``rules``; recording rules are passed over.
    source
        What errors call it.

    Returns
    -------
    pandas.DataFrame
        One row an alerting rule: ``group, name, expr`` (PromQL), ``for_s`` (how long it must hold,
        in seconds), ``severity, service`` (of its labels, or missing), ``labels, annotations``
        (dicts, their templates as written) and ``runbook_url``.

    Raises
    ------
    SourceError
        If it is not YAML, or not of that form.

    Examples
    --------
    >>> text = '''
    ... groups:
    ...   - name: shop
    ...     rules:
    ...       - alert: Slow
    ...         expr: latency_seconds > 2
    ...         for: 5m
    ...         labels: {severity: page, service: auth}
    ...         annotations: {runbook_url: "https://runbooks.example/slow"}
    ... '''
    >>> read_rules(text)[["name", "expr", "for_s", "severity"]]
       name                 expr  for_s severity
    0  Slow  latency_seconds > 2  300.0     page
    """
    import yaml

    try:
        written = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise SourceError(
            f"{source}: no YAML{line}", "Check it with promtool check rules."
        ) from None
    return _table(written, source)


def open_rules(url: str) -> pd.DataFrame:
    """Read the alerting rules of a rule file or of a Prometheus server.

    Parameters
    ----------
    url
        A path or fsspec URL of a rule file, or ``prometheus+http(s)://host:port``, whose
        ``/api/v1/rules`` is asked with the credentials of `aiopslab.sources.prometheus`.

    Returns
    -------
    pandas.DataFrame
        As of `read_rules`.

    Raises
    ------
    SourceError
        If it cannot be opened or read.

    Examples
    --------
    >>> import fsspec
    >>> with fsspec.open("memory://rules.yml", "w") as file:
    ...     _ = file.write("groups: [{name: up, rules: [{alert: Down, expr: up == 0}]}]")
    >>> open_rules("memory://rules.yml")["expr"].tolist()
    ['up == 0']
    """
    check(url)
    if url.startswith("prometheus+"):
        address, _ = split(url.partition("?")[0], {})
        with connect(address) as client:
            return _table(_groups(client), url)
    import fsspec

    try:
        with fsspec.open(url, "r", encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError, ImportError) as error:
        raise SourceError(f"{url} cannot be read: {error}", "Name a readable rule file.") from None
    return read_rules(text, url)


def with_rules(alerts: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Put beside each alert the rule that fired it; nothing is evaluated.

    Parameters
    ----------
    alerts
        A table with `name` and, to tell rules of one name apart, `labels`.
    rules
        What `read_rules` or `open_rules` returned.

    Returns
    -------
    pandas.DataFrame
        The alerts with ``expr, for_s, annotations, runbook_url``, missing where no rule of that
        name has labels that the alert has too. Of several, that with the most labels in common is
        taken; a label written as a template agrees with any value.

    Examples
    --------
    >>> rules = read_rules("groups: [{name: up, rules: [{alert: Down, expr: up == 0}]}]")
    >>> alerts = pd.DataFrame({"name": ["Down", "Slow"], "labels": [{"job": "auth"}, {}]})
    >>> with_rules(alerts, rules)[["name", "expr"]]
       name     expr
    0  Down  up == 0
    1  Slow      NaN
    """
    candidates: defaultdict[str, list[tuple[int, Labels]]] = defaultdict(list)
    for row, (name, labels) in enumerate(zip(rules["name"], rules["labels"], strict=True)):
        fixed = {key: value for key, value in labels.items() if "{{" not in value}
        candidates[name].append((row, fixed))
    given = alerts["labels"] if "labels" in alerts else [None] * len(alerts)
    chosen = [
        _fired(candidates[name], labels) for name, labels in zip(alerts["name"], given, strict=True)
    ]
    joined = rules[JOINED].reset_index(drop=True).reindex(chosen).set_axis(alerts.index)
    return pd.concat([alerts.drop(columns=JOINED, errors="ignore"), joined], axis=1)


def _fired(candidates: Iterable[tuple[int, Labels]], given: Any) -> int:
    """Return the row of the rule whose labels agree best with those of an alert, -1 for none."""
    has = given.items() if isinstance(given, Mapping) else {}.items()
    agreeing = [(len(fixed), -row) for row, fixed in candidates if fixed.items() <= has]
    return -max(agreeing)[1] if agreeing else -1


def _groups(client: Client) -> dict[str, Any]:
    """Return the rule groups of a server, in the form of a rule file."""
    keys = {"name": "alert", "query": "expr", "duration": "for"}
    with client.reading():
        groups = ask(client, "rules", {"type": "alert"})["groups"]
        for group in groups:
            group["rules"] = [
                {keys.get(key, key): value for key, value in rule.items()}
                for rule in group["rules"]
            ]
    return {"groups": groups}


def _table(written: Any, source: str) -> pd.DataFrame:
    try:
        rows = [
            _row(group["name"], rule)
            for group in (written or {}).get("groups") or []
            for rule in group.get("rules") or []
            if "alert" in rule
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(
            f"{source} is no file of Prometheus rules: {error}",
            "Check it with promtool check rules.",
        ) from None
    return pd.DataFrame(rows, columns=COLUMNS).astype({"for_s": float})


def _row(group: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    labels, annotations = (
        {str(key): str(value) for key, value in (rule.get(part) or {}).items()}
        for part in ("labels", "annotations")
    )
    return {
        "group": group,
        "name": rule["alert"],
        "expr": str(rule["expr"]).strip(),
        "for_s": _seconds(str(rule.get("for", 0))),
        "severity": labels.get("severity"),
        "service": next((labels[each] for each in SERVICE_LABELS if each in labels), None),
        "labels": labels,
        "annotations": annotations,
        "runbook_url": annotations.get("runbook_url"),
    }


def _seconds(duration: str) -> float:
    """Read a duration as Prometheus writes it, or a number of seconds."""
    try:
        return float(duration)
    except ValueError:
        parts = _DURATION.fullmatch(duration)
    if parts is None:
        raise ValueError(f"{duration!r} is no duration")
    return sum(float(each or 0) * unit for each, unit in zip(parts.groups(), _UNITS, strict=True))
