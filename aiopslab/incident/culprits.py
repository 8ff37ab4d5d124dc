"""Which change did it: by when it took effect, where, and what it changed, or none of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.findings import Finding
from aiopslab.incident.clues import WEIGHTS, foreign_hosts, observe
from aiopslab.incident.shipping import taking_effect
from aiopslab.incident.topology import callees

MARGIN = 2.0  # times as likely: with less between them, two changes cannot be told apart
SUSPECTS = 3  # services whose evidence is read
TELLING = 0.25  # of the strongest evidence against them, below which a piece says nothing

_COLUMNS = ["timestamp", "kind", "service", "ref", "description", "score", "probability", "why"]


@dataclass(frozen=True)
class ChangeRanking:
    """Changes ranked as suspects.

    Parameters
    ----------
    changes
        One row a change that had taken effect before the onset, the likeliest first: ``timestamp``
        (when it took effect), ``kind, service, ref, description, score`` (log-odds),
        ``probability, why``, and what was observed of it, see `aiopslab.incident.clues.observe`.
    none
        Probability that no change did it.
    hosts
        What the evidence names that is not ours, and that no change has to do with.
    """

    changes: pd.DataFrame
    none: float
    hosts: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """The refs of the changes that cannot be told apart as the cause, the likeliest first.

        One where it is clear; empty where it is likeliest that no change did it.
        """
        likely = self.changes["probability"]
        if likely.empty or likely.iloc[0] <= self.none:
            return []
        named: list[str] = self.changes.loc[likely * MARGIN > likely.iloc[0], "ref"].tolist()
        return named

    @property
    def culprit(self) -> str | None:
        """The ref of the change that most likely did it; ``None`` where there is no such one."""
        return self.named[0] if len(self.named) == 1 else None

    def table(self, rows: int = 8) -> pd.DataFrame:
        """Return the likeliest changes and "no change did it", with the reasons in words."""
        columns = ["timestamp", "kind", "service", "ref", "description", "probability", "why"]
        shown = self.changes[columns].head(rows)
        why = f"the evidence names {', '.join(self.hosts)}" if self.hosts else ""
        none = {"description": "no change did it", "probability": self.none, "why": why}
        table = pd.concat([shown, pd.DataFrame([none])], ignore_index=True)[columns]
        table = table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
        table["timestamp"] = pd.to_datetime(table["timestamp"], utc=True)
        table["probability"] = table["probability"].round(2)
        table["timestamp"] = table["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("")
        return table.fillna(dict.fromkeys([*columns[1:5], "why"], ""))

    def findings(self) -> tuple[Finding, ...]:
        """Return the culprit, or those that cannot be told apart, as a finding; else nothing."""
        named = self.named
        if not named:
            return ()
        first = self.changes.iloc[0]
        evidence = f"changes: {', '.join(named)}; the first at {first['timestamp']:%H:%M:%S} UTC"
        if len(named) > 1:
            return (
                Finding(
                    f"{', '.join(named[:-1])} and {named[-1]} cannot be told apart as the change "
                    "that did it.",
                    str(first["service"]),
                    "watch",
                    evidence,
                ),
            )
        return (
            Finding(
                f"The {first['kind']} {named[0]} most likely did it, with a probability of "
                f"{100 * first['probability']:.0f} %: {first['why']}.",
                str(first["service"]),
                "act",
                evidence,
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
        Changes frame, perhaps with ``files`` (list of paths) and ``diff`` (unified) for commits,
        which take effect when they are shipped, see `aiopslab.incident.shipping.taking_effect`.
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
    Log-odds of observations are added, as if these were independent of each other (naive Bayes),
    with the weights of `aiopslab.incident.clues`. A ref counts once, where it is likeliest. A
    change is named if it is likelier than none, together with those that are not half as likely.

    Examples
    --------
    >>> onset = pd.Timestamp("2026-03-01T12:00Z")
    >>> changes = pd.DataFrame({
    ...     "timestamp": [onset - pd.Timedelta("5min"), onset - pd.Timedelta("4min")],
    ...     "kind": "deploy", "service": ["auth", "web"], "ref": ["a1", "b2"],
    ...     "description": ["auth: version 2", "web: version 7"]})
    >>> services = pd.DataFrame({"service": ["auth"], "probability": [0.9]})
    >>> suspects = pd.DataFrame({"service": ["auth"], "name": ["latency"], "strength": [3.0]})
    >>> rank_changes(changes, onset, services, suspects).culprit
    'a1'
    """
    if changes is None or onset is None:
        return ChangeRanking(pd.DataFrame(columns=_COLUMNS), 1.0)
    effective = taking_effect(changes)
    delay = onset - effective["timestamp"]
    is_acting = delay.between(pd.Timedelta(0), pd.Timedelta(minutes=lookback_minutes))
    acting = effective[is_acting].reset_index(drop=True)
    if acting.empty:
        return ChangeRanking(pd.DataFrame(columns=_COLUMNS), 1.0)
    likely = services.set_index("service")["probability"]
    share = likely / max(float(likely.sum()), 1e-9)
    calls = {} if topology is None else callees(topology)
    texts = _telling(suspects, services)
    clues = observe(acting, onset, share, calls, texts)
    return weigh(acting.join(clues), foreign_hosts(acting, services["service"], texts))


def weigh(
    observed: pd.DataFrame, hosts: tuple[str, ...], weights: Mapping[str, float] = WEIGHTS
) -> ChangeRanking:
    """Weigh what was observed of each change, and of what lies outside.

    Parameters
    ----------
    observed
        Changes with the columns of `aiopslab.incident.clues.observe`.
    hosts
        As `aiopslab.incident.clues.foreign_hosts` returns them.
    weights
        By observation.
    """
    of_changes = pd.Series({each: weights[each] for each in weights if each in observed})
    scored = observed.assign(score=observed[of_changes.index] @ of_changes)
    order = ["score", "timestamp", "ref", "service", "description"]
    scored = scored.sort_values(order, ascending=False, kind="stable")
    scored = scored.drop_duplicates("ref", ignore_index=True)
    none = weights["none"] + weights["outside"] * bool(hosts)
    scores = np.append(scored["score"].to_numpy(dtype=float), none)
    odds = np.exp(scores - scores.max())
    probability = odds / odds.sum()
    return ChangeRanking(scored.assign(probability=probability[:-1]), float(probability[-1]), hosts)


def _telling(suspects: pd.DataFrame, services: pd.DataFrame) -> list[str]:
    """Return what speaks most against the likeliest services."""
    named = set(services["service"].head(SUSPECTS))
    against = suspects[suspects["service"].isin(named) & (suspects["strength"] > 0)]
    telling = against[against["strength"] >= TELLING * against["strength"].max()]
    return [str(text) for text in telling["name"]]
