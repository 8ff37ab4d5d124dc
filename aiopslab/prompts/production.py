"""Production: what calls cost, how long they take and how good they are, by prompt version."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.findings import Effect, Finding, Interval, Level, Verdict
from aiopslab.frames import conform
from aiopslab.prompts import trends
from aiopslab.prompts.changes import EARLIER, Change, Outcome, changes
from aiopslab.prompts.quantities import ATTEMPTS, Detector, Quantity, measured
from aiopslab.prompts.scorers.attempts import is_attempt
from aiopslab.prompts.scorers.refusals import is_refusal
from aiopslab.statistics.intervals import student, wilson
from aiopslab.statistics.outcomes import Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go

FINDINGS = 12


@dataclass(frozen=True)
class Production:
    """What was watched.

    Parameters
    ----------
    calls
        One row a call: ``timestamp, prompt_version``, and a column a quantity.
    quantities
        That any call has a value of.
    changes
        Each version against the baseline, and against its own earlier half.
    baseline
        The version that the others are compared with; empty where there is no call.
    every
        The width of a bin of time.
    confidence
        Of the intervals.
    cost_usd
        Of all calls whose cost is known.
    """

    calls: pd.DataFrame
    quantities: tuple[Quantity, ...]
    changes: tuple[Change, ...]
    baseline: str
    every: pd.Timedelta
    confidence: float
    cost_usd: float

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the prompt, in the order in which they first ran."""
        return tuple(self.calls["prompt_version"].unique().tolist())

    def table(self) -> pd.DataFrame:
        """Return one row a version and quantity.

        Returns
        -------
        pandas.DataFrame
            ``prompt_version, quantity, unit, first, last, calls, mean, low, high, median, p95``;
            the interval is Wilson's for a share, and Student's for any other mean. Calls are those
            that have a value.
        """
        rows = []
        for version, group in self.calls.groupby("prompt_version", sort=False):
            for quantity in self.quantities:
                values = group[quantity.name].dropna().to_numpy(np.float64)
                if quantity.is_share(values):
                    low, high = wilson(values.sum(), len(values), self.confidence)
                else:
                    low, high = student(values, self.confidence)
                centre, tail = (
                    np.quantile(values, [0.5, 0.95]).tolist() if len(values) else [math.nan] * 2
                )
                times = group["timestamp"]
                mean = float(values.mean()) if len(values) else math.nan
                told = (version, quantity.name, quantity.unit, times.min(), times.max())
                rows.append((*told, len(values), mean, low, high, centre, tail))
        columns = ["prompt_version", "quantity", "unit", "first", "last", "calls", "mean"]
        return pd.DataFrame(rows, columns=[*columns, "low", "high", "median", "p95"])

    def by_version(self) -> pd.DataFrame:
        """Return one row a version as people read it: median and tail of latency, else means."""
        rows: list[dict[str, object]] = []
        counts = self.calls["prompt_version"].value_counts()
        for version, group in self.table().groupby("prompt_version", sort=False):
            row: dict[str, object] = {"version": version, "calls": int(counts[version])}
            for each in group.to_dict("records"):
                unit = f" ({each['unit']})" if each["unit"] else ""
                if each["quantity"] == "latency":
                    row[f"latency p50{unit}"] = f"{each['median']:.0f}"
                    row[f"p95{unit}"] = f"{each['p95']:.0f}"
                else:
                    row[f"{each['quantity']}{unit}"] = f"{each['mean']:.3g}"
            rows.append(row)
        return pd.DataFrame(rows)

    def differences(self) -> pd.DataFrame:
        """Return one row a comparison, in the order in which they were made."""
        columns = ["prompt_version", "against", "quantity", "before", "after", "difference"]
        columns += ["low", "high", "p", "q", "outcome", "calls_before", "calls_after"]
        rows = [
            (
                *(each.version, each.against, each.quantity.name, each.before, each.after),
                *(each.value, each.low, each.high, each.p, each.q, each.outcome, *each.calls),
            )
            for each in self.changes
        ]
        return pd.DataFrame(rows, columns=columns)

    def through_time(self) -> pd.DataFrame:
        """Return ``timestamp, prompt_version, calls`` and the mean of each quantity, bin by bin."""
        return trends.binned(self.calls, self.quantities, self.every)

    def figure(self) -> "go.Figure":
        """Draw each quantity through time, of the versions with the most calls."""
        return trends.figure(self.calls, self.quantities, self.every)

    def verdict(self) -> Verdict:
        """Say what has become worse, and what nobody can tell yet."""
        order: dict[Outcome, int] = {"worse": 0, "changed": 1, "better": 2}
        sure = [each for each in self.changes if each.outcome in order]
        sure.sort(key=lambda each: (each.severity != "act", order[each.outcome], each.q))
        findings = [each.finding() for each in sure[:FINDINGS]]
        findings += self._attempted()
        bad = [each for each in sure if each.severity == "act"]
        if bad or any(each.severity == "watch" for each in findings):
            level: Level = "act" if bad else "watch"
            headline = next(each.claim for each in findings if each.severity == level)
        elif not any(each.outcome != "not enough data" for each in self.changes):
            level = "watch"
            headline = f"Not enough data: {len(self.calls):,} calls show no change of any quantity."
        else:
            level = "ok"
            headline = f"Nothing has surely become worse in {len(self.calls):,} calls."
        return Verdict(level, headline, self._figures(), tuple(findings), _actions(sure))

    def _figures(self) -> dict[str, float]:
        told = {"calls": float(len(self.calls)), "versions": float(len(self.versions))}
        told["cost_usd"] = self.cost_usd
        for quantity in self.quantities:
            told[quantity.name] = float(self.calls[quantity.name].mean())
        return told

    def _attempted(self) -> list[Finding]:
        """Return that there were attempts, whichever version met them."""
        if ATTEMPTS not in self.quantities:
            return []
        values = self.calls[ATTEMPTS.name].dropna().to_numpy(np.float64)
        tried = int(values.sum())
        if not tried:
            return []
        low, high = wilson(tried, len(values), self.confidence)
        share = Effect("share", tried / len(values), "", Interval(low, high, self.confidence))
        claim = f"{tried:,} of {len(values):,} calls look like an attempt to inject instructions."
        return [Finding(claim, "inputs", "watch", "calls: input", share)]


