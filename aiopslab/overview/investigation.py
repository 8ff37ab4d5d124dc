"""The investigation: what moved, in which layer it began, and what happened when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.findings import Effect, Finding, Level, Verdict
from aiopslab.frames import FrameName
from aiopslab.incident import IncidentAnalysis, analyse
from aiopslab.incident.suspects import no_suspects
from aiopslab.overview.causes import LAYERS_OF_CAUSES, Cause, CauseLayer, layer_probabilities
from aiopslab.overview.causes_gauges import row_gauges
from aiopslab.overview.causes_html import causes_html
from aiopslab.overview.causes_ranking import rank_causes
from aiopslab.overview.causes_services import model_services, service_gauges
from aiopslab.overview.decomposition import Decomposition, decompose
from aiopslab.overview.decomposition_rows import call_rows, observation_rows
from aiopslab.overview.decomposition_spans import decompose_time
from aiopslab.overview.investigation_frames import read
from aiopslab.overview.investigation_onset import corroborated, onset_of
from aiopslab.overview.shift import OUTCOMES, Outcome, Shift, find_shifts
from aiopslab.overview.timeline import Timeline
from aiopslab.overview.timeline_events import timeline_events
from aiopslab.overview.written import chance_of
from aiopslab.wording import listed, named

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = [
    *("layer", "subject", "probability", "share", "low", "high", "change", "since"),
    *("for", "against"),
]
SURE = 0.5  # probability from which one layer is named
NEAR = 0.15  # of the window: an incident that begins further from a shift is another
GAP = 0.005  # of the window, about the onset, that is left out: nobody knows on which side it is


@dataclass(frozen=True, repr=False)
class Investigation:
    """What the layers say together.

    Parameters
    ----------
    looked
        Every measure of every outcome, those that moved first.
    causes
        The likeliest first; empty where nothing moved.
    timeline
        What happened when.
    incident
        The analysis of services; ``None`` where there is nothing of them.
    onset
        When it began; ``None`` where nothing moved.
    notes
        What was assumed or left out.
    confidence
        Of every interval.
    decompositions
        By outcome that moved.
    """

    looked: tuple[Shift, ...]
    causes: tuple[Cause, ...]
    timeline: Timeline
    incident: IncidentAnalysis | None
    onset: pd.Timestamp | None
    notes: tuple[str, ...]
    confidence: float
    decompositions: Mapping[Outcome, Decomposition] = field(default_factory=dict)

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The outcomes that moved, the surest first."""
        return tuple(each for each in self.looked if each.state == "moved")

    def decomposition(self, outcome: Outcome) -> Decomposition:
        """Return how much of the shift of an outcome goes through each layer.

        Raises
        ------
        ParameterError
            If there is no such outcome.
        """
        if outcome not in OUTCOMES:
            raise ParameterError(
                f"there is no outcome {outcome!r}", did_you_mean(str(outcome), list(OUTCOMES))
            )
        still = f"{outcome.capitalize()} did not surely move: there is nothing to decompose."
        return self.decompositions.get(outcome, Decomposition(outcome, None, notes=(still,)))

    def table(self) -> pd.DataFrame:
        """Return one row a cause, the likeliest first."""
        rows = []
        for each in self.causes:
            interval = None if each.effect is None else each.effect.interval
            share = float("nan") if each.effect is None else each.effect.value
            low, high = (float("nan"),) * 2 if interval is None else (interval.low, interval.high)
            said = "; ".join(each.speaks_for), "; ".join(each.speaks_against)
            told = (each.layer, each.subject, each.probability, share, low, high)
            rows.append((*told, each.change, each.since, *said))
        return pd.DataFrame(rows, columns=COLUMNS)

    def figure(self) -> "go.Figure":
        """Draw what happened in each layer."""
        return self.timeline.figure()

    def verdict(self) -> Verdict:
        """Say what moved and where it most likely began."""
        figures = {"outcomes that moved": float(len(self.shifts))}
        if not self.shifts:
            unsure = [each.measure for each in self.looked if each.state == "not enough data"]
            if not self.looked:
                return Verdict("watch", "Not enough data to tell: no outcome is measured.", figures)
            headline = "No outcome surely moved."
            if unsure:
                headline += f" Of {listed(unsure)} there is not enough data to tell."
            return Verdict("ok", headline, figures)
        worse = [each for each in self.shifts if each.is_worse]
        level: Level = "act" if worse else "watch"
        first = self.causes[0]
        figures[f"probability of {first.layer}"] = first.probability
        headline = f"{self.shifts[0].sentence} {self._told()}"
        return Verdict(level, headline, figures, self._findings(), self._actions())

    def _told(self) -> str:
        """Say where it began, or that nobody can tell."""
        first = self.causes[0]
        subject = named(first.subject)
        where = first.layer if first.subject == first.layer else f"{first.layer} ({subject})"
        if first.probability < SURE:
            return f"{where} and {self.causes[1].layer} cannot be told apart as its cause."
        if not first.speaks_for:
            return f"Nothing recorded of any layer speaks for its cause; {where} is least unlikely."
        return f"It most likely began in the layer {where}."

    def _findings(self) -> tuple[Finding, ...]:
        moved = [
            Finding(
                each.sentence,
                each.outcome,
                "act" if each.is_worse else "watch",
                f"{each.rows[0]:,} values before and {each.rows[1]:,} after",
                each.effect,
            )
            for each in self.shifts
        ]
        told = [
            Finding(
                f"With a probability of {chance_of(each.probability)} it began in the layer "
                f"{each.layer}.",
                each.subject,
                "act" if each is self.causes[0] else "watch",
                "; ".join(each.speaks_for) or "nothing speaks for it but that others are unlikely",
                each.effect,
            )
            for each in self.causes[:3]
        ]
        return (*moved, *told)

    def _actions(self) -> tuple[str, ...]:
        first = self.causes[0]
        if first.layer == "questions":
            return ("Nothing broke: see whether what is asked now is served as well as it should.",)
        if first.change is not None:
            change, subject = named(first.change), named(first.subject)
            return (f"Undo {change} of {subject}, and see whether it helps.",)
        return (f"Look into the layer {first.layer}, at {named(first.subject)}.",)

    def __repr__(self) -> str:
        named = [f"{each.layer} {each.probability:.2f}" for each in self.causes[:3]]
        return f"Investigation({len(self.shifts)} shifts; {', '.join(named) or 'no cause'})"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(each)}</li>" for each in self.notes)
        return causes_html(self.causes) + (f"<ul>{notes}</ul>" if notes else "")


