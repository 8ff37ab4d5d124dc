"""What a source yields: typed frames, where they came from, and what had to be assumed."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.frames import FRAME_NAMES, FrameName, FrameWarning, conform
from aiopslab.sources import mime
from aiopslab.sources.digest import digest
from aiopslab.sources.window import cut, extent, window
from aiopslab.wording import listed

EVIDENCE_MIME = mime.EVIDENCE_MIME


@dataclass(frozen=True, repr=False)
class Evidence:
    """Typed frames from one source.

    Open it with `aiopslab.sources.open`, or build it from tables at hand with `Evidence.of`.

    Parameters
    ----------
    source
        The URL it was opened from; it holds no credentials.
    frames
        Each frame that the source has, conformed to its contract.
    digest
        SHA-256 over the content of the frames, in hexadecimal: equal evidence, equal digest.
    start, end
        The window covered, both ends included: what was asked for, else the first and the last
        time in the frames; ``None`` where nothing has a time.
    notes
        What had to be assumed or left out on the way, one sentence each.
    truth
        What a rehearsal knows about the fault it injected; ``None`` for anything else.
    """

    source: str
    frames: Mapping[FrameName, pd.DataFrame] = field(compare=False)  # the digest does
    digest: str
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    notes: tuple[str, ...] = ()
    truth: Mapping[str, Any] | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pd.DataFrame],
        source: str = "tables in memory",
        start: str | datetime | pd.Timestamp | None = None,
        end: str | datetime | pd.Timestamp | None = None,
        *,
        notes: tuple[str, ...] = (),
        truth: Mapping[str, Any] | None = None,
    ) -> "Evidence":
        """Bring tables to their frames, cut them to a window and take their digest.

        Parameters
        ----------
        tables
            Tables by frame name; see `aiopslab.frames.conform`.
        source
            Where they come from, without credentials.
        start, end
            The window to keep, both ends included; ``None`` for no bound.
        notes
            What is known already to have been assumed.
        truth
            What is known about an injected fault.

        Raises
        ------
        FrameError
            If a table does not fit its frame.
        SourceError
            If there are no rows, or none in the window.

        Examples
        --------
        >>> edges = pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]})
        >>> Evidence.of({"topology": edges})
        Evidence('tables in memory': 1 topology)
        """
        with noting() as assumed:
            since, until = window(start, end)
            frames = {name: conform(name, table) for name, table in _ordered(tables)}
            if all(frame.empty for frame in frames.values()):
                raise SourceError(f"{source} holds no rows", "Open a source that has some.")
            frames = cut(frames, since, until)
        first, last = extent(frames)
        return cls(
            source,
            frames,
            digest(frames),
            first if since is None else since,
            last if until is None else until,
            tuple(dict.fromkeys([*notes, *assumed])),
            truth,
        )

    def joined(self, *others: "Evidence") -> "Evidence":
        """Join evidence from several sources, e.g. metrics here, logs and traces there.

        Parameters
        ----------
        *others
            Evidence of the same time. Rows of a frame that several have are taken together;
            series of metrics likewise, and where two hold the same series, the first is kept.

        Returns
        -------
        Evidence
            This one itself, where there is no other.

        Examples
        --------
        >>> edges = pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]})
        >>> more = pd.DataFrame({"caller": ["auth"], "callee": ["database"]})
        >>> Evidence.of({"topology": edges}, "a").joined(Evidence.of({"topology": more}, "b"))
        Evidence('a + b': 2 topology)
        """
        if not others:
            return self
        every = (self, *others)
        tables: dict[str, pd.DataFrame] = {}
        for name in FRAME_NAMES:
            parts = [each.frames[name] for each in every if name in each.frames]
            if parts:
                tables[name] = _together(name, parts)
        starts = [each.start for each in every if each.start is not None]
        ends = [each.end for each in every if each.end is not None]
        return Evidence.of(
            tables,
            " + ".join(each.source for each in every),
            min(starts, default=None),
            max(ends, default=None),
            notes=tuple(f"{each.source}: {note}" for each in every for note in each.notes),
            truth=next((each.truth for each in every if each.truth is not None), None),
        )

    @property
    def metrics(self) -> pd.DataFrame:
        """Index `timestamp`, columns (`service`, `metric`); floats, NaN where not scraped."""
        return self._frame("metrics")

    @property
    def logs(self) -> pd.DataFrame:
        """One row a log line, the earliest first."""
        return self._frame("logs")

    @property
    def spans(self) -> pd.DataFrame:
        """One row a span, the earliest first; `duration_ms` in milliseconds."""
        return self._frame("spans")

    @property
    def alerts(self) -> pd.DataFrame:
        """One row a change of an alert's state, the earliest first."""
        return self._frame("alerts")

    @property
    def changes(self) -> pd.DataFrame:
        """One row a deployment, flag, configuration, model, prompt or index change."""
        return self._frame("changes")

    @property
    def topology(self) -> pd.DataFrame:
        """One row an edge, caller to callee."""
        return self._frame("topology")

    @property
    def observations(self) -> pd.DataFrame:
        """One row a prediction of a model, with its features."""
        return self._frame("observations")

    @property
    def calls(self) -> pd.DataFrame:
        """One row a call of a language model."""
        return self._frame("calls")

    def get(self, name: FrameName) -> pd.DataFrame | None:
        """Return a frame, or ``None`` where this evidence has none of that name."""
        if name not in FRAME_NAMES:
            raise SourceError(f"there is no frame {name!r}", did_you_mean(name, list(FRAME_NAMES)))
        return self.frames.get(name)

    def table(self) -> pd.DataFrame:
        """Summarise the evidence.

        Returns
        -------
        pandas.DataFrame
            One row a frame: `frame`, `rows`, `from`, `to` (UTC; NaT without times) and
            `services`, how many it names (missing where the frame has none).
        """
        rows = []
        for name, frame in self.frames.items():
            first, last = extent({name: frame})
            rows.append((name, len(frame), first, last, _services(name, frame)))
        table = pd.DataFrame(rows, columns=["frame", "rows", "from", "to", "services"])
        time = "datetime64[us, UTC]"
        return table.astype({"from": time, "to": time, "services": "Int64"})

    def _frame(self, name: FrameName) -> pd.DataFrame:
        if name in self.frames:
            return self.frames[name]
        raise SourceError(
            f"this evidence holds {listed(list(self.frames))}, no {name}",
            f"Add {name} to {self.source}, open a source that has them, or leave this step out.",
        )

    def _counts(self) -> dict[str, int]:
        return {name: len(frame) for name, frame in self.frames.items()}

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self._counts().items())
        return f"Evidence({self.source!r}: {counts})"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(each)}</li>" for each in self.notes)
        table = self.table()
        stamps = {name: table[name].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("") for name in _ENDS}
        services = table["services"].astype("str").fillna("")
        shown = table.assign(**stamps, services=services)
        if not table["services"].notna().any():  # as of observations, which no service makes
            shown = shown.drop(columns="services")
        return (
            '<section class="aiopslab-evidence">'
            f"<p><strong>Evidence</strong> {escape(self.source)} "
            f'<small title="{self.digest}">digest {self.digest[:12]}</small></p>'
            + shown.to_html(index=False, border=0)
            + (f"<h4>Assumed</h4><ul>{notes}</ul>" if notes else "")
            + "</section>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            EVIDENCE_MIME: {
                "source": self.source,
                "digest": self.digest,
                "start": None if self.start is None else self.start.isoformat(),
                "end": None if self.end is None else self.end.isoformat(),
                "frames": self._counts(),
                "notes": list(self.notes),
            },
            "text/html": self._repr_html_(),
            "text/plain": repr(self),
        }


_ENDS = ("from", "to")


@contextmanager
def noting() -> Iterator[list[str]]:
    """Collect the messages of `FrameWarning` in a list, filled on leaving; others pass through."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FrameWarning)
        yield notes
    for each in caught:
        if issubclass(each.category, FrameWarning):
            notes.append(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _ordered(tables: Mapping[str, pd.DataFrame]) -> list[tuple[FrameName, pd.DataFrame]]:
    for name in tables:
        if name not in FRAME_NAMES:
            raise SourceError(f"there is no frame {name!r}", did_you_mean(name, list(FRAME_NAMES)))
    return [(name, tables[name]) for name in FRAME_NAMES if name in tables]


def _together(name: FrameName, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all parts; of metrics the series, each as the first part has it."""
    if name != "metrics":
        return pd.concat(parts, ignore_index=True)
    wide = pd.concat(parts, axis=1)
    return wide.loc[:, ~wide.columns.duplicated()]


def _services(name: FrameName, frame: pd.DataFrame) -> int | None:
    if name == "metrics":
        return int(frame.columns.get_level_values("service").nunique())
    if name == "topology":
        return int(pd.concat([frame["caller"], frame["callee"]]).nunique())
    return int(frame["service"].nunique()) if "service" in frame.columns else None
