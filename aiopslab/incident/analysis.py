"""What the evidence says about an incident: onset, suspects, and a verdict that may say no."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.findings import Effect, Finding, Level, Verdict
from aiopslab.incident.alerting import firing
from aiopslab.incident.case import Case
from aiopslab.incident.conclusion import effect_of, finding, hypotheses, moved
from aiopslab.incident.culprits import ChangeRanking, rank_changes
from aiopslab.incident.onset import Onset
from aiopslab.incident.operations import slowest_paths
from aiopslab.incident.surges import compare_templates
from aiopslab.incident.topology import blast_radius
from aiopslab.incident.views import (
    evidence_series,
    ranking_table,
    suspects_table,
    templates_table,
)
from aiopslab.wording import named

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.charts import Mark

CLEAR = 1.5  # times the bar, from which somebody should get up
CERTAIN = 0.8  # suspects that have so much of the probability between them are all named
SUSPECTS = 3
PATH = ["request", "service", "operation", "before_ms", "after_ms", "extra_ms"]
DRAWN = 4  # series at the top of the timeline


@dataclass(frozen=True)
class IncidentAnalysis:
    """What the evidence says about an incident.

    Parameters
    ----------
    case
        The evidence, prepared.
    onset
        When it began; ``None`` where nothing began or where there is too little data to tell.
    services, suspects
        What `rank_services` and `find_suspects` returned; empty without an onset.
    bar
        Score that a service reaches on an ordinary day of this system.
    confidence
        Of every interval.
    was_given
        Whether somebody named the onset, so that something did happen.
    shortage
        What is missing to tell anything; empty where the data suffice.
    """

    case: Case
    onset: Onset | None
    services: pd.DataFrame
    suspects: pd.DataFrame
    bar: float
    confidence: float
    was_given: bool = False
    shortage: str = ""
    span: str = field(default="", kw_only=True)

    @cached_property
    def named(self) -> list[str]:
        """The services that cannot be told apart as the cause, best first; one when it is clear."""
        if self.services.empty or self.services["score"].iloc[0] < self.bar:
            return []
        share = self.services["probability"] / self.services["probability"].sum()
        covered = share.cumsum().shift(fill_value=0.0)
        likely = self.services[(covered < CERTAIN) & (self.services["score"] >= self.bar / 2)]
        return likely["service"].head(SUSPECTS).tolist()

    @property
    def started(self) -> pd.Timestamp | None:
        """The onset, where something did begin."""
        return (
            self.onset.time if self.onset is not None and (self.named or self.was_given) else None
        )

    @property
    def level(self) -> Level:
        """How urgent it is, on the scale of the verdict."""
        if self.shortage:
            return "watch"
        if not self.named:
            return "watch" if self.was_given or len(self.firing) else "ok"
        return "act" if self.services["score"].iloc[0] >= CLEAR * self.bar else "watch"

    @cached_property
    def firing(self) -> pd.DataFrame:
        """The alerts that are not resolved at the end, see `aiopslab.incident.alerting.firing`."""
        return firing(self.case.alerts)

    @property
    def blast_radius(self) -> list[str]:
        """The services that depend on the first suspect, directly or not."""
        if self.case.topology is None or not self.named:
            return []
        return blast_radius(self.case.topology, self.named[:1])

    def verdict(self, changes: ChangeRanking | None = None) -> Verdict:
        """Conclude: what happened, when, where it most likely started, and what to do next.

        Parameters
        ----------
        changes
            As `rank_changes` returned them; a change that most likely did it becomes a finding.
        """
        figures: dict[str, float] = {"services": len(self.case.services)}
        if self.onset is None or not self.named:
            return Verdict(self.level, self._calm(), figures, self._fired(), self._next())
        figures |= {
            "top score": float(self.services["score"].iloc[0]),
            "score of an ordinary day": self.bar,
            "probability of the first suspect": float(self.services["probability"].iloc[0]),
            "onset interval (s)": (self.onset.high - self.onset.low).total_seconds(),
        }
        findings = tuple(self._finding(service) for service in self._shown())
        if changes is not None:
            findings += changes.findings()
        return Verdict(self.level, self._headline(), figures, findings, self._actions())

    def hypotheses(self) -> pd.DataFrame:
        """List the rival explanations with their probability and what would tell them apart."""
        return hypotheses(self.services, self.suspects, self.case.topology)

    def table(self) -> pd.DataFrame:
        """Return the services with their strongest suspect, best candidate first, from rank 1."""
        return ranking_table(self.services, self.suspects)

    def suspects_table(self, rows: int = 20) -> pd.DataFrame:
        """Return what speaks against the named services, the strongest first."""
        shown = self._shown() or self.services["service"].head(1).tolist()
        return suspects_table(self.suspects, shown, rows)

    def templates(self) -> pd.DataFrame:
        """Compare the log templates before and after, see `compare_templates`; empty without."""
        logs = self.case.logs[~self.case.logs["is_quiet"]]
        times = logs["timestamp"]
        if self.started is None or not times.min() < self.started <= times.max():
            return compare_templates(logs.iloc[:0], pd.Timestamp(0, tz="UTC"))
        texts = logs["template"].map(self.case.templates)
        return compare_templates(logs.assign(template=texts), self.started, self.confidence)

    def templates_table(self, rows: int = 12) -> pd.DataFrame:
        """Return the log templates that changed, the most telling first."""
        return templates_table(self.templates(), rows)

    def slowest_paths(self, rows: int = 10) -> pd.DataFrame:
        """Compare where the slowest requests spent their time before and after the onset."""
        spans = self.case.spans
        if self.started is None or self.onset is None or spans.empty:
            return pd.DataFrame(columns=PATH)
        quiet = spans[spans["is_quiet"] | (spans["begun"] < self.onset.low)]
        now = spans[~spans["is_quiet"] & (spans["begun"] >= self.started)]
        return slowest_paths(quiet, now).reindex(columns=PATH).head(rows).round(1)

    def rank_changes(
        self, changes: pd.DataFrame | None, lookback_minutes: float = 120
    ) -> ChangeRanking:
        """Rank changes as suspects, see `aiopslab.incident.culprits.rank_changes`."""
        return rank_changes(
            changes,
            self.started,
            self.services,
            self.suspects,
            self.case.topology,
            lookback_minutes,
        )

    def figure(self) -> "go.Figure":
        """Draw the metrics that speak against the suspects, with the onset marked."""
        from aiopslab.charts import small_multiples

        evidence = self._drawn()
        marks = self._marks()
        title = "The strongest evidence" if marks else "The metrics that moved most"
        highlighted = sum(service in self.named for service, _ in evidence)
        return small_multiples(self.case.series[evidence], title, marks, highlighted=highlighted)

    def timeline(
        self, alerts: pd.DataFrame | None = None, changes: pd.DataFrame | None = None
    ) -> "go.Figure":
        """Draw metrics, log templates that changed, alerts and changes on one time axis."""
        from aiopslab.charts import timeline

        compared = self.templates()
        surges = compared[compared["change"].isin(["new", "surged"])]
        metrics = self.case.series[self._drawn()[:DRAWN]]
        return timeline(metrics, self._marks(), surges, alerts, changes)

    def service_map(self) -> "go.Figure":
        """Draw who calls whom, how far off each service is, and whom the suspects drag along."""
        from aiopslab.charts import service_map

        scores = self.services.set_index("service")["score"]
        return service_map(self.case.topology, scores, self.named)

    def ranking_figure(self) -> "go.Figure":
        """Draw the services by score, with the interval of each."""
        from aiopslab.charts import ranked_bars

        return ranked_bars(
            self.services.head(10),
            "service",
            "score",
            "Where it most likely started",
            "score",
            highlighted=len(self.named),
        )

    def _repr_html_(self) -> str:
        return self.verdict()._repr_html_() + self.table().to_html(index=False, border=0)

    def _shown(self) -> list[str]:
        strong = self.services.loc[self.services["score"] >= self.bar, "service"].head(SUSPECTS)
        return list(dict.fromkeys([*self.named, *strong]))

    def _drawn(self) -> list[tuple[str, str]]:
        return evidence_series(self.suspects, self.case.series, self._shown())

    def _marks(self) -> "list[Mark]":
        from aiopslab.charts import Mark

        if self.onset is None or self.started is None:
            return []
        return [Mark(self.onset.time, "onset", self.onset.low, self.onset.high)]

    def _finding(self, service: str) -> Finding:
        suspect = self._strongest(service)
        row = self.services[self.services["service"] == service].iloc[0]
        severity: Level = self.level if service in self.named else "watch"
        return finding(suspect, row, self._effect(suspect), severity, self.span)

    def _headline(self) -> str:
        assert self.onset is not None
        when = f"{self.onset.time:%Y-%m-%d %H:%M:%S} UTC"
        if len(self.named) > 1:
            names = f"{', '.join(self.named[:-1])} and {self.named[-1]}"
            return f"Something broke at {when}, but {names} cannot be told apart as its cause."
        service = self.named[0]
        certainty = "most likely" if self.level == "act" else "perhaps"
        suspect = self._strongest(service)
        what = moved(suspect, self._effect(suspect))
        return f"An incident began at {when}, {certainty} in {service}: {what}."

    def _strongest(self, service: str) -> pd.Series:
        return self.suspects[self.suspects["service"] == service].iloc[0]

    def _effect(self, suspect: pd.Series) -> Effect | None:
        assert self.onset is not None
        return effect_of(suspect, self.case.metrics, self.onset.time, self.confidence)

    def _calm(self) -> str:
        """Say that nobody is named, and why."""
        if self.shortage:
            return f"Not enough data to tell: {self.shortage}."
        count = len(self.case.services)
        if self.started is not None:
            return (
                f"Whatever began at {self.started:%Y-%m-%d %H:%M:%S} UTC did not begin in these "
                f"{count} services: none strays further than on an ordinary day."
            )
        if len(self.firing):
            first = self.firing.iloc[0]
            more = f" and {len(self.firing) - 1} more" if len(self.firing) > 1 else ""
            return (
                f"The alert {first['name']} of {first['service']}{more} fires, though none of "
                f"{count} services strays further than on an ordinary day."
            )
        return f"Nothing abnormal here: {count} services kept to their normal."

    def _fired(self) -> tuple[Finding, ...]:
        """Return the alerts that fire, where nobody is named for them."""
        return tuple(
            Finding(
                f"The alert {row['name']} fires since {row['start']:%Y-%m-%d %H:%M:%S} UTC.",
                str(row["service"]),
                "watch",
                f"alerts: {row['name']}, {row['severity']}",
            )
            for _, row in self.firing.head(SUSPECTS).iterrows()
        )

    def _next(self) -> tuple[str, ...]:
        """Say what to do where nobody is named."""
        if self.shortage:
            return ("Widen the window so that it begins well before the incident.",)
        if self.started is not None:
            return ("Look at what is not recorded here: network, providers, demand.",)
        if len(self.firing):
            return ("Look at what the alert is about, and whether its threshold still fits.",)
        return ()

    def _actions(self) -> tuple[str, ...]:
        assert self.onset is not None
        first, *others = map(named, self.named)
        window = f"{self.onset.low:%H:%M:%S} and {self.onset.high:%H:%M:%S} UTC"
        actions = [f"Read the logs and traces of {first} between {window}."]
        actions.append(f"Look for a change of {first} shortly before that, and undo it.")
        if others:
            rivals = self.hypotheses().set_index("hypothesis")["what would tell"]
            tell = rivals.get(f"it began in {self.named[1]}", "")
            actions.insert(0, f"To tell {first} from {others[0]}: of the latter, {tell}.")
        return tuple(actions)
