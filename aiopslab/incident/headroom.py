"""Headroom: which resources run out, and how fast the error budget goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, cast

import pandas as pd

from aiopslab.findings import LEVELS, Finding, Verdict
from aiopslab.incident.arguments import read_horizon
from aiopslab.incident.budget import BurnRate
from aiopslab.incident.burn import COVERED
from aiopslab.incident.durations import spoken
from aiopslab.incident.exhaustion import Exhaustion, tabulated
from aiopslab.incident.limits import Series, named_limits, natural_limits
from aiopslab.incident.policy import POLICIES, Policy
from aiopslab.incident.resources import foretell
from aiopslab.incident.slo import ERROR_RATIOS, REQUEST_RATES, service_burn_rate
from aiopslab.incident.views import Listing, measured

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEADING = ("reached", "expected", "possible")
SHOWN = 8  # services whose burn rate a report lists
UNTOLD = ("cannot be foretold", "not enough data")


@dataclass(frozen=True)
class Headroom:
    """What runs out, and how fast the error budget goes.

    Parameters
    ----------
    resources
        By ``(service, metric)``, the most urgent first.
    burns
        Of the services that report errors and requests, the fastest first.
    whole
        The same, each over all the time there is, which nothing is held against.
    horizon
        How far ahead was asked.
    given
        The series whose limit somebody gave.
    unknown
        Names that were given a limit and are not in the metrics, with what to do about each.
    """

    resources: Mapping[Series, Exhaustion]
    burns: tuple[BurnRate, ...]
    whole: tuple[BurnRate, ...]
    horizon: pd.Timedelta
    given: frozenset[Series] = frozenset()
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> dict[Series, Exhaustion]:
        """The resources that are at their limit, or may reach it."""
        return {each: told for each, told in self.resources.items() if told.outlook in HEADING}

    @property
    def services(self) -> list[str]:
        """The services of these, the most urgent first."""
        return list(dict.fromkeys(service for service, _ in self.heading))

    def verdict(self) -> Verdict:
        """Conclude: what runs out first, and what burns its error budget."""
        findings = sorted(self._findings(), key=lambda each: -LEVELS.index(each.severity))
        actions = [
            f"Add what runs out in {each}, or find what takes it up." for each in self.services
        ]
        actions += [f"Correct the limit of {each}. {why}" for each, why in self.unknown.items()]
        if findings:
            first = findings[0]
            named = first.claim.startswith(first.subject)
            headline = first.claim if named else f"{first.subject}: {first.claim}"
            return Verdict(first.severity, headline, {}, tuple(findings), tuple(actions))
        if self.unknown:
            names = ", ".join(self.unknown)
            return Verdict(
                "watch",
                f"Limits are given for what is not measured: {names}.",
                {},
                (),
                tuple(actions),
            )
        return Verdict("ok", "Nothing runs out.")

    def table(self) -> pd.DataFrame:
        """Return the same as `forecast_resources`, one row a limit, the most urgent first."""
        rows = [
            {"service": each[0], "metric": each[1]} | told.row()
            for each, told in self.resources.items()
        ]
        return tabulated(rows)

    def burn_table(self) -> pd.DataFrame:
        """Return how fast each service burns its budget, in the window that tells most.

        Returns
        -------
        pandas.DataFrame
            ``service, window, burn, low, high, threshold, failures, requests, state``, the most
            urgent first. It is the window that fires, else the shortest that can be judged, else
            all the time there is, without a threshold.
        """
        columns = ["window", "burn", "low", "high", "threshold", "failures", "requests", "state"]
        rows = []
        for each, whole in zip(self.burns, self.whole, strict=True):
            table = each.table()
            judged = table[table["state"].isin(["firing", "quiet"])].sort_values("state")
            row = (whole.table().assign(state="not judged") if judged.empty else judged).iloc[0]
            rows.append({"service": each.name} | row[columns].to_dict())
        return pd.DataFrame(rows, columns=["service", *columns])

    def figures(self) -> "list[go.Figure]":
        """Draw the first resource that runs out, and the first budget that burns too fast."""
        running_out = [each.figure() for each in list(self.heading.values())[:1]]
        burning = [each.figure() for each in self.burns if "firing" in each.states][:1]
        return running_out + burning

    def _findings(self) -> list[Finding]:
        found = [
            # A time beyond what can be foretold is in the claim; it is no size to show.
            replace(
                finding,
                subject=service,
                claim=f"{metric} {told.reason}.",
                effect=None if pd.isna(told.time) else finding.effect,
            )
            for (service, metric), told in self.heading.items()
            for finding in told.findings()
        ]
        found += [
            replace(finding, claim=f"{finding.claim}.")
            for each in self.burns
            if "firing" in each.states
            for finding in each.findings()
        ]
        return found

    def _repr_html_(self) -> str:
        return (
            '<section class="aiopslab-headroom">'
            + "".join(f"<p>{escape(each)}</p>" for each in self._on_resources())
            + _table(self._shown())
            + f"<p>{escape(self._on_budget())}</p>"
            + _table(_spoken_burns(self.burn_table()))
            + "</section>"
        )

    def _on_resources(self) -> list[str]:
        """Say how many resources head for their limit, and of how many that cannot be told."""
        said = [f"{name} is not in the metrics. {remedy}" for name, remedy in self.unknown.items()]
        count, ahead = len(self.resources), spoken(self.horizon)
        if not count:
            said.append("Nothing is known to have a limit here: give some with `limits`.")
            return said
        heading = len(self.heading)
        resources = f"{count} resource{'s' if count > 1 else ''} with a known limit"
        verb = "head" if heading > 1 else "heads"
        said.append(f"Of {resources}, {heading or 'none'} {verb} for it within {ahead}.")
        untold = sum(told.outlook in UNTOLD for told in self.resources.values())
        if untold:
            said[-1] += (
                f" No time can be foretold for {untold} of them: a trend foretells what is known "
                "of them no better than a plain guess does, or too little is known."
            )
        return said

    def _shown(self) -> pd.DataFrame:
        """Return what heads for its limit, and of what was asked for what cannot be foretold."""
        asked = {
            each: told
            for each, told in self.resources.items()
            if each in self.heading or (each in self.given and told.outlook in UNTOLD)
        }
        return pd.DataFrame(
            [
                {
                    "service": service,
                    "resource": metric,
                    "now": measured(metric, told.row()["value"]),
                    "limit": measured(metric, told.limit),
                    "outlook": told.outlook,
                    "why": told.reason,
                }
                for (service, metric), told in asked.items()
            ]
        )

    def _on_budget(self) -> str:
        """Say which services burn their budget too fast, or why that cannot be told."""
        if not self.burns:
            return (
                "No service reports both its error ratio and its request rate, so that nothing is "
                "known of an error budget."
            )
        share = f"{100 * self.burns[0].objective:.6g} %"
        goal = f"where {share} of the requests shall be good"
        firing = [each.name for each in self.burns if "firing" in each.states]
        if firing:
            return f"Too fast burns the error budget of {', '.join(firing)}, {goal}."
        if any("quiet" in each.states for each in self.burns):
            return f"No service burns its error budget too fast, {goal}."
        window = spoken(self.burns[0].policies[0].long)
        return (
            f"Whether an error budget burns too fast cannot be judged, {goal}: the shortest window "
            f"that alerts are set on is {window}, and {100 * COVERED:.0f} % of it must be covered."
        )


def headroom(
    metrics: pd.DataFrame | None,
    limits: Mapping[str, float] | None = None,
    objective: float = 0.999,
    horizon: str | pd.Timedelta = "1h",
    confidence: float = 0.95,
    seed: int = 0,
) -> Headroom:
    """Find what runs out within a horizon, and how fast each service burns its error budget.

    Parameters
    ----------
    metrics
        Metrics frame; ``None`` where there is none.
    limits
        Value at which a resource is exhausted, by the name of its metric or by
        ``service/metric``; they come beside those of `aiopslab.incident.limits.natural_limits`.
    objective
        Share of requests that shall be good, between 0 and 1.
    horizon, confidence, seed
        As for `aiopslab.incident.time_to_exhaustion`.

    Returns
    -------
    Headroom

    Raises
    ------
    AIOpsLabError
        If a limit is not finite, or an argument is out of range.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> columns = pd.MultiIndex.from_tuples([("db", "memory_mb")])
    >>> metrics = pd.DataFrame({0: range(200, 800, 5)}, times).set_axis(columns, axis=1)
    >>> headroom(metrics, {"memory_mb": 1000}).verdict().level
    'act'
    """
    ahead = read_horizon(horizon)
    if metrics is None:
        metrics = pd.DataFrame(columns=pd.MultiIndex.from_product([[], []]))
    given, unknown = named_limits(metrics, limits or {})
    every = natural_limits(metrics) | given
    told = foretell(metrics, every, ahead, confidence, seed)
    burns = []
    for service in _serving(metrics):
        its = metrics.loc[:, [service]]
        burns.append(
            [
                service_burn_rate(its, service, objective, confidence=confidence, policies=each)
                for each in (POLICIES, _whole(its))
            ]
        )
    burns.sort(key=lambda each: (-LEVELS.index(each[0].level), -each[1].long[0].failures))
    judged, whole = ([each[side] for each in burns] for side in (0, 1))
    return Headroom(told, tuple(judged), tuple(whole), ahead, frozenset(given), unknown)


def _whole(its: pd.DataFrame) -> tuple[Policy, ...]:
    """Return a window over all that is known of a service, with no threshold."""
    times = its.dropna(how="all").index
    span = times.max() - times.min() if len(times) > 1 else pd.Timedelta("1s")
    return (Policy(float("nan"), span, span, "watch"),)


def _serving(metrics: pd.DataFrame) -> list[str]:
    """Return the services that report an error ratio and a request rate."""
    labels = cast("list[Series]", metrics.columns.to_list())
    both: list[set[str]] = [
        {service for service, metric in labels if metric in names}
        for names in (ERROR_RATIOS, REQUEST_RATES)
    ]
    return sorted(both[0] & both[1])


def _spoken_burns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the burn rates of the services where requests failed, as people read them."""
    failing = table[table["failures"] > 0].head(SHOWN)
    burns = zip(failing["burn"], failing["low"], failing["high"], strict=True)
    return pd.DataFrame(
        {
            "service": failing["service"],
            "over": failing["window"],
            "failures": failing["failures"].round(),
            "requests": failing["requests"].round(),
            "burn rate (interval)": [
                "not covered" if pd.isna(burn) else f"{burn:.2g}× ({low:.2g} to {high:.2g})"
                for burn, low, high in burns
            ],
            "too fast from": failing["threshold"].map("{:g}×".format, na_action="ignore"),
            "alert": failing["state"],
        }
    ).astype({"failures": int, "requests": int})


def _table(table: pd.DataFrame) -> str:
    return Listing(table, "")._repr_html_() if len(table) else ""
