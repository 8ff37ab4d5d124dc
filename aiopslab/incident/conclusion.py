"""What an incident analysis says in words: effects, findings, rivals and what would part them."""

import pandas as pd

from aiopslab.findings import LEVELS, Effect, Finding, Interval, Level, Verdict
from aiopslab.incident.effect import change
from aiopslab.incident.metrics import SILENT
from aiopslab.incident.topology import blast_radius

KINDS = {
    "metric": "metrics",
    "operation": "spans",
    "span": "spans",
    "error": "spans",
    "log": "logs",
    "alert": "alerts",
}
SURE = 0.99  # is as sure as an analysis of telemetry gets
CUT = 90  # letters of a log template in a sentence


def effect_of(
    suspect: pd.Series, metrics: pd.DataFrame | None, onset: pd.Timestamp, confidence: float
) -> Effect | None:
    """Measure how far a suspect moved; ``None`` for an alert, or a service that fell silent.

    Parameters
    ----------
    suspect
        A row of `aiopslab.incident.suspects.find_suspects`.
    metrics
        Metrics frame, in which a suspect that is a metric is looked up.
    onset
        Where before ends and after begins.
    confidence
        Of the interval of a metric; the others have 95 %.
    """
    kind, name = suspect["kind"], str(suspect["name"])
    if kind == "alert":
        return None
    if kind == "metric":
        if name == SILENT or metrics is None or (suspect["service"], name) not in metrics.columns:
            return None
        return change(metrics[(suspect["service"], name)], onset, confidence)
    low, high = float(suspect["low"]), float(suspect["high"])
    if kind == "operation":
        ratio = (low * high) ** 0.5
        return Effect(f"self-time of {name}", ratio, "×", Interval(low, high))
    points = 100 * (float(suspect["after"]) - float(suspect["before"]))
    interval = Interval(min(100 * low, points), max(100 * high, points))
    return Effect(f"share of requests with “{cut(name)}”", points, "points", interval)


def moved(suspect: pd.Series, effect: Effect | None) -> str:
    """Say in words what a suspect did."""
    kind, name = suspect["kind"], cut(str(suspect["name"]))
    if kind == "alert":
        return f"the alert {name} fires"
    if kind == "metric" and effect is None:
        return "it stopped reporting" if name == SILENT else f"{name} is not as before"
    if kind in ("metric", "operation"):
        assert effect is not None
        subject = name if kind == "metric" else f"the self-time of {name}"
        if effect.unit == "×":
            direction = "rose" if effect.value >= 1 else "fell"
            return f"{subject} {direction} to {effect.value:.3g} times its normal"
        by = f"{abs(effect.value):.3g} {effect.unit}".strip()
        return f"{subject} {'rose' if effect.value >= 0 else 'fell'} by {by}"
    what = {"span": "the step", "error": "a failure of", "log": "the log line"}[str(kind)]
    before, after = 100 * float(suspect["before"]), 100 * float(suspect["after"])
    return f"{what} “{name}” went from {before:.0f} % of its requests to {after:.0f} %"


def finding(
    suspect: pd.Series, service: pd.Series, effect: Effect | None, severity: Level, span: str
) -> Finding:
    """Make a finding of a service and the strongest suspect in it.

    Parameters
    ----------
    suspect, service
        Rows of `find_suspects` and `rank_services`.
    effect
        As `effect_of` measured it.
    severity
        Of the finding.
    span
        The time it holds for, in words.
    """
    claim = moved(suspect, effect)
    probability = float(service["probability"])
    said = f"{100 * probability:.0f} %" if probability < SURE else "over 99 %"
    return Finding(
        f"{claim}: the cause with a probability of {said}.",
        str(service["service"]),
        severity,
        f"{KINDS[str(suspect['kind'])]}: {service['service']} {suspect['name']}, {span}",
        effect,
    )


def hypotheses(
    services: pd.DataFrame, suspects: pd.DataFrame, topology: pd.DataFrame | None, shown: int = 4
) -> pd.DataFrame:
    """List the rival explanations and what would tell each from the first.

    Parameters
    ----------
    services, suspects
        As `rank_services` and `find_suspects` return them.
    topology
        The call graph, if there is one.
    shown
        How many services to list; "none of these" comes after them.

    Returns
    -------
    pandas.DataFrame
        ``hypothesis, probability, for it, what would tell``.
    """
    rows = []
    first = str(services["service"].iloc[0]) if len(services) else ""
    for rank, row in enumerate(services.head(shown).itertuples()):
        service = str(row.service)
        its = suspects[(suspects["service"] == service) & (suspects["strength"] > 0)]
        seen = [cut(str(each)) for each in its.drop_duplicates("signal")["name"].head(3)]
        rival = str(services["service"].iloc[1]) if rank == 0 and len(services) > 1 else first
        rows.append(
            (
                f"it began in {service}",
                row.probability,
                "; ".join(seen),
                _test(service, rival, topology),
            )
        )
    none = 1 - float(services["probability"].sum()) if len(services) else 1.0
    rows.append(
        (
            "it began in none of these",
            none,
            "no service strays much further than on an ordinary day" if none > 0.5 else "",
            "look for what is not recorded: the network, a provider, what users do",
        )
    )
    columns = ["hypothesis", "probability", "for it", "what would tell"]
    table = pd.DataFrame(rows, columns=columns).round({"probability": 3})
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)


def _test(service: str, rival: str, topology: pd.DataFrame | None) -> str:
    """Say what would tell one service from another as the cause."""
    if not rival or service == rival:
        return "roll back or restart it, and see whether the symptoms end"
    if topology is not None and len(topology):
        if service in blast_radius(topology, [rival]):
            return f"it calls {rival}: see whether its requests that do not reach {rival} fail too"
        if rival in blast_radius(topology, [service]):
            return f"{rival} calls it: see whether it is as slow or failing for its other callers"
    return (
        f"neither calls the other: see which of it and {rival} changed first, and what they share"
    )


def joined(first: Verdict, *others: Verdict) -> Verdict:
    """Join verdicts of several analyses of the same time into one.

    Parameters
    ----------
    first
        The main one, which speaks for all unless another is more urgent.
    others
        Of which the findings and actions come after.

    Returns
    -------
    Verdict
        With the level and headline of the most urgent, and all there is of the others, once.

    Examples
    --------
    >>> calm = Verdict("ok", "Nothing abnormal here.", {"services": 8})
    >>> full = Verdict("act", "The disk is full in an hour.", actions=("Free some of it.",))
    >>> both = joined(calm, full)
    >>> both.level, both.headline, both.metrics
    ('act', 'The disk is full in an hour.', {'services': 8})
    """
    every = (first, *others)
    loudest = max(every, key=lambda each: LEVELS.index(each.level))  # the first of equals
    # What made it urgent comes first in the list as well.
    ordered = (loudest, *(each for each in every if each is not loudest))
    return Verdict(
        loudest.level,
        loudest.headline,
        {name: value for each in every for name, value in each.metrics.items()},
        tuple(dict.fromkeys(found for each in ordered for found in each.findings)),
        tuple(dict.fromkeys(action for each in ordered for action in each.actions)),
    )


def cut(text: str, letters: int = CUT) -> str:
    """Shorten a text to so many letters, with an ellipsis."""
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"
