"""Which change did it: by when it took effect, where, and what it changed, or none of them."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.findings import Finding
from aiopslab.incident.patches import Patch, read_patch, words
from aiopslab.incident.topology import callees

SHOWN = 8  # words in a reason

# What each observation adds to the logarithm of the odds that a change did it. Time, place and
# substance are of like weight; none alone outweighs the odds that no change did it.
NO_CHANGE = 2.0  # that the cause is outside: a provider, the network, data, demand
OUTSIDE = 1.5  # more, where the evidence speaks of what no change of ours makes fail
HALVING = pd.Timedelta("10min")  # each doubling of the delay beyond it halves the odds
AT_SUSPECT = 1.5  # it took effect in a service that is suspected
BELOW_SUSPECT = 0.75  # or in one that a suspect calls
ABOVE_SUSPECT = 0.0  # or in one that calls a suspect, which it may ask too much of
ELSEWHERE = -1.5
SPOKEN_OF = 0.75  # a word that it changes is in what speaks against the suspects; at most twice
TWICE = 2
SUBSTANCE = 1.5  # it removes or adds calls or conditions, or changes a number
HARMLESS = -2.5  # it changes comments, texts, logging, tests, styles or documents alone
SETTING = 1.0  # more, where a number or its unit is given another value in its place
UPGRADE = -1.0  # it moves versions of what it depends on
REWORDED = -1.0  # it says the same with other words: what it removes and adds are alike
UNKNOWN = 0.0  # nothing is known of what it changed
NOT_SHIPPED = -2.0  # its service was deployed by other commits, not by this


_OUTSIDE = re.compile(
    r"\bdns\b|resolver|nxdomain|servfail|no such host|\bregion|slow ?down|throttl|certificate"
    r"|expired cert|malformed|out of range|corrupt|disk failure|packet loss",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ChangeRanking:
    """Changes ranked as suspects.

    Parameters
    ----------
    changes
        One row a change that had taken effect before the onset, the likeliest first: ``timestamp``
        (when it took effect), ``kind, service, ref, description, score`` (log-odds),
        ``probability, why``.
    none
        Probability that no change did it.
    """

    changes: pd.DataFrame
    none: float

    @property
    def culprit(self) -> str | None:
        """The ref of the change that most likely did it; ``None`` where none is the likeliest."""
        if self.changes.empty or self.changes["probability"].iloc[0] < self.none:
            return None
        return str(self.changes["ref"].iloc[0])

    def table(self, rows: int = 8) -> pd.DataFrame:
        """Return the likeliest changes and "no change did it", with the reasons in words."""
        columns = ["timestamp", "kind", "service", "ref", "description", "probability", "why"]
        shown = self.changes[columns].head(rows)
        none = {"description": "no change did it", "probability": self.none}
        table = pd.concat([shown, pd.DataFrame([none])], ignore_index=True)[columns]
        table = table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
        table["timestamp"] = pd.to_datetime(table["timestamp"], utc=True)
        table["probability"] = table["probability"].round(2)
        table["timestamp"] = table["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("")
        return table.fillna(dict.fromkeys([*columns[1:5], "why"], ""))

    def findings(self) -> tuple[Finding, ...]:
        """Return the culprit as a finding; nothing where there is none."""
        if self.culprit is None:
            return ()
        first = self.changes.iloc[0]
        return (
            Finding(
                f"The {first['kind']} {first['ref']} most likely did it, with a probability of "
                f"{100 * first['probability']:.0f} %: {first['why']}.",
                str(first["service"]),
                "act",
                f"changes: {first['ref']} at {first['timestamp']:%H:%M:%S} UTC",
            ),
        )

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, border=0)


def rank_changes(
    changes: pd.DataFrame | None,
    onset: pd.Timestamp | None,
    services: pd.DataFrame,
    suspects: pd.DataFrame,
    topology: pd.DataFrame | None = None,
    lookback_minutes: float = 120,
) -> ChangeRanking:
    """Rank changes by how likely they caused an incident.

    Parameters
    ----------
    changes
        Changes frame, perhaps with ``files`` (list of paths) and ``diff`` (unified) for commits.
        A commit takes effect when a deploy whose `ref` is that commit ships it, else with the
        next deploy of its service.
    onset
        When the incident began; ``None`` ranks nothing.
    services, suspects
        As `rank_services` and `find_suspects` return them.
    topology
        The call graph, if there is one.
    lookback_minutes
        How long before the onset a change may have taken effect.

    Returns
    -------
    ChangeRanking

    Notes
    -----
    Log-odds of independent observations are added (naive Bayes), with weights that are set by
    hand and stand in this module: when it took effect, in which service, what of it the evidence
    speaks of, and whether the patch changes what the code does. What a patch does is read from
    the words that it removes and does not add, and the reverse; a patch that moves the same words
    about changes little.

    Examples
    --------
    >>> onset = pd.Timestamp("2026-03-01T12:00Z")
    >>> changes = pd.DataFrame({
    ...     "timestamp": [onset - pd.Timedelta("5min"), onset - pd.Timedelta("4min")],
    ...     "kind": "deploy", "service": ["auth", "web"], "ref": ["a1", "b2"],
    ...     "description": ["auth: version 2", "web: version 7"]})
    >>> services = pd.DataFrame({"service": ["auth"], "probability": [0.9]})
    >>> suspects = pd.DataFrame({"service": ["auth"], "name": ["latency"], "strength": [3.0]})
    >>> rank_changes(changes, onset, services, suspects).changes["ref"].tolist()
    ['a1', 'b2']
    """
    if changes is None or changes.empty or onset is None:
        return ChangeRanking(_empty(), 1.0)
    effective = _taking_effect(changes)
    delay = onset - effective["timestamp"]
    acting = effective[
        (delay >= pd.Timedelta(0)) & (delay <= pd.Timedelta(minutes=lookback_minutes))
    ].reset_index(drop=True)
    if acting.empty:
        return ChangeRanking(_empty(), 1.0)
    likely = services.set_index("service")["probability"]
    share = likely / max(float(likely.sum()), 1e-9)
    calls = {} if topology is None else callees(topology)
    spoken = _spoken(suspects, services)
    rows = [_judge(row, onset, share, calls, spoken) for _, row in acting.iterrows()]
    scored = acting.assign(score=[score for score, _ in rows], why=[why for _, why in rows])
    none = NO_CHANGE + OUTSIDE * _speaks_of_outside(suspects, services)
    weights = np.exp(np.append(scored["score"].to_numpy(dtype=float), none))
    weights = weights / weights.sum()
    scored["probability"] = weights[:-1]
    ranked = scored.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
    return ChangeRanking(ranked, float(weights[-1]))


def _empty() -> pd.DataFrame:
    columns = ["timestamp", "kind", "service", "ref", "description", "score", "probability", "why"]
    return pd.DataFrame(columns=columns)


def _taking_effect(changes: pd.DataFrame) -> pd.DataFrame:
    """Return each change with the time and the service at which it took effect, commits once."""
    table = changes.assign(
        ref=changes["ref"].fillna(""), service=changes["service"].fillna(""), shipped=True
    )
    deploys = table[table["kind"] == "deploy"].sort_values("timestamp")
    commits = table[table["kind"] == "commit"].copy()
    refs = set(commits["ref"])
    # Where deploys name the commits that they ship, one that none names was not shipped.
    are_named = deploys["ref"].isin(refs - {""}).any()
    for index, commit in commits.iterrows():
        own = deploys[(deploys["ref"] == commit["ref"]) & (commit["ref"] != "")]
        if own.empty:
            later = deploys[
                (deploys["timestamp"] >= commit["timestamp"])
                & (deploys["service"] == commit["service"])
            ]
            commits.loc[index, "shipped"] = not are_named
            own = later
        if len(own):
            commits.loc[index, "timestamp"] = own["timestamp"].iloc[0]
            commits.loc[index, "service"] = own["service"].iloc[0]
    rest = table[(table["kind"] != "commit") & ~table["ref"].isin(refs - {""})]
    return pd.concat([commits, rest], ignore_index=True)


def _spoken(suspects: pd.DataFrame, services: pd.DataFrame) -> set[str]:
    """Return the words of what speaks against the likeliest services."""
    return {word for text in _telling(suspects, services) for word in words(text)}


def _speaks_of_outside(suspects: pd.DataFrame, services: pd.DataFrame) -> bool:
    return any(_OUTSIDE.search(text) for text in _telling(suspects, services))


def _telling(suspects: pd.DataFrame, services: pd.DataFrame) -> list[str]:
    named = set(services["service"].head(3))
    telling = suspects[(suspects["strength"] > 0) & suspects["service"].isin(named)]
    return [str(text) for text in telling["name"].head(60)]


def _judge(
    change: pd.Series,
    onset: pd.Timestamp,
    share: "pd.Series[float]",
    calls: dict[str, list[str]],
    spoken: set[str],
) -> tuple[float, str]:
    """Return the log-odds of one change and the reasons in words."""
    delay = onset - change["timestamp"]
    minutes = delay.total_seconds() / 60
    score = -float(np.log(2)) * max(0.0, float(np.log2(max(delay / HALVING, 1e-9))))
    reasons = [f"took effect {minutes:.0f} min before"]
    place, where = _place(str(change["service"]), share, calls)
    score += place
    reasons.append(where)
    patch = read_patch(change.get("diff"), change.get("files"))
    what, how = _substance(patch)
    score += what
    reasons.append(how)
    described = words(str(change["description"])) | words(" ".join(patch.files))
    shared = sorted((patch.net | described) & spoken) if patch.changes_code else []
    if shared:
        score += SPOKEN_OF * min(len(shared), TWICE)
        reasons.append(f"the evidence speaks of {', '.join(shared[:SHOWN])}")
    if not change["shipped"]:
        score += NOT_SHIPPED
        reasons.append("no deploy is known to have shipped it")
    return score, "; ".join(each for each in reasons if each)


def _place(
    service: str, share: "pd.Series[float]", calls: dict[str, list[str]]
) -> tuple[float, str]:
    """Weigh where a change took effect by how far its service is suspected."""
    at = float(share.get(service, 0.0))
    callers = [each for each, called in calls.items() if service in called]
    below = min(sum(float(share.get(each, 0.0)) for each in callers), 1 - at)
    above = sum(float(share.get(each, 0.0)) for each in calls.get(service, ()))
    above = min(above, 1 - at - below)
    weight = at * AT_SUSPECT + below * BELOW_SUSPECT + above * ABOVE_SUSPECT
    weight += (1 - at - below - above) * ELSEWHERE
    if at >= 0.5:
        return weight, f"in {service}, the suspect"
    if below >= 0.5:
        return weight, f"in {service}, which a suspect calls"
    if above >= 0.5:
        return weight, f"in {service}, which calls a suspect"
    return weight, f"in {service or 'no known service'}"


def _substance(patch: Patch) -> tuple[float, str]:
    """Weigh whether a patch changes what the code does."""
    if not patch.is_known:
        return UNKNOWN, ""
    if not patch.changes_code:
        return HARMLESS, "changes no behaviour: texts, comments, logging, styles or tests"
    if patch.is_upgrade:
        return UPGRADE, "moves versions of what it depends on"
    if patch.sets_a_number:
        return SUBSTANCE + SETTING, "gives a setting another value"
    if patch.is_rewording:
        return REWORDED, "says the same with other words"
    return SUBSTANCE, f"changes {', '.join(sorted(patch.net)[:SHOWN])}"
