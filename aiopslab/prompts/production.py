"""Production: what calls cost, how long they take and how good they are, by prompt version."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab import durations
from aiopslab.charts.multiples import Mark, small_multiples
from aiopslab.errors import FrameError, ParameterError, SourceError, did_you_mean
from aiopslab.findings import Effect, Finding, Interval, Level, Verdict
from aiopslab.frames import conform
from aiopslab.mlflow_server import connect, without_credentials
from aiopslab.prompts.comparison import MARGIN, Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from mlflow.entities import Trace

Floats = npt.NDArray[np.float64]
Wanted = Literal["more", "less", "neither"]
Outcome = Literal["better", "worse", "changed", "equivalent", "not enough data"]
Detector = Callable[[str], bool]

ENOUGH = 10  # calls on each side, below which nothing is said of the difference
RELATIVE_MARGIN = 0.05  # of tokens, cost and latency: a twentieth is thought too little to matter
MOST_BINS = 48  # of the time that is drawn
VERSIONS_DRAWN = 3
FINDINGS = 12
EARLIER = "its earlier half"
UNKNOWN = "unknown"
_STEPS = ("1min", "5min", "15min", "1h", "3h", "6h", "1D", "7D", "28D", "91D", "364D")


@dataclass(frozen=True)
class Quantity:
    """What is watched.

    Parameters
    ----------
    name
        As it is called in tables and figures.
    unit
        Empty for a share or a score.
    wanted
        Whether ``more`` of it is better, ``less``, or ``neither``.
    margin
        The largest difference that does not matter, in its unit; a twentieth of what was where
        ``None``.

    Examples
    --------
    >>> Quantity("latency", "ms").label
    'latency (ms)'
    """

    name: str
    unit: str = ""
    wanted: Wanted = "less"
    margin: float | None = None

    @property
    def label(self) -> str:
        """The name with the unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def is_share(self, *values: Floats) -> bool:
        """Whether values say yes or no; what is counted in tokens, USD or ms never does."""
        return self.margin is not None and all(np.isin(each, (0, 1)).all() for each in values)


REFUSALS = Quantity("refusals", margin=MARGIN)
ATTEMPTS = Quantity("injection attempts", wanted="neither", margin=MARGIN)
USAGE = {
    "input_tokens": Quantity("input tokens"),
    "output_tokens": Quantity("output tokens"),
    "cost_usd": Quantity("cost a query", "USD"),
    "latency_ms": Quantity("latency", "ms"),
}
HARMLESS = {each.name for each in USAGE.values()}  # dearer or slower is not yet wrong


