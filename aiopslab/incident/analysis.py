"""The incident analysis: onset, suspects, their evidence, and a verdict that may say no."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.findings import Effect, Finding, Level, Verdict
from aiopslab.incident.effect import change
from aiopslab.incident.onset import MIN_ROWS_AFTER, MIN_ROWS_BEFORE, Onset, find_onset
from aiopslab.incident.ranking import SILENT, rank_metrics, rank_services

if TYPE_CHECKING:
    import plotly.graph_objects as go

ABNORMAL = 1.3  # a service's score below this is ordinary weather
CLEAR = 2.0  # and from here on somebody should get up
CERTAIN = 0.8  # a first rank in fewer of the resamples leaves the suspects undecided
SUSPECTS = 3
ROWS = 6  # metrics drawn as evidence


@dataclass(frozen=True)
class IncidentAnalysis:
    """What the metrics say about an incident.

    Parameters
    ----------
    metrics
        The evidence, ``(times, series)``.
    onset
        When it began; ``None`` where nothing began or where there is too little data to tell.
    services, series
        What `rank_services` and `rank_metrics` returned; empty without an onset.
    confidence
        Of every interval.
    shortage
        What is missing to tell anything; empty where the data suffice.
    """

    metrics: pd.DataFrame
    onset: Onset | None
    services: pd.DataFrame
    series: pd.DataFrame
    confidence: float
    shortage: str = ""

    @property
    def suspects(self) -> list[str]:
        """The services that cannot be told apart as the cause, best first; one when it is clear."""
        if self.services.empty or self.services["score"].iloc[0] < ABNORMAL:
            return []
        covered = self.services["support"].cumsum().shift(fill_value=0.0)
        return self.services.loc[covered < CERTAIN, "service"].head(SUSPECTS).tolist()

    @property
    def started(self) -> pd.Timestamp | None:
        """The onset, where something did begin."""
        return self.onset.time if self.onset is not None and self.suspects else None

    @property
    def level(self) -> Level:
        """How urgent it is, on the scale of the verdict."""
        if self.shortage:
            return "watch"
        if not self.suspects:
            return "ok"
        return "act" if self.services["score"].iloc[0] >= CLEAR else "watch"

    def verdict(self) -> Verdict:
        """Conclude: what happened, when, where it most likely started, and what to do next."""
        rows, services = len(self.metrics), self.metrics.columns.get_level_values(0).nunique()
        figures: dict[str, float] = {"services": services, "rows": rows}
        if self.shortage:
            return Verdict(
                "watch",
                f"Not enough data to tell: {self.shortage}.",
                figures,
                actions=("Widen the window so that it begins well before the incident.",),
            )
        if self.onset is None or not self.suspects:
            return Verdict(
                "ok", f"Nothing abnormal here: {services} services kept to their normal.", figures
            )
        figures |= {
            "top score": self.services["score"].iloc[0],
            "support of the first suspect": self.services["support"].iloc[0],
            "onset interval (s)": (self.onset.high - self.onset.low).total_seconds(),
        }
        findings = tuple(self._finding(service) for service in self._shown())
        return Verdict(self.level, self._headline(), figures, findings, self._actions())

    def table(self) -> pd.DataFrame:
        """Return the services with their strongest metric, best candidate first, ranked from 1."""
        strongest = self.series.drop_duplicates("service").set_index("service")
        ranked = self.services.drop(columns="metric", errors="ignore").join(strongest, on="service")
        ranked = ranked.set_axis(pd.RangeIndex(1, len(ranked) + 1))
        return ranked[
            ["service", "score", "low", "high", "support", "metric", "before", "after"]
        ].round({"score": 2, "low": 2, "high": 2, "support": 2, "before": 4, "after": 4})

    def figure(self) -> "go.Figure":
        """Draw the metrics that speak against the suspects, with the onset marked."""
        from aiopslab.charts import Mark, small_multiples

        marks = []
        if self.onset is not None and self.suspects:
            marks = [Mark(self.onset.time, "onset", self.onset.low, self.onset.high)]
        evidence = self._evidence()
        return small_multiples(
            self.metrics[evidence],
            "The strongest evidence" if marks else "The metrics that moved most",
            marks,
            highlighted=sum(service in self.suspects for service, _ in evidence),
        )

    def ranking_figure(self) -> "go.Figure":
        """Draw the services by score, with the interval of each."""
        from aiopslab.charts import ranked_bars

        return ranked_bars(
            self.services.head(10),
            "service",
            "score",
            "Where it most likely started",
            "score",
            highlighted=len(self.suspects),
        )

    def _repr_html_(self) -> str:
        return self.verdict()._repr_html_() + self.table().to_html(index=False, border=0)

    def _shown(self) -> list[str]:
        strong = self.services.loc[self.services["score"] >= ABNORMAL, "service"].head(SUSPECTS)
        return list(dict.fromkeys([*self.suspects, *strong]))

    def _evidence(self) -> list[tuple[str, str]]:
        """Return the series worth drawing: the suspects' strongest first."""
        drawn = self.series[self.series["metric"] != SILENT]
        order = {service: rank for rank, service in enumerate(self._shown())}
        if order:
            drawn = drawn[drawn["service"].isin(order)]
            drawn = drawn.sort_values("service", key=lambda names: names.map(order), kind="stable")
        best = drawn.groupby("service", sort=False).head(ROWS // SUSPECTS + 1).head(ROWS)
        pairs = list(zip(best["service"], best["metric"], strict=True))
        return pairs or cast("list[tuple[str, str]]", self.metrics.columns[:ROWS].to_list())

    def _finding(self, service: str) -> Finding:
        assert self.onset is not None
        metric, effect = self._strongest(service)
        support = float(self.services.set_index("service")["support"][service])
        start, end = self.onset.time, self.metrics.index[-1]
        evidence = f"metrics: {service} {metric}, {start:%H:%M:%S} to {end:%H:%M:%S} UTC"
        claim = f"{_moved(metric, effect)}. It ranks first in {100 * support:.0f} % of resamples."
        severity: Level = self.level if service in self.suspects else "watch"
        return Finding(claim, service, severity, evidence, effect)

    def _headline(self) -> str:
        assert self.onset is not None
        when = f"{self.onset.time:%Y-%m-%d %H:%M:%S} UTC"
        if len(self.suspects) > 1:
            names = f"{', '.join(self.suspects[:-1])} and {self.suspects[-1]}"
            return f"Something broke at {when}, but {names} cannot be told apart as its cause."
        service = self.suspects[0]
        certainty = "most likely" if self.level == "act" else "perhaps"
        what = _moved(*self._strongest(service))
        return f"An incident began at {when}, {certainty} in {service}: {what}."

    def _strongest(self, service: str) -> tuple[str, Effect | None]:
        """Return the service's strongest metric and how much it changed; none for a silence."""
        assert self.onset is not None
        metric = str(self.series.loc[self.series["service"] == service, "metric"].iloc[0])
        if metric == SILENT:
            return metric, None
        return metric, change(self.metrics[(service, metric)], self.onset.time, self.confidence)

    def _actions(self) -> tuple[str, ...]:
        assert self.onset is not None
        first = self.suspects[0]
        window = f"{self.onset.low:%H:%M:%S} and {self.onset.high:%H:%M:%S} UTC"
        actions = [
            f"Read the logs and traces of {first} between {window}.",
            f"Look for a deploy, flag or configuration change of {first} shortly before that.",
        ]
        if len(self.suspects) > 1:
            actions.insert(
                0,
                f"To tell {' from '.join(self.suspects[:2])}: see which of them calls the other, "
                "and suspect the one that is called.",
            )
        return tuple(actions)


def analyse(
    metrics: pd.DataFrame,
    onset: pd.Timestamp | str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> IncidentAnalysis:
    """Find when an incident started and where.

    Parameters
    ----------
    metrics
        Metrics frame (`aiopslab.frames`), ``(times, series)``, beginning before the incident.
    onset
        When it began, where that is known, e.g. from an alert; ``None`` to find it.
    confidence
        Of every interval, 0 to 1.
    seed
        Of the resampling: equal seeds, equal results.

    Returns
    -------
    IncidentAnalysis
        With ``.verdict()``, ``.table()`` and ``.figure()``.

    Raises
    ------
    FrameError
        If a given onset is not a time, or lies outside the metrics.

    Examples
    --------
    >>> import numpy as np
    >>> times = pd.date_range("2026-03-01", periods=120, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["latency_ms", "cpu"]])
    >>> noise = np.random.default_rng(7).normal(10, 1, size=(120, 4))
    >>> noise[80:, :2] *= 4
    >>> analyse(pd.DataFrame(noise, times, columns)).suspects
    ['auth']
    """
    empty = pd.DataFrame(columns=["service", "score", "low", "high", "support", "metric"])
    nothing = pd.DataFrame(
        columns=["service", "metric", "strength", "direction", "before", "after"]
    )
    observed = metrics.loc[:, metrics.notna().any()]
    needed = MIN_ROWS_BEFORE + MIN_ROWS_AFTER
    if len(observed) < needed or observed.empty:
        shortage = f"{len(observed)} rows with values, at least {needed} are needed"
        if observed.shape[1] == 0:
            shortage = "no metric has a single value"
        return IncidentAnalysis(metrics, None, empty, nothing, confidence, shortage)
    found = find_onset(observed, confidence, seed) if onset is None else _given(observed, onset)
    if found is None:
        return IncidentAnalysis(metrics, None, empty, nothing, confidence)
    return IncidentAnalysis(
        metrics,
        found,
        rank_services(observed, found.time, seed),
        rank_metrics(observed, found.time),
        confidence,
    )


def _given(metrics: pd.DataFrame, onset: pd.Timestamp | str) -> Onset:
    try:
        time = pd.Timestamp(onset)
    except ValueError:
        raise FrameError(
            f"onset is {onset!r}, which is not a time", "Write it as 2026-03-01T12:00:00+00:00."
        ) from None
    time = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    first, last = metrics.index[0], metrics.index[-1]
    if not first < time <= last:
        raise FrameError(
            f"onset is {time}; the metrics run from {first} to {last}",
            "Give a time inside that window, or none to have it found.",
        )
    return Onset(time, time, time, float("nan"))


def _moved(metric: str, effect: Effect | None) -> str:
    """Say what a metric did."""
    if effect is None:
        return "it stopped reporting"
    if effect.unit == "×":
        direction = "rose" if effect.value >= 1 else "fell"
        return f"{metric} {direction} to {effect.value:.3g} times its normal"
    by = f"{abs(effect.value):.3g} {effect.unit}".strip()
    return f"{metric} {'rose' if effect.value >= 0 else 'fell'} by {by}"