def watch(
    calls: pd.DataFrame,
    quality: Sequence[Metric] = (),
    *,
    is_refusal: Detector | None = is_refusal,
    is_attempt: Detector | None = is_attempt,
    baseline: str | None = None,
    every: str | pd.Timedelta | None = None,
    confidence: float = 0.95,
) -> Production:
    """Watch calls by the version of their prompt, and through time.

    Parameters
    ----------
    calls
        A ``calls`` frame, in any order, and a column for each metric of quality.
    quality
        Names of columns, such as the scores of a judge or feedback of users; NaN is no score.
    is_refusal, is_attempt
        Whether an output declines, and whether an input carries an injection: by how models decline
        in English, and by signs that messages of users seldom have. Each distinct text is asked
        once; none is where ``None``.
    baseline
        The version that the others are compared with; the first that ran where ``None``.
    every
        The width of a bin of time, e.g. ``"1h"``; such that there are at most 48 where ``None``.
    confidence
        Of the intervals; what it lacks to 1 is the chance that any outcome is a false alarm.

    Returns
    -------
    Production

    Raises
    ------
    FrameError
        If the calls do not fit their frame, or a metric has no column of numbers.
    ParameterError
        If the baseline has no call, or a bin or the confidence is none.

    Notes
    -----
    Calls of two versions are not of the same items, so that they are compared unpaired: means by
    B. L. Welch, Biometrika 34, 1947; shares by Fisher's exact test and method 10 of R. G. Newcombe,
    Statistics in Medicine 17, 1998. A version's later half of calls is compared with its earlier
    half in the same way. P-values are corrected by S. Holm, 1979, over all of them. Calls of one
    conversation are alike, which no `calls` frame tells: intervals then are too narrow. Versions
    that ran one after the other differ by the time, too; a split of the traffic tells more.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=80, freq="min", tz="UTC")
    >>> calls = pd.DataFrame({"timestamp": times, "prompt_version": ["v1", "v2"] * 40})
    >>> calls = calls.assign(model="m", input="Hi", output=["Hello", "No."] * 40, cost_usd=0.001)
    >>> calls = calls.assign(input_tokens=9.0, output_tokens=2.0, latency_ms=range(80))
    >>> watch(calls, is_refusal=lambda output: output == "No.").verdict().headline
    'v2 is worse in refusals: 1 against 0 of v1.'
    """
    if not 0 < confidence < 1:
        raise ParameterError(
            f"confidence is {confidence}; expected a number between 0 and 1", "Use 0.95."
        )
    frame = conform("calls", calls)
    table, quantities = measured(frame, quality, is_refusal, is_attempt)
    versions = table["prompt_version"].unique().tolist()
    if baseline is not None and baseline not in versions:
        raise ParameterError(
            f"baseline is {baseline!r}, which has no call", did_you_mean(baseline, versions)
        )
    first = baseline if baseline is not None else next(iter(versions), "")
    return Production(
        table,
        quantities,
        changes(table, quantities, first, confidence),
        first,
        trends.width(table["timestamp"], every),
        confidence,
        float(frame["cost_usd"].sum()),
    )


def _actions(sure: Sequence[Change]) -> tuple[str, ...]:
    told = []
    for each in sure:
        if each.severity == "act" and each.against != EARLIER:
            told.append(f"Roll {each.version} back to {each.against}, and read its worst calls.")
        elif each.severity == "act":
            told.append(f"Find what changed under {each.version}: its inputs, its model, its data.")
    return tuple(dict.fromkeys(told))