@dataclass(frozen=True)
class Change:
    """One quantity of one version, against another version or its own earlier half.

    Parameters
    ----------
    quantity
        Which.
    version
        Of the prompt.
    against
        The version that it is compared with, or ``its earlier half``.
    before, after
        The two means.
    low, high
        The interval of the difference; NaN where there are too few calls.
    p, q
        Two-sided, as it is and after the correction for all that was compared.
    calls
        On each side.
    confidence
        Of the interval.
    together
        Whether both ran at the same time, at least in part.
    """

    quantity: Quantity
    version: str
    against: str
    before: float
    after: float
    low: float
    high: float
    p: float
    q: float
    calls: tuple[int, int]
    confidence: float
    together: bool = True

    @property
    def value(self) -> float:
        """By how much it is more."""
        return self.after - self.before

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        margin = self.quantity.margin
        margin = RELATIVE_MARGIN * abs(self.before) if margin is None else margin
        if math.isnan(self.low):
            return "not enough data"
        if (-margin < self.low and self.high < margin) or self.low == self.high == 0:
            return "equivalent"
        if self.q > 1 - self.confidence or self.low <= 0 <= self.high:
            return "not enough data"
        if self.quantity.wanted == "neither":
            return "changed"
        return "better" if (self.value > 0) == (self.quantity.wanted == "more") else "worse"

    @property
    def severity(self) -> Level:
        """How bad that is: what only costs more can wait."""
        if self.outcome == "worse":
            return "watch" if self.quantity.name in HARMLESS else "act"
        return "watch" if self.outcome == "changed" and self.value > 0 else "ok"

    def __str__(self) -> str:
        unit = f" {self.quantity.unit}" if self.quantity.unit else ""
        verb = {"changed": "has more" if self.value > 0 else "has fewer"}.get(
            self.outcome, f"is {self.outcome} in"
        )
        when = "" if self.together else "; they did not run at the same time"
        return (
            f"{self.version} {verb} {self.quantity.name}: {self.after:.3g}{unit} against "
            f"{self.before:.3g}{unit} of {self.against}{when}."
        )


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
                interval = _interval_of_share if quantity.is_share(values) else _interval_of_mean
                low, high = interval(values, self.confidence)
                centre, tail = (
                    np.quantile(values, [0.5, 0.95]).tolist() if len(values) else [math.nan] * 2
                )
                times = group["timestamp"]
                mean = float(values.mean()) if len(values) else math.nan
                told = (version, quantity.name, quantity.unit, times.min(), times.max())
                rows.append((*told, len(values), mean, low, high, centre, tail))
        columns = ["prompt_version", "quantity", "unit", "first", "last", "calls", "mean"]
        return pd.DataFrame(rows, columns=[*columns, "low", "high", "median", "p95"])

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
        names = [each.name for each in self.quantities]
        bins = self.calls.assign(timestamp=self.calls["timestamp"].dt.floor(self.every), calls=1)
        grouped = bins.groupby(["timestamp", "prompt_version"], sort=True)
        return grouped[["calls"]].sum().join(grouped[names].mean()).reset_index()

    def figure(self) -> "go.Figure":
        """Draw each quantity through time, of the versions with the most calls."""
        told = self.through_time()
        most = self.calls["prompt_version"].value_counts().index[:VERSIONS_DRAWN]
        drawn = [each for each in self.versions if each in set(most)]
        index = pd.DatetimeIndex([], tz="UTC")
        if len(told):
            ends = told["timestamp"].min(), told["timestamp"].max()
            index = pd.date_range(*ends, freq=self.every)
        of_version = {
            each: told[told["prompt_version"] == each].set_index("timestamp") for each in drawn
        }
        series = pd.DataFrame(
            {
                (quantity.label, _short(each)): of_version[each][quantity.name].reindex(index)
                for quantity in self.quantities
                for each in drawn
            },
            index,
        )
        starts = self.calls.groupby("prompt_version", sort=False)["timestamp"].min()
        marks = [Mark(starts[each], _short(each)) for each in drawn if each != self.versions[0]]
        title = "Calls in production, by version of the prompt"
        if len(drawn) < len(self.versions):
            title += f": the {len(drawn)} of {len(self.versions)} with the most calls"
        figure = small_multiples(series, title, marks, highlighted=0)
        shown = "%{x|%Y-%m-%d %H:%M}  %{y:.4g}<extra></extra>"
        # A bin between two without calls would be no line.
        return figure.update_traces(mode="lines+markers", marker={"size": 4}, hovertemplate=shown)

    def verdict(self) -> Verdict:
        """Say what has become worse, and what nobody can tell yet."""
        order: dict[Outcome, int] = {"worse": 0, "changed": 1, "better": 2}
        sure = [each for each in self.changes if each.outcome in order]
        sure.sort(key=lambda each: (each.severity != "act", order[each.outcome], each.q))
        findings = [_finding(each) for each in sure[:FINDINGS]]
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
        low, high = _interval_of_share(values, self.confidence)
        share = Effect("share", tried / len(values), "", Interval(low, high, self.confidence))
        claim = f"{tried:,} of {len(values):,} calls look like an attempt to inject instructions."
        return [Finding(claim, "inputs", "watch", "calls: input", share)]


