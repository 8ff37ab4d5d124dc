"""Recovery: what was measured now against what was measured before, such as before a roll-back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled
from aiopslab.errors import ParameterError
from aiopslab.findings import Finding
from aiopslab.overview.measure import Measure
from aiopslab.overview.preparation import Prepared
from aiopslab.overview.readings import BEFORE, NOW, Floats, Reading
from aiopslab.overview.targets import Targets
from aiopslab.overview.written import difference_of, value_of
from aiopslab.prompts.changes import Change
from aiopslab.statistics.multiplicity import holm

if TYPE_CHECKING:
    import plotly.graph_objects as go

Window = tuple[pd.Timestamp | None, pd.Timestamp | None]
ALL: Window = (None, None)
_ROW, _ROOM = 92, 130  # pixels of a measure, and of what stands around them
_COLUMNS = [
    *("tile", "measure", "before", "now", "difference", "low", "high", "unit", "outcome"),
    *("rows before", "rows now"),
]


@dataclass(frozen=True)
class Compared:
    """One measure of a tile, before and now.

    Parameters
    ----------
    tile
        Its name.
    before, now
        What was measured.
    change
        From before to now, its p-value corrected over all measures.
    ordinary
        How much of a change is too little to matter, in the unit of the measure.
    """

    tile: str
    before: Measure
    now: Measure
    change: Change
    ordinary: float

    @property
    def outcome(self) -> str:
        """What it comes to; a change that may be no more than ordinary is only a little one."""
        told = self.change.outcome
        if told not in {"better", "worse"}:
            return told
        least = min(abs(self.change.low), abs(self.change.high))
        return told if least > self.ordinary else f"a little {told}"

    @property
    def means(self) -> tuple[float, float]:
        """Before and now."""
        return self.change.before, self.change.after

    def finding(self) -> Finding:
        """Return it as a claim with its size and interval."""
        return replace(self.change.finding(), subject=self.tile)


@dataclass(frozen=True, repr=False)
class Recovery:
    """What became better or worse of a system.

    Parameters
    ----------
    measures
        Those that both times have, in the order of the tiles.
    targets
        That they are held against.
    """

    measures: tuple[Compared, ...]
    targets: Targets

    @property
    def better(self) -> tuple[Compared, ...]:
        """What surely became better, by more than is ordinary."""
        return tuple(each for each in self.measures if each.outcome == "better")

    @property
    def worse(self) -> tuple[Compared, ...]:
        """What surely became worse, by more than is ordinary."""
        return tuple(each for each in self.measures if each.outcome == "worse")

    def table(self) -> pd.DataFrame:
        """Return one row a measure.

        Returns
        -------
        pandas.DataFrame
            ``tile, measure, before, now, difference, low, high, unit, outcome, rows before, rows
            now``; the outcome is ``better``, ``worse``, ``a little`` of either, ``equivalent`` or
            ``not enough data``, and shares are 0 to 1.
        """
        rows = [
            (
                *(each.tile, each.change.quantity.name, each.change.before, each.change.after),
                *(each.change.value, each.change.low, each.change.high),
                *(each.change.quantity.unit, each.outcome, *each.change.calls),
            )
            for each in self.measures
        ]
        return pd.DataFrame(rows, columns=_COLUMNS)

    def findings(self) -> tuple[Finding, ...]:
        """Return what surely changed as claims."""
        return tuple(each.finding() for each in (*self.better, *self.worse))

    def figure(self) -> "go.Figure":
        """Draw each measure before and now, with intervals, and its target dashed."""
        from plotly.subplots import make_subplots

        count = max(len(self.measures), 1)
        titles = [escape(_title(each)) for each in self.measures]
        figure = make_subplots(
            rows=count, cols=1, subplot_titles=titles, vertical_spacing=0.55 / count
        )
        for row, each in enumerate(self.measures, start=1):
            scale = 1.0 if each.now.effect.unit else 100.0
            ends = ((BEFORE, each.before, GREY), (NOW, each.now, BLUE))
            for (name, measure, colour), value in zip(ends, each.means, strict=True):
                point = _point(name, scale * value, measure, colour, scale)
                figure.add_trace(point | {"showlegend": row == 1}, row=row, col=1)
            target = scale * self.targets.of(each.now.target)
            line = {"color": VERMILION, "dash": "dash", "width": 1.2}
            figure.add_vline(x=target, line=line, row=row, col=1)
            suffix = f" {each.now.effect.unit or '%'}"
            figure.update_xaxes(ticksuffix=escape(suffix), row=row, col=1)
        figure.update_yaxes(visible=False, range=[-0.8, 1.8])
        figure.update_annotations(x=0, xanchor="left", font_size=13)
        spoken = " ".join(f"{_title(each)}." for each in self.measures) or "Nothing to compare."
        title = "Before and now, targets dashed"
        return styled(figure, title, escape(f"{title}. {spoken}"), _ROOM + _ROW * count)

    def __repr__(self) -> str:
        told = (f"{each.change.quantity.name}: {each.outcome}" for each in self.measures)
        return f"Recovery({', '.join(told)})"


def compare(
    before: Prepared,
    now: Prepared,
    targets: Targets,
    *,
    before_window: Window = ALL,
    now_window: Window = ALL,
    confidence: float = 0.95,
) -> Recovery:
    """Compare what was measured at two times, with intervals of the differences.

    Shares are compared by Newcombe's interval and Fisher's exact test, means by Welch's; of a
    level, such as a latency, equal slices of the window are compared, since neighbouring values
    are alike. P-values are corrected by Holm over all measures.

    Parameters
    ----------
    before, now
        As `prepare` returns them.
    targets
        That are drawn beside, and say how much of a change is ordinary.
    before_window, now_window
        Start and end of each; all there is where ``None``.
    confidence
        Of every interval.

    Raises
    ------
    ParameterError
        If the confidence is none, or a window ends before it starts.

    Examples
    --------
    >>> from aiopslab.overview import prepare
    >>> times = pd.date_range("2026-03-01", periods=120, freq="s", tz="UTC")
    >>> table = pd.DataFrame({"timestamp": times, "prediction": "cat", "target": "cat"})
    >>> wrong = table.assign(target=["cat", "dog"] * 60)
    >>> before, now = (prepare({"observations": each}) for each in (wrong, table))
    >>> told = compare(before, now, Targets())
    >>> told.table()[["measure", "before", "now", "outcome"]].values.tolist()
    [['right predictions', 0.5, 1.0, 'better']]
    """
    if not 0 < confidence < 1:
        raise ParameterError(
            f"confidence is {confidence}; expected a number between 0 and 1", "Use 0.95."
        )
    found = [
        each
        for tile in now.layers
        for each in _of_tile(tile, (before, now), (before_window, now_window), targets, confidence)
    ]
    corrected = map(float, holm([each.change.p for each in found])) if found else ()
    return Recovery(
        tuple(
            replace(each, change=replace(each.change, q=q))
            for each, q in zip(found, corrected, strict=True)
        ),
        targets,
    )


def _of_tile(
    tile: str,
    times: tuple[Prepared, Prepared],
    windows: tuple[Window, Window],
    targets: Targets,
    confidence: float,
) -> Iterator[Compared]:
    before, now = times
    earlier = {each.quantity.name: each for each in before.layers[tile].readings}
    for reading in now.layers[tile].readings:
        other = earlier.get(reading.quantity.name)
        if other is None:
            continue
        first = _measured(other, before, windows[0], confidence)
        second = _measured(reading, now, windows[1], confidence)
        if first is not None and second is not None:
            change = reading.against(first[1], second[1], confidence)
            ordinary = targets.margin(reading.target, change.before)
            yield Compared(tile, first[0], second[0], change, ordinary)


def _measured(
    reading: Reading, prepared: Prepared, window: Window, confidence: float
) -> tuple[Measure, Floats] | None:
    start = prepared.start if window[0] is None else window[0]
    end = prepared.end if window[1] is None else window[1]
    if start is None or end is None:
        return None
    if end < start:
        raise ParameterError(f"the window ends at {end}, before it starts", "Swap its ends.")
    measure = Measure.of(reading, start, end, confidence)
    if measure is None:
        return None
    return measure, reading.within(start, end).compared(measure.series)


def _point(name: str, value: float, measure: Measure, colour: str, scale: float) -> dict[str, Any]:
    interval = measure.effect.interval
    low, high = (
        (value, value) if interval is None else (scale * interval.low, scale * interval.high)
    )
    return {
        "type": "scatter",
        "x": [value],
        "y": [float(name == BEFORE)],
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "marker": {"color": colour, "size": 10, "symbol": "circle" if name == NOW else "diamond"},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(high - value, 0.0)],
            "arrayminus": [max(value - low, 0.0)],
            "color": colour,
        },
        "hovertemplate": f"{name}: %{{x:.4g}}<extra></extra>",
    }


def _title(compared: Compared) -> str:
    change, unit = compared.change, compared.change.quantity.unit
    ends = f"{value_of(change.before, unit)} → {value_of(change.after, unit)}"
    if not np.isfinite(change.low):
        return f"{change.quantity.name}: {ends}, {compared.outcome}"
    span = f"{difference_of(change.low, unit)} to {difference_of(change.high, unit)}"
    told = f"{difference_of(change.value, unit)} ({span})"
    return f"{change.quantity.name}: {ends}, {told}, {compared.outcome}"
