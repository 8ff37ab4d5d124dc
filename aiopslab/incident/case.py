"""The evidence of an incident, prepared once: what every signal and every onset reads."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from aiopslab.frames import FrameName, FrameWarning, schemas
from aiopslab.incident.behaviour import executions
from aiopslab.incident.derived import derive_metrics
from aiopslab.incident.metrics import with_silence
from aiopslab.incident.templates import mine
from aiopslab.incident.topology import call_graph
from aiopslab.incident.traces import attribute

Frames = Mapping[FrameName, pd.DataFrame]

TIME = "datetime64[us, UTC]"
SKEW = pd.Timedelta("2s")  # between two clocks that is let be
BUCKETS = 100  # into which the evidence is cut for log lines that belong to no trace


@dataclass(frozen=True)
class Case:
    """The frames of an incident prepared once, to be read at several onsets.

    Parameters
    ----------
    metrics, baseline
        Metrics of the incident, and of a quiet time elsewhere in the same columns, both as
        `aiopslab.incident.metrics.with_silence` returns them; ``None`` where there are none.
    spans
        As `aiopslab.incident.traces.attribute` returns them, with `begun`, when the trace began,
        and `is_quiet`, whether it belongs to the baseline.
    events
        As `aiopslab.incident.behaviour.executions` returns them, with the same two columns.
    logs
        Logs frame with `template`, a number, and `is_quiet`.
    templates
        Text of each log template, indexed by its number.
    alerts
        Alerts frame; ``None`` where there are none.
    topology
        The call graph, given or derived from the spans; ``None`` where neither is there.
    series
        The metrics with what spans, logs or alerts say at each moment, see
        `aiopslab.incident.derived.derive_metrics`.
    """

    metrics: pd.DataFrame | None
    baseline: pd.DataFrame | None
    spans: pd.DataFrame
    events: pd.DataFrame
    logs: pd.DataFrame
    templates: pd.Series
    alerts: pd.DataFrame | None
    topology: pd.DataFrame | None
    series: pd.DataFrame

    @property
    def services(self) -> list[str]:
        """Every service that the evidence of the incident names, sorted."""
        return sorted({str(each) for each in self.series.columns.get_level_values(0)})

    def before(self, end: pd.Timestamp) -> "Case":
        """Return the evidence as it was at a time, the baseline kept whole."""
        metrics = None if self.metrics is None else self.metrics[self.metrics.index < end]
        spans = self.spans[self.spans["is_quiet"] | (self.spans["begun"] < end)]
        events = self.events[self.events["is_quiet"] | (self.events["begun"] < end)]
        alerts = None if self.alerts is None else self.alerts[self.alerts["timestamp"] < end]
        return replace(self, metrics=metrics, spans=spans, events=events, alerts=alerts)


def prepare(frames: Frames, baseline: Frames | None = None) -> Case:
    """Bring frames to the form that every signal reads.

    Parameters
    ----------
    frames
        Frames of the incident, by name; any of metrics, spans, logs, alerts, topology.
    baseline
        The same of a quiet time elsewhere, if there is one.

    Returns
    -------
    Case
    """
    quiet = baseline or {}
    spans = _joined("spans", frames, quiet)
    logs = _joined("logs", frames, quiet)
    topology = frames.get("topology")
    if topology is None or topology.empty:
        topology = call_graph(spans) if len(spans) else None
    spans = (
        attribute(spans)
        if len(spans)
        else spans.assign(is_entry=[], blamed=[], self_ms=[], failed=[])
    )
    logs, templates = _with_templates(_on_one_clock(logs, spans))
    begun = pd.concat(
        [
            spans.groupby("trace_id")["start"].min(),
            logs.groupby("trace_id")["timestamp"].min(),
        ]
    )
    begun = begun.groupby(level=0).first()  # the span's clock, where there is one
    quiet_traces = {
        *spans.loc[spans["is_quiet"], "trace_id"],
        *logs.loc[logs["is_quiet"], "trace_id"],
    }
    events = executions(spans, logs)
    events = events.assign(
        begun=_of_trace(begun, events),
        is_quiet=events["trace_id"].isin(quiet_traces),
    )
    spans = spans.assign(begun=_of_trace(begun, spans))
    metrics = frames.get("metrics")
    alerts = frames.get("alerts")
    alerts = None if alerts is None or alerts.empty else alerts
    series = derive_metrics(metrics, spans[~spans["is_quiet"]], logs[~logs["is_quiet"]], alerts)
    judged, usual = _reporting(metrics, quiet.get("metrics"))
    return Case(judged, usual, spans, events, logs, templates, alerts, topology, series)


def _on_one_clock(logs: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Move the lines by as much as their clock is off that of the spans of the same traces."""
    if spans.empty or "trace_id" not in logs.columns:
        return logs
    traces = spans.groupby("trace_id").agg(begun=("start", "min"), longest=("duration_ms", "max"))
    shared = logs.join(traces, on="trace_id", how="inner")
    if shared.empty:
        return logs
    lag = pd.Timedelta((shared["timestamp"] - shared["begun"]).median())
    longest = pd.Timedelta(milliseconds=float(shared["longest"].quantile(0.95)))
    if -SKEW <= lag <= longest + SKEW:
        return logs
    warnings.warn(
        f"log lines lie {lag.total_seconds():+.0f} s from the spans of their traces; "
        "they were moved onto the clock of the spans",
        FrameWarning,
        stacklevel=2,
    )
    return logs.assign(timestamp=logs["timestamp"] - lag)