def watch(
    calls: pd.DataFrame,
    quality: Sequence[Metric] = (),
    *,
    is_refusal: Detector | None = None,
    is_attempt: Detector | None = None,
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
        Whether an output declines, and whether an input carries an injection. Each distinct text is
        asked once.
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
    measured, quantities = _measured(frame, quality, is_refusal, is_attempt)
    versions = measured["prompt_version"].unique().tolist()
    if baseline is not None and baseline not in versions:
        raise ParameterError(
            f"baseline is {baseline!r}, which has no call", did_you_mean(baseline, versions)
        )
    first = baseline if baseline is not None else next(iter(versions), "")
    return Production(
        measured,
        quantities,
        _changes(measured, quantities, first, confidence),
        first,
        _width(measured["timestamp"], every),
        confidence,
        float(frame["cost_usd"].sum()),
    )


def _measured(
    frame: pd.DataFrame,
    quality: Sequence[Metric],
    is_refusal: Detector | None,
    is_attempt: Detector | None,
) -> tuple[pd.DataFrame, tuple[Quantity, ...]]:
    """Return the quantities of each call, those first that say how good it is."""
    columns: list[tuple[Quantity, pd.Series]] = []
    for metric in quality:
        if metric.name not in frame:
            raise FrameError(
                f"the calls have no column {metric.name!r}",
                did_you_mean(metric.name, list(map(str, frame))),
            )
        wanted: Wanted = "more" if metric.higher_is_better else "less"
        quantity = Quantity(metric.name, metric.unit, wanted, metric.margin)
        columns.append((quantity, _numbers(frame[metric.name], metric.name)))
    if is_refusal is not None:
        columns.append((REFUSALS, _detected(frame["output"], is_refusal)))
    if is_attempt is not None:
        columns.append((ATTEMPTS, _detected(frame["input"], is_attempt)))
    columns += [(quantity, frame[column]) for column, quantity in USAGE.items()]
    names = [each.name for each, _ in columns]
    for name in names:
        if names.count(name) > 1 or name in {"timestamp", "prompt_version", "calls"}:
            raise ParameterError(
                f"a metric of quality is called {name!r}, which is something else",
                "Rename its column, and name each once.",
            )
    kept = {quantity: values for quantity, values in columns if values.notna().any()}
    measured = frame[["timestamp", "prompt_version"]].assign(
        **{quantity.name: values for quantity, values in kept.items()}
    )
    return measured, tuple(kept)


def _numbers(values: pd.Series, name: str) -> pd.Series:
    try:
        numbers = pd.to_numeric(values).astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"calls.{name} holds something that is not a number: {error}",
            "Turn what users or judges say into numbers; a missing one may be left empty.",
        ) from None
    return numbers.where(np.isfinite(numbers))


def _detected(texts: pd.Series, detector: Detector) -> pd.Series:
    known = {each: float(bool(detector(each))) for each in texts.dropna().unique().tolist()}
    return texts.map(known).astype("float64")


def _changes(
    measured: pd.DataFrame, quantities: Sequence[Quantity], baseline: str, confidence: float
) -> tuple[Change, ...]:
    from statsmodels.stats.multitest import multipletests

    of_version = dict(list(measured.groupby("prompt_version", sort=False)))
    found = []
    for version, group in of_version.items():
        for quantity in quantities:
            told = group[quantity.name].dropna().to_numpy(np.float64)
            if version != baseline:
                other = of_version[baseline]
                before = other[quantity.name].dropna().to_numpy(np.float64)
                change = _change(quantity, str(version), baseline, before, told, confidence)
                found.append(replace(change, together=_overlap(other, group)))
            early, late = np.array_split(told, 2)
            found.append(_change(quantity, str(version), EARLIER, early, late, confidence))
    if not found:
        return ()
    adjusted = multipletests([each.p for each in found], method="holm")[1]
    return tuple(replace(each, q=float(q)) for each, q in zip(found, adjusted, strict=True))