def investigate(
    frames: Mapping[str, pd.DataFrame],
    *,
    start: object = None,
    end: object = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Investigation:
    """Find which outcomes moved, and in which layer it began.

    Parameters
    ----------
    frames
        By name, as `aiopslab.frames` tells; any may be missing.
    start, end
        The window; all there is where ``None``.
    confidence
        Of every interval; what it lacks to 1 is the chance that any shift is a false alarm.
    seed
        Of all that is drawn.

    Returns
    -------
    Investigation

    Raises
    ------
    ParameterError
        If the window ends before it starts, or the confidence is none.

    Examples
    --------
    >>> investigate({}).verdict().headline
    'Not enough data to tell: no outcome is measured.'
    """
    if not 0 < confidence < 1:
        raise ParameterError(
            f"confidence is {confidence}; expected a number between 0 and 1", "Use 0.95."
        )
    got = read(frames, start, end)
    looked = find_shifts(got.frames, confidence, seed)
    incident = _incident(got.frames, confidence, seed)
    onset, latest = onset_of(looked, incident, NEAR * got.length)
    calls, observations = call_rows(got.frames), observation_rows(got.frames)
    gap = GAP * got.length
    gauges = [] if onset is None else row_gauges(calls, observations, onset, gap)
    looked = corroborated(looked, gauges, onset, NEAR * got.length)
    shifts = [each for each in looked if each.state == "moved"]
    if onset is None or latest is None or not shifts:
        events = timeline_events(got.frames, incident, looked, (), None)
        timeline = Timeline(events, None, got.start, got.end)
        return Investigation(looked, (), timeline, incident, None, got.notes, confidence)
    topology = got.frames.get("topology")
    suspects = no_suspects() if incident is None else incident.suspects
    if incident is not None:
        gauges += service_gauges(suspects, incident.bar, topology)
    likely = layer_probabilities(gauges, looked, {})
    few: CauseLayer = max(_FEW, key=lambda each: likely[each])
    spans, models = got.frames.get("spans", pd.DataFrame()), model_services(suspects)
    decompositions: dict[Outcome, Decomposition] = {}
    for shift in shifts:
        if shift.outcome == "service" and len(spans):
            found = decompose_time(spans, models, onset, gap, confidence)
        else:
            found = decompose(shift, calls, observations, onset, gap, confidence, seed, few)
        known = decompositions.get(shift.outcome)
        if known is None or known.total is None:
            decompositions[shift.outcome] = found
    # Where requests wait is a symptom, which the signs of services have told already.
    told = _surest(each for each in decompositions.values() if each.outcome != "service")
    parts = told or _surest(decompositions.values())
    causes = rank_causes(got.frames, gauges, looked, suspects, onset, latest, told)
    causes = tuple(replace(each, effect=parts.get(each.layer)) for each in causes)
    return Investigation(
        looked,
        causes,
        Timeline(
            timeline_events(got.frames, incident, looked, gauges, onset), onset, got.start, got.end
        ),
        incident,
        onset,
        got.notes,
        confidence,
        decompositions,
    )


def _surest(found: Iterable[Decomposition]) -> dict[CauseLayer, Effect]:
    """Return the share of each layer in the surest shift that could be decomposed."""
    first = next((each for each in found if each.total is not None), None)
    if first is None:
        return {}
    shares = {layer: first.share(layer) for layer in LAYERS_OF_CAUSES}
    return {layer: share for layer, share in shares.items() if share is not None}


def _incident(
    frames: Mapping[str, pd.DataFrame], confidence: float, seed: int
) -> IncidentAnalysis | None:
    used = {name: frames[name] for name in _SERVICES if name in frames and len(frames[name])}
    if not used.keys() - {"topology"}:
        return None
    return analyse(used, confidence=confidence, seed=seed)


_FEW: tuple[CauseLayer, ...] = ("index", "infrastructure")
_SERVICES: tuple[FrameName, ...] = ("metrics", "logs", "spans", "alerts", "topology")