def _of_trace(begun: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Return when the trace of each row began."""
    times: pd.Series = begun.reindex(table["trace_id"]).set_axis(table.index)
    return times


def _joined(name: FrameName, frames: Frames, quiet: Frames) -> pd.DataFrame:
    """Return a frame with the baseline's rows before it, told apart by `is_quiet`."""
    parts = [
        table[name].assign(is_quiet=is_quiet)
        for table, is_quiet in ((quiet, True), (frames, False))
        if name in table and len(table[name])
    ]
    if parts:
        return pd.concat(parts, ignore_index=True)
    time = "start" if name == "spans" else "timestamp"
    columns = [each for each in schemas()[name].columns if each != "attributes"]
    empty = pd.DataFrame(columns=[*columns, "is_quiet"], dtype=object)
    return empty.astype({"is_quiet": bool, time: TIME})


def _with_templates(logs: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Number the template of each line, apart for each service, and place lines without a trace."""
    numbers = pd.Series(0, index=logs.index)
    texts: dict[str, str] = {}
    for _, lines in logs.groupby("service", sort=True):
        mined = mine(lines["body"])
        offset = len(texts)
        numbers[lines.index] = offset + pd.factorize(mined.ids)[0]
        texts |= {
            str(offset + place): mined.templates[number]
            for place, number in enumerate(pd.unique(mined.ids))
        }
    trace = logs["trace_id"] if "trace_id" in logs.columns else pd.Series(None, logs.index, "str")
    times = logs.loc[~logs["is_quiet"], "timestamp"]
    if len(times):
        width = max((times.max() - times.min()) / BUCKETS, pd.Timedelta("1s")).ceil("s")
        moment = logs["timestamp"].dt.floor(width).astype("str")
        trace = trace.mask(trace.isna() | (trace == ""), "lines of " + moment)
    return logs.assign(template=numbers.astype("str"), trace_id=trace), pd.Series(
        texts, dtype="str"
    )


def _reporting(
    metrics: pd.DataFrame | None, baseline: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Return metrics and baseline in the same columns, with the silence of each service."""
    if metrics is None or not metrics.notna().any(axis=None):
        return None, None
    series = with_silence(metrics)
    if baseline is None or not baseline.notna().any(axis=None):
        return series, None
    return series, with_silence(baseline).reindex(columns=series.columns)