def _change(
    quantity: Quantity,
    version: str,
    against: str,
    before: Floats,
    after: Floats,
    confidence: float,
) -> Change:
    low = high = math.nan
    p = 1.0
    if min(len(before), len(after)) >= ENOUGH:
        compared = _shares if quantity.is_share(before, after) else _means
        p, low, high = compared(before, after, confidence)
    was, is_now = (float(each.mean()) if len(each) else math.nan for each in (before, after))
    calls = len(before), len(after)
    return Change(quantity, version, against, was, is_now, low, high, p, p, calls, confidence)


def _shares(before: Floats, after: Floats, confidence: float) -> tuple[float, float, float]:
    """Return the p-value and the interval of a difference of shares."""
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    sums = int(after.sum()), int(before.sum())
    counts = len(after), len(before)
    misses = counts[0] - sums[0], counts[1] - sums[1]
    p = float(fisher_exact(np.array([sums, misses])).pvalue)
    low, high = confint_proportions_2indep(
        *(sums[0], counts[0], sums[1], counts[1]),
        method="newcomb",
        compare="diff",
        alpha=1 - confidence,
    )
    return p, float(low), float(high)


def _means(before: Floats, after: Floats, confidence: float) -> tuple[float, float, float]:
    """Return the p-value and the interval of a difference of means."""
    from scipy.stats import ttest_ind

    value = float(after.mean() - before.mean())
    if np.ptp(before) == 0 == np.ptp(after):
        return float(value == 0), value, value
    test = ttest_ind(after, before, equal_var=False)
    low, high = test.confidence_interval(confidence)
    return float(test.pvalue), float(low), float(high)


def _interval_of_share(values: Floats, confidence: float) -> tuple[float, float]:
    from scipy.stats import binomtest

    if not len(values):
        return math.nan, math.nan
    test = binomtest(int(values.sum()), len(values))
    low, high = test.proportion_ci(confidence, "wilson")
    return float(low), float(high)


def _interval_of_mean(values: Floats, confidence: float) -> tuple[float, float]:
    from scipy.stats import t

    if len(values) < 2:
        return math.nan, math.nan
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return float(values.mean()) - half, float(values.mean()) + half


