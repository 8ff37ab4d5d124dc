"""What evidence calls for: a change to undo, a resource at its limit, a service that is silent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pandas as pd

from aiopslab.findings import Finding
from aiopslab.runbooks.catalogue import CueName
from aiopslab.runbooks.step import Benefit
from aiopslab.sources.prometheus.translate import SERVICE_LABELS

CHANGES, SIGNALS = 3, 5  # of a suspect that are looked at
FAR = 2.0  # times its value before, from which a signal counts besides the strongest one
BUSY = 0.5  # the least utilisation that may be a limit
_LESS: Mapping[Benefit, Benefit] = {"high": "medium", "medium": "low", "low": "low"}
_SYMPTOMS: tuple[tuple[CueName, re.Pattern[str]], ...] = (
    ("stale index", re.compile(r"\b(stale\w*|freshness|outdated|index (document )?age)\b")),
    (
        "silent",
        re.compile(
            r"\b(stopped reporting|silent|crash\w*|unreachable|refused|connect error|up fell)\b"
        ),
    ),
    (
        "saturation",
        re.compile(
            r"\b(cpu|memory|mem|rss|heap|queues?|pool|pending|in ?flight|backlog|saturat\w+|disk"
            r"|threads?|throttl\w+|connections? (used|open|active|max\w*|limit))\b"
        ),
    ),
)


@dataclass(frozen=True)
class Cue:
    """Something that actions of the catalogue answer.

    Parameters
    ----------
    name
        What it is.
    service
        Whom it concerns.
    why
        The evidence, in a sentence.
    benefit
        What to expect of answering it.
    values
        What it tells of the parameters of an action.
    warning
        What whoever answers it should know.
    """

    name: CueName
    service: str
    why: str
    benefit: Benefit
    values: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""


def change_cues(
    changes: pd.DataFrame | None, suspects: Sequence[str], claims: Mapping[str, str]
) -> list[Cue]:
    """List the changes to the suspects that may be to blame.

    Parameters
    ----------
    changes
        Changes frame of the time before the onset. With a `score`, those that score above 0 are
        taken, the highest first; without one the latest first.
    suspects
        Services, the likeliest first.
    claims
        What is said of a service, in a sentence.
    """
    if changes is None or changes.empty:
        return []
    ordered = changes.sort_values("timestamp", ascending=False, kind="stable")
    if "score" in changes.columns:
        ordered = ordered[ordered["score"] > 0].sort_values("score", ascending=False, kind="stable")
    cues = []
    for rank, service in enumerate(suspects):
        its = ordered[ordered["service"] == service].head(CHANGES)
        for place, change in enumerate(its.to_dict("records")):
            is_first = rank == 0 and place == 0
            ref = _text(change["ref"])
            what = _text(change["description"]) or f"{service} was changed"
            why = f"{what} ({change['kind']} {ref}, {change['timestamp']:%Y-%m-%d %H:%M:%S} UTC)"
            told = f". {claims[service]}" if service in claims else "."
            values = {"ref": ref} if ref else {}
            if change["kind"] == "flag" and re.search(r"\b(off|disabled)\b", what.lower()):
                values |= {"state": "on", "was": "off"}
            cues.append(
                Cue(
                    cast("CueName", change["kind"]),
                    service,
                    why + told,
                    "high" if is_first else "medium" if rank == 0 else "low",
                    values,
                )
            )
    return cues


def finding_cues(
    findings: Iterable[Finding],
    suspects: Sequence[str],
    changed: Iterable[str],
    signals: pd.DataFrame | None,
) -> list[Cue]:
    """List what the suspects do that an action may mend.

    Parameters
    ----------
    findings
        Those that are not ``ok``.
    suspects
        Services, the likeliest first.
    changed
        Services with a change to undo, where a mere symptom calls for nothing else.
    signals
        As `aiopslab.incident.suspects.find_suspects` returns it, for what the strongest finding
        alone does not say.
    """
    cues = []
    for rank, service in enumerate(suspects):
        said = [each for each in findings if each.subject == service]
        texts = [(each.claim, f"{each.claim} {each.evidence}") for each in said]
        texts += [(claim, name) for name, claim in raised(signals, service)]
        found = {cue: claim for claim, text in reversed(texts) for cue in symptoms(text, service)}
        benefit: Benefit = "medium" if rank == 0 else "low"
        cues += [Cue(cue, service, claim, benefit) for cue, claim in found.items()]
        if said and not found and service not in changed:
            cues.append(Cue("symptom", service, said[0].claim, "low"))
    return cues


def symptoms(text: str, service: str) -> list[CueName]:
    """Tell from words what ails a service.

    Examples
    --------
    >>> symptoms("db.client.connection.pendingRequests rose", "database")
    ['saturation']
    >>> symptoms("latency of memory-cache rose to 3 times its normal", "memory-cache")
    []
    """
    plain = text.replace(service, " ")  # a name is not a symptom
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    plain = " ".join(re.findall(r"[a-z0-9]+", plain.lower()))
    found = [cue for cue, words in _SYMPTOMS if words.search(plain)]
    return [cue for cue in found if cue != "saturation" or not re.search(r"\bfell\b", plain)]


def raised(signals: pd.DataFrame | None, service: str) -> list[tuple[str, str]]:
    """List the metrics of a service that rose far, as ``(name, sentence)``, the strongest first.

    Among its strongest ones of different kinds, those that are at least twice what they were; a
    utilisation of less than a half is no limit, however far it rose.
    """
    if signals is None or signals.empty:
        return []
    its = signals[(signals["service"] == service) & (signals["kind"] == "metric")]
    its = its[its["strength"] > 0].sort_values("strength", ascending=False, kind="stable")
    its = its.drop_duplicates("signal").head(SIGNALS)
    is_free = its["name"].str.contains("utili[sz]ation") & (its["after"] < BUSY)
    its = its[(its["after"] > 0) & (its["after"] >= FAR * its["before"]) & ~is_free]
    return [
        (str(name), f"{name} of {service} rose from {before:.3g} to {after:.3g}.")
        for name, before, after in zip(its["name"], its["before"], its["after"], strict=True)
    ]


def alert_cues(alerts: pd.DataFrame | None, suspects: Sequence[str]) -> list[Cue]:
    """List the alerts that fire and have a service, those of the likely cause last.

    Parameters
    ----------
    alerts
        Alerts frame, or `AlertGroups.alerts`, which knows the root of each group.
    suspects
        Services, the likeliest first.
    """
    if alerts is None or alerts.empty:
        return []
    firing = _firing(alerts).dropna(subset="service").drop_duplicates(["name", "service"])
    cues = []
    for alert in firing.to_dict("records"):
        service, name = str(alert["service"]), str(alert["name"])
        roots = {_text(alert.get("root")), *suspects[:1]}
        warning = (
            f"{name} is the alert of the likely cause itself: while it is silenced, nobody is told "
            "whether the cause is gone."
            if service in roots
            else ""
        )
        values = {"alert": name, "label": _service_label(alert.get("labels"), service)}
        why = f"{name} fires for {service} and tells nothing new while the cause is worked on."
        cues.append(Cue("alert", service, why, "none", values, warning))
    return sorted(cues, key=lambda cue: bool(cue.warning))


def _firing(alerts: pd.DataFrame) -> pd.DataFrame:
    if "ended" in alerts.columns:
        return alerts[alerts["ended"].isna()]
    last = alerts.sort_values("timestamp", kind="stable").drop_duplicates(
        "fingerprint", keep="last"
    )
    return last[last["state"] == "firing"]


def _service_label(labels: object, service: str) -> str:
    known = labels if isinstance(labels, Mapping) else {}
    return next((name for name in SERVICE_LABELS if known.get(name) == service), "service")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
