"""Preparation: frames are read once, and judged as often as somebody asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from aiopslab.errors import ParameterError
from aiopslab.frames import to_utc
from aiopslab.overview.board import Overview
from aiopslab.overview.intake import conformed, times_of, without_future
from aiopslab.overview.layers import LAYERS, Frames, Layer, knowledge
from aiopslab.overview.measure import Measure
from aiopslab.overview.readings import Snapshot
from aiopslab.overview.targets import Targets
from aiopslab.overview.tile import Link, Tile
from aiopslab.retrieval.freshness import Freshness
from aiopslab.sources.evidence import noting
from aiopslab.wording import listed

_DEFAULTS = Targets()
_NONE_DOWN: Mapping[str, str] = {}


@dataclass(frozen=True)
class Prepared:
    """Frames that were read.

    Parameters
    ----------
    layers
        By tile.
    now
        When they are judged; ``None`` where nothing has a time.
    start, end
        Of what there is to be judged.
    notes
        What was assumed or left out.
    source
        URL of the evidence, or of each frame by name; ``None`` where it is not known.
    """

    layers: Mapping[str, Layer]
    now: pd.Timestamp | None
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    notes: tuple[str, ...] = ()
    source: str | Mapping[str, str] | None = None

    def judge(
        self,
        targets: Targets = _DEFAULTS,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        confidence: float = 0.95,
    ) -> Overview:
        """Judge a window.

        Parameters
        ----------
        targets
            That the tiles are held against.
        start, end
            The window, both ends included; all there is where ``None``. A window that ends before
            the evidence does is judged as it was then.
        confidence
            Of every interval.

        Raises
        ------
        ParameterError
            If the window ends before it starts, or the confidence is none.
        """
        if not 0 < confidence < 1:
            raise ParameterError(
                f"confidence is {confidence}; expected a number between 0 and 1", "Use 0.95."
            )
        first = self.start if start is None else start
        last = self.end if end is None else end
        now = self.now if end is None or (self.end is not None and end >= self.end) else end
        if first is not None and last is not None and last < first:
            raise ParameterError(f"the window ends at {last}, before it starts", "Swap its ends.")
        tiles = [
            self._tile(name, layer, targets, (first, last), now, confidence)
            for name, layer in self.layers.items()
        ]
        return Overview(tuple(tiles), targets, now, first, last, self.notes)

    def _tile(
        self,
        name: str,
        layer: Layer,
        targets: Targets,
        window: tuple[pd.Timestamp | None, pd.Timestamp | None],
        now: pd.Timestamp | None,
        confidence: float,
    ) -> Tile:
        start, end = window
        link = Link(_TEMPLATES[name], self._parameters(name, start, end))
        if start is None or end is None or not layer.readings:
            return Tile(name, (), targets, None, now, link, layer.reason)
        parts = [Measure.of(each, start, end, confidence) for each in layer.readings]
        measures = tuple(each for each in parts if each is not None)
        if not measures:
            return Tile(name, (), targets, None, now, link, "there is none in the window")
        # What has stopped speaks for the tile no less than what goes on.
        seen = min(
            part.values.index[-1]
            for each in layer.readings
            if len((part := each.within(start, end)).values)
        )
        notes = tuple(each.note for each in measures if each.note)
        return Tile(name, measures, targets, seen, now, link, notes=notes)

    def _parameters(
        self, name: str, start: pd.Timestamp | None, end: pd.Timestamp | None
    ) -> dict[str, Any]:
        url = self.source
        if isinstance(url, Mapping):
            url = next((url[each] for each in _FRAMES[name] if each in url), None)
        if url is None or name not in _EVIDENCE:
            return {}
        told: dict[str, Any] = {_EVIDENCE[name]: url}
        if _TEMPLATES[name] in {"incident", "drift"} and start is not None and end is not None:
            told |= {"start": _iso(start), "end": _iso(end)}
        return told


_TEMPLATES = {
    "infrastructure health": "incident",
    "model accuracy": "drift",
    "response quality": "prompt_ab",
    "knowledge freshness": "rag_tuning",
    "cost per query": "prompt_ab",
}
_EVIDENCE = {
    "infrastructure health": "evidence",
    "model accuracy": "current",
    "response quality": "calls",
    "cost per query": "calls",
}


def prepare(
    frames: Frames,
    now: str | datetime | pd.Timestamp | None = None,
    *,
    freshness: Freshness | None = None,
    source: str | Mapping[str, str] | None = None,
    down: Mapping[str, str] = _NONE_DOWN,
) -> Prepared:
    """Read frames, to judge them again and again: other targets, another window.

    Parameters
    ----------
    frames
        By name: ``metrics`` (or ``spans``), ``topology``, ``observations``, ``calls``; others are
        not read. Each may be missing, and one that does not fit its contract is told in its tile.
    now
        When they are judged. Where ``None``, the end of the evidence: the later middle one of the
        ends of its frames, so that one clock that is ahead does not make all others look late.
    freshness
        What `aiopslab.retrieval.staleness` found of the index.
    source
        URL that the frames were opened from, or of each by its name, for the links.
    down
        Why other sources could not be read, by URL: tiles without data may lack just those.

    Returns
    -------
    Prepared
        Rows that are more than a minute past `now` are left out, and told.

    Raises
    ------
    FrameError
        If `now` is not a time.
    """
    with noting() as assumed:
        read, reasons = conformed(frames)
        told = None if now is None else to_utc(pd.Series([now]), "now").iloc[0]
    ends = {
        name: times.max() for name, frame in read.items() if len(times := times_of(name, frame))
    }
    if told is None:
        # A comparison of an index is no clock, unless there is nothing else.
        stamps = sorted(ends.values())
        alone = freshness.now if freshness is not None else None
        told = stamps[len(stamps) // 2] if stamps else alone
    notes = list(dict.fromkeys(assumed))
    if told is not None:
        for name, frame in read.items():
            read[name], note = without_future(name, frame, told)
            notes += [note] if note else []
    notes += [f"{url} could not be read: {problem}." for url, problem in down.items()]
    lost = f", and {listed(list(down))} could not be read" if down else ""
    layers = {name: _layer(name, build, read, reasons, lost) for name, build in LAYERS.items()}
    if freshness is not None:
        layers["knowledge freshness"] = knowledge(read, freshness)
    start, end = _extent(layers)
    return Prepared(layers, told, start, end, tuple(notes), source)


def tiles(
    frames: Frames,
    targets: Targets = _DEFAULTS,
    now: str | datetime | pd.Timestamp | None = None,
    *,
    freshness: Freshness | None = None,
    source: str | None = None,
    confidence: float = 0.95,
) -> Overview:
    """Judge the health of a system by five tiles.

    Parameters
    ----------
    frames, now, freshness, source
        As of `prepare`.
    targets
        That the tiles are held against; your system has its own.
    confidence
        Of every interval.

    Returns
    -------
    Overview
        Of infrastructure health, model accuracy, response quality, knowledge freshness and cost
        per query, in this order.

    Raises
    ------
    ParameterError
        If the confidence is none.

    Notes
    -----
    Shares have the interval of E. B. Wilson, JASA 22, 1927; that of good requests is widened where
    failures come in bursts, see `aiopslab.incident.burn_rate`. Means have Student's. The trend is
    the later half of the window against the earlier, see `aiopslab.prompts.watch`; of latencies
    and ages slices of time are compared, which are alike when they are neighbours: those intervals
    are somewhat too narrow, so that a trend only counts where it surely is more than a fifth of
    what was (of an age: of its target; of a share: two points).

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="min", tz="UTC")
    >>> observations = pd.DataFrame({"timestamp": times, "prediction": "cat", "target": "cat"})
    >>> seen = tiles({"observations": observations})
    >>> seen.table()[["tile", "state", "value"]].head(2)
                        tile    state  value
    0  infrastructure health  no data    NaN
    1         model accuracy       ok    1.0
    """
    prepared = prepare(frames, now, freshness=freshness, source=source)
    return prepared.judge(targets, confidence=confidence)


def _layer(
    name: str,
    build: Callable[[Frames], Layer],
    frames: Frames,
    reasons: Mapping[str, str],
    lost: str,
) -> Layer:
    layer = build(frames)
    if layer.readings:
        return layer
    failed = [reasons[each] for each in _FRAMES[name] if each in reasons]
    return Layer(reason=(failed[0] if failed else layer.reason) + lost)


_FRAMES: dict[str, tuple[str, ...]] = {
    "infrastructure health": ("metrics", "spans"),
    "model accuracy": ("observations",),
    "response quality": ("calls",),
    "knowledge freshness": ("metrics",),
    "cost per query": ("calls",),
}


def _extent(layers: Mapping[str, Layer]) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the first and the last time of what there is; of snapshots where nothing else is."""
    readings = [each for layer in layers.values() for each in layer.readings if len(each.values)]
    lasting = [each for each in readings if not isinstance(each, Snapshot)] or readings
    times = [each.values.index for each in lasting]
    return min((each[0] for each in times), default=None), max(
        (each[-1] for each in times), default=None
    )


def _iso(time: pd.Timestamp) -> str:
    return str(time.isoformat(timespec="milliseconds"))