def _overlap(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Tell whether two versions ran at the same time, at least in part."""
    first, second = one["timestamp"], other["timestamp"]
    return bool(first.min() <= second.max() and second.min() <= first.max())


def _width(times: pd.Series, every: str | pd.Timedelta | None) -> pd.Timedelta:
    if every is not None:
        width = durations.parse(every)
        if width is None:
            raise ParameterError(
                f"every is {every!r}; expected a duration above 0", "Write for example 1h or 7D."
            )
        return width
    span = times.max() - times.min() if len(times) else pd.Timedelta(0)
    steps = [pd.Timedelta(each) for each in _STEPS]
    return next((each for each in steps if span / each <= MOST_BINS), steps[-1])


def _finding(change: Change) -> Finding:
    interval = Interval(change.low, change.high, change.confidence)
    effect = Effect("difference", change.value, change.quantity.unit, interval)
    evidence = f"calls: {change.quantity.name}, {change.calls[0]:,} and {change.calls[1]:,} of them"
    return Finding(str(change), change.version, change.severity, evidence, effect)


def _actions(sure: Sequence[Change]) -> tuple[str, ...]:
    told = []
    for each in sure:
        if each.severity == "act" and each.against != EARLIER:
            told.append(f"Roll {each.version} back to {each.against}, and read its worst calls.")
        elif each.severity == "act":
            told.append(f"Find what changed under {each.version}: its inputs, its model, its data.")
    return tuple(dict.fromkeys(told))


def _short(version: str) -> str:
    return version if len(version) <= 24 else f"{version[:23]}…"


# ---- where calls come from -----------------------------------------------------------------------

MLFLOW = "mlflow://experiments/"
OTLP = "otlp+file"
PAGE = 100  # traces that are asked for at once
LONGEST = pd.Timedelta("1h")  # a trace begins so long before its last call, at most
_LINKED = "mlflow.linkedPrompts"
_ASKED = {"chat", "text_completion", "generate_content"}
_ALIASES = {
    "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
    "gen_ai.input.messages": "gen_ai.prompt",
    "gen_ai.output.messages": "gen_ai.completion",
    "gen_ai.request.model": "gen_ai.response.model",
    "gen_ai.prompt.name": "prompt.name",
    "gen_ai.prompt.version": "prompt.version",
}  # by what older versions of the conventions and other instrumentations call them


@dataclass(frozen=True)
class _Span:
    """A span of any system, with the attributes of OpenTelemetry's conventions."""

    key: tuple[str, str]
    parent: tuple[str, str] | None
    start: int | None
    end: int | None
    attributes: Mapping[str, Any]
    around: Mapping[str, Any] = field(default_factory=dict)  # of its resource or its trace
    feedback: float = math.nan

    def get(self, name: str) -> Any:
        """Return an attribute under the name of the conventions, or its older one."""
        return self.attributes.get(name, self.attributes.get(_ALIASES.get(name, name)))

    @property
    def took_ms(self) -> float:
        """How long it took; NaN where it has no end after its start."""
        if self.start is None or self.end is None or self.end < self.start:
            return math.nan
        return (self.end - self.start) / 1e6

    @property
    def is_call(self) -> bool:
        """Whether a model was asked to answer, and not an agent, a tool or an embedding."""
        operation = self.get("gen_ai.operation.name")
        if operation is not None:
            return operation in _ASKED
        return self.get("gen_ai.request.model") is not None or any(
            each.startswith("gen_ai.usage.") for each in self.attributes
        )


def read_traces(
    url: str,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    tracking_uri: str | None = None,
) -> pd.DataFrame:
    """Read calls of models out of traces.

    Parameters
    ----------
    url
        ``mlflow://experiments/NAME``; ``otlp+file:///path`` of OpenTelemetry's JSON; or whatever
        `aiopslab.sources.open` opens that has ``calls``, such as a Parquet file.
    start, end
        The window to keep, both ends included; ``None`` for no bound.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    pandas.DataFrame
        A ``calls`` frame: a row for each span that is a call of a model and holds no other. What a
        trace does not tell is NaN; a prompt that is not named is ``unknown``. Of MLflow it has
        `feedback`, the mean of the numbers and yes or no that people gave to the trace.

    Raises
    ------
    SourceError
        If it cannot be opened, has no call, or none in the window.

    Notes
    -----
    Attributes are those of OpenTelemetry's conventions for generative AI: ``gen_ai.request.model``,
    ``gen_ai.usage.input_tokens``, ``gen_ai.input.messages``, … and the prompt is
    ``gen_ai.prompt.name/gen_ai.prompt.version`` of the span, of one around it, or of the resource;
    in MLflow the prompts that a trace is linked to.

    Examples
    --------
    >>> import tempfile
    >>> span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
    >>> span["startTimeUnixNano"] = "1772366400000000000"
    >>> span["endTimeUnixNano"] = "1772366400250000000"
    >>> span["attributes"] = [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}}]
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     json.dump({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, file)
    ...     file.flush()
    ...     read_traces(f"otlp+file://{file.name}")[["prompt_version", "model", "latency_ms"]]
      prompt_version model  latency_ms
    0        unknown     m       250.0
    """
    from aiopslab import sources
    from aiopslab.sources.evidence import Evidence
    from aiopslab.sources.window import window

    if url.startswith(MLFLOW):
        since, until = window(start, end)
        spans = _mlflow_spans(url.removeprefix(MLFLOW), tracking_uri, since, until)
    elif url.startswith(f"{OTLP}://"):
        spans = _otlp_spans(url)
    else:
        opened = sources.open(url, start, end)
        if "calls" not in opened.frames:
            raise SourceError(
                f"{url} has no calls; it has {', '.join(opened.frames)}",
                "Name a table with prompt_version, model, input, output and what they took.",
            )
        return opened.frames["calls"]
    rows = _rows(spans)
    if not rows:
        raise SourceError(
            f"{without_credentials(url)} has no call of a model",
            "Spans need gen_ai.request.model, or in MLflow the type LLM or CHAT_MODEL.",
        )
    return Evidence.of({"calls": pd.DataFrame(rows)}, url, start, end).frames["calls"]


def _rows(spans: Iterable[_Span]) -> list[dict[str, Any]]:
    """Return the calls among spans: of calls that hold calls the innermost, which were answered."""
    known = {each.key: each for each in spans}  # exporters send again after a failure
    holds_calls = set()
    for span in known.values():
        if span.is_call:
            holds_calls |= {each.key for each in _around(span, known)}
    return [
        _row(span, span.start, known)
        for span in known.values()
        if span.is_call and span.key not in holds_calls and span.start is not None
    ]


def _around(span: _Span, known: Mapping[tuple[str, str], _Span]) -> Iterator[_Span]:
    """Yield the spans that a span lies in, the nearest first."""
    seen = {span.key}
    while span.parent is not None and span.parent in known and span.parent not in seen:
        span = known[span.parent]
        seen.add(span.key)
        yield span


def _row(span: _Span, start: int, known: Mapping[tuple[str, str], _Span]) -> dict[str, Any]:
    told = [each.attributes for each in (span, *_around(span, known))] + [span.around]
    named = (each for each in map(_prompt_of, told) if each)
    return {
        "timestamp": pd.Timestamp(start, unit="ns", tz="UTC"),
        "prompt_version": next(named, UNKNOWN),
        "model": str(span.get("gen_ai.request.model") or UNKNOWN),
        "input": _last_of(span.get("gen_ai.input.messages")),
        "output": _text(span.get("gen_ai.output.messages")),
        "input_tokens": _number(span.get("gen_ai.usage.input_tokens")),
        "output_tokens": _number(span.get("gen_ai.usage.output_tokens")),
        "latency_ms": span.took_ms,
        "cost_usd": _number(span.get("gen_ai.usage.cost")),
        "feedback": span.feedback,
    }


def _prompt_of(attributes: Mapping[str, Any]) -> str:
    """Name the prompt that attributes tell of; empty where they do not."""
    linked = _parsed(attributes.get(_LINKED))
    if isinstance(linked, list) and linked:
        return ", ".join(sorted(f"{each['name']}/{each['version']}" for each in linked))
    names = ("gen_ai.prompt.name", "gen_ai.prompt.version")
    parts = [attributes.get(each, attributes.get(_ALIASES[each])) for each in names]
    version = parts[1] if parts[1] is not None else attributes.get("prompt_version")
    return "/".join(str(each) for each in (parts[0], version) if each not in {None, ""})


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _parsed(value: Any) -> Any:
    """Return what a text holds, where that is JSON of more than one thing."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"}:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _last_of(value: Any) -> str | None:
    """Return what the user said last, of messages; else the text as it is."""
    told = _parsed(value)
    if isinstance(told, dict) and isinstance(told.get("messages"), list):
        told = told["messages"]
    if isinstance(told, list):
        users = [each for each in told if isinstance(each, dict) and each.get("role") == "user"]
        told = users[-1] if users else told
    return _text(told)


def _text(value: Any) -> str | None:
    """Return the text of an answer, however it is wrapped."""
    told = _parsed(value)
    if told is None or isinstance(told, str):
        return told
    if isinstance(told, list):
        return "\n".join(filter(None, map(_text, told)))
    if isinstance(told, dict):
        for key in ("choices", "messages", "message", "parts", "content", "text"):
            if told.get(key) is not None:
                return _text(told[key])
    return json.dumps(told, ensure_ascii=False, default=str)


def _otlp_spans(url: str) -> list[_Span]:
    from aiopslab.sources import exports
    from aiopslab.sources.otlp.translate import records
    from aiopslab.sources.otlp.values import attributes, identifier, nanoseconds

    found = []
    requests = exports.records(url)
    with exports.reading(url, "OpenTelemetry's file exporter in JSON"):
        resources = [each for request in requests for each in request.get("resourceSpans") or ()]
        for resource, span in records(resources, "Spans", "spans"):
            trace, number, parent = (
                identifier(span.get(each)) for each in ("traceId", "spanId", "parentSpanId")
            )
            if trace and number:
                found.append(
                    _Span(
                        (trace, number),
                        (trace, parent) if parent else None,
                        nanoseconds(span.get("startTimeUnixNano")),
                        nanoseconds(span.get("endTimeUnixNano")),
                        attributes(span.get("attributes")),
                        resource,
                    )
                )
    return found


def _mlflow_spans(
    name: str, tracking_uri: str | None, since: pd.Timestamp | None, until: pd.Timestamp | None
) -> list[_Span]:
    bounds = [
        f"attributes.timestamp_ms {sign} {int(time.timestamp() * 1000)}"
        for sign, time in ((">=", since - LONGEST if since is not None else None), ("<=", until))
        if time is not None
    ]
    spans: list[_Span] = []
    with _refusing(name):
        client = connect(tracking_uri)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            known = [each.name for each in client.search_experiments()]
            raise SourceError(
                f"the server has no experiment {name!r}", did_you_mean(name, list(known))
            )
        token = None
        while True:
            page = client.search_traces(
                locations=[experiment.experiment_id],
                filter_string=" AND ".join(bounds) or None,
                max_results=PAGE,
                page_token=token,
            )
            spans += [each for trace in page for each in _of_trace(trace)]
            token = page.token
            if not token:
                return spans


def _of_trace(trace: "Trace") -> Iterator[_Span]:
    feedback = _feedback(trace)
    for span in trace.data.spans:
        told = dict(span.attributes)
        usage, cost = (told.get(f"mlflow.{each}") for each in ("chat.tokenUsage", "llm.cost"))
        asked = span.inputs if isinstance(span.inputs, dict) else {}
        model = told.get("mlflow.llm.model") or asked.get("model")
        if span.span_type in {"LLM", "CHAT_MODEL"} or usage:
            told.setdefault("gen_ai.operation.name", "chat")
            told.setdefault("gen_ai.input.messages", span.inputs)
            told.setdefault("gen_ai.output.messages", span.outputs)
            if model:
                told.setdefault("gen_ai.request.model", model)
        for kind in ("input", "output"):
            if isinstance(usage, dict) and f"{kind}_tokens" in usage:
                told.setdefault(f"gen_ai.usage.{kind}_tokens", usage[f"{kind}_tokens"])
        if isinstance(cost, dict):
            told.setdefault("gen_ai.usage.cost", cost.get("total_cost"))
        identity = trace.info.trace_id
        yield _Span(
            (identity, span.span_id),
            (identity, span.parent_id) if span.parent_id else None,
            span.start_time_ns,
            span.end_time_ns,
            told,
            {**trace.info.trace_metadata, **trace.info.tags},
            feedback,
        )


def _feedback(trace: "Trace") -> float:
    """Return the mean of what people gave a trace, where that is a number or yes or no."""
    values = [
        float(each.value)
        for each in trace.info.assessments or ()
        if each.source.source_type == "HUMAN"
        and isinstance(getattr(each, "value", None), bool | int | float)
    ]
    return float(np.mean(values)) if values else math.nan


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:  # of the server, the store and the way there
        said = without_credentials(str(error).strip().partition("\n")[0] or type(error).__name__)
        raise SourceError(
            f"the traces of {name!r} cannot be read: {said}",
            "Check MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
