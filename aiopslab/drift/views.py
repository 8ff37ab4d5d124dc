"""The tables of a drift investigation as people read them: units beside numbers, no empty cells."""

from typing import Any

import pandas as pd

from aiopslab.drift.comparison import Comparison
from aiopslab.drift.history import DriftHistory
from aiopslab.drift.measure import Measure
from aiopslab.drift.multivariate import Multivariate
from aiopslab.drift.onset import Onset
from aiopslab.drift.segments import Segments

STAMP = "%Y-%m-%d %H:%M:%S"


def features_view(comparison: Comparison) -> pd.DataFrame:
    """Return one row a feature: its effect with interval, whether it drifted, what moved."""
    interval = f"effect ({100 * comparison.confidence:g} % interval)"
    rows = [
        {
            "feature": each.feature,
            "kind": each.kind,
            interval: _ranged(each.effect.value, each.effect.low, each.effect.high),
            "in": each.measure,
            "more than chance": _said(each.significant),
            "drift": _said(each.drifted),
            "what moved": each.direction,
        }
        for each in comparison.features
    ]
    return pd.DataFrame(rows)


def together_view(together: Multivariate) -> pd.DataFrame:
    """Return every look at features together, at texts and at embeddings, with its interval."""
    rows = [
        {
            "measure": each.name,
            "value (interval)": _measured(each),
            "where nothing moved": f"{each.none:g}",
            "p, corrected": _chance(each),
            "drift": _said(each.drifted),
        }
        for each in together.measures
    ]
    return pd.DataFrame(rows)


def history_view(history: DriftHistory) -> pd.DataFrame:
    """Return one row a feature that moved through time: in what way, and since when."""
    rows = [
        {
            "feature": each.feature,
            "in what way": each.season if each.season == "only the season" else each.pattern,
            "since": _since(each.onset),
            "effect before": f"{each.before:.2f}",
            "effect after": f"{each.after:.2f}",
        }
        for each in sorted(history.features, key=lambda each: -each.after)
        if each.drifted or each.season == "only the season"
    ]
    columns = ["feature", "in what way", "since", "effect before", "effect after"]
    return pd.DataFrame(rows, columns=columns)


def segments_view(segments: Segments) -> pd.DataFrame:
    """Return one row a segment: what is different in it, by how much, and how large it is."""
    rows = [
        {
            "segment": each["segment"],
            "what": each["what"],
            "difference (95 % interval)": _ranged(each["effect"], each["low"], each["high"]),
            "rows": f"{each['rows_current']:,}",
            "share of the rows": f"{100 * each['share_current']:.1f} %",
        }
        for each in segments.table().to_dict("records")
    ]
    columns = ["segment", "what", "difference (95 % interval)", "rows", "share of the rows"]
    return pd.DataFrame(rows, columns=columns)


def performance_view(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a metric: what it is, what it was in the reference, and the change."""
    rows = [
        {
            "how": each["how"],
            "metric": str(each["metric"]).replace("_", " "),
            "value (interval)": _ranged(each["value"], each["low"], each["high"]),
            "reference": _number(each["reference"]),
            "change": _number(each["change"]),
        }
        for each in table.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["how", "metric", "value (interval)", "reference", "change"])


def _since(onset: Onset | None) -> str:
    if onset is None:
        return "the beginning, or never"
    if onset.time is None or onset.low is None or onset.high is None:
        return f"row {onset.row:,} ({onset.row_low:,} to {onset.row_high:,})"
    day = onset.low.date() == onset.time.date() == onset.high.date()
    ends = "%H:%M:%S" if day else STAMP
    return f"{onset.time:{STAMP}} UTC ({onset.low:{ends}} to {onset.high:{ends}})"


def _measured(measure: Measure) -> str:
    if not measure.enough and min(measure.rows_reference, measure.rows_current) >= measure.needed:
        return "too few numbers and categories"
    return f"{_ranged(measure.value, measure.low, measure.high)} {measure.unit}".strip()


def _chance(measure: Measure) -> str:
    if not measure.enough:
        return "unknown"
    return "< 0.001" if measure.p < 0.001 else f"{measure.p:.3f}"


def _ranged(value: Any, low: Any, high: Any) -> str:
    if pd.isna(value):
        return "not enough data"
    if pd.isna(low) or pd.isna(high):
        return _number(value)
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: Any) -> str:
    return "unknown" if pd.isna(value) else f"{value:.3g}"


def assumptions_view(assumptions: pd.DataFrame) -> pd.DataFrame:
    """Show what an estimate rests on."""
    shown = assumptions.assign(holds=assumptions["holds"].map(_said))
    return shown.rename(columns={"name": "assumption", "claim": "what it says"})


def _said(truth: bool) -> str:
    return "yes" if truth else "no"
