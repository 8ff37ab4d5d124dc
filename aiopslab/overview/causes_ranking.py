"""The ranking of causes: layers with their subject, the change that did it, and their evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from aiopslab.findings import Effect
from aiopslab.incident.culprits import ChangeRanking, rank_changes
from aiopslab.overview.causes import (
    KINDS,
    LAYERS_OF_CAUSES,
    MOVED,
    Cause,
    CauseLayer,
    evidence,
    layer_probabilities,
)
from aiopslab.overview.causes_gauges import Gauge
from aiopslab.overview.layers import Frames
from aiopslab.overview.shift import Shift

SUBJECTS: Mapping[CauseLayer, tuple[str, ...]] = {
    "infrastructure": ("service signs", "model server load", "model server signs"),
    "classifier": ("classifier signs",),
    "prompt": ("prompt version", "prompt version now and then"),
    "index": ("index signs",),
    "language model": ("model version", "model version now and then"),
    "questions": (),
}
MODELS = {"prompt", "language model"}  # layers that run where the tokens are counted
WORDS: Mapping[CauseLayer, str] = {"classifier": "classif", "index": "retriev|index|vector|search"}
MODEL_SIGNS = ("model server signs", "model server load", "token signs")
_LAYER_OF_VERSION: Mapping[str, CauseLayer] = {
    "prompt version": "prompt",
    "model version": "language model",
}
JUST_BEFORE = 0.05  # of the time before the onset
SHOWN = 0.005  # probability below which a layer is not told


def rank_causes(
    frames: Frames,
    gauges: Sequence[Gauge],
    shifts: Sequence[Shift],
    suspects: pd.DataFrame,
    onset: pd.Timestamp,
    latest: pd.Timestamp,
    parts: Mapping[CauseLayer, Effect] | None = None,
) -> tuple[Cause, ...]:
    """Rank the layers in which it may have begun.

    Parameters
    ----------
    frames
        Conformed, by name: changes, topology, calls.
    gauges
        Of all layers.
    shifts
        That were looked at.
    suspects
        Of the incident, whose words changes are held against.
    onset, latest
        When it began, and until when it may have begun at the latest: later changes are innocent.
    parts
        Share of the surest shift by the layer that it goes through, where known.

    Returns
    -------
    tuple of Cause
        The likeliest first. What no layer explains better than chance is still ranked; how far
        apart they are says how sure it is.
    """
    first = layer_probabilities(gauges, shifts, {})
    places = {layer: _places(layer, gauges, frames) for layer in LAYERS_OF_CAUSES}
    ranking = _changes(frames, first, places, suspects, onset, latest)
    claims, refs = _claims(ranking, places)
    # That its version was replaced is what a change of it says, and counts once.
    for layer in {
        _LAYER_OF_VERSION[each.name] for each in gauges if each.name in _LAYER_OF_VERSION
    }:
        claims.pop(layer, None)
    shares = layer_probabilities(gauges, shifts, claims, parts)
    causes = [
        _cause(layer, share, gauges, frames, places, ranking, refs.get(layer), onset, parts)
        for layer, share in shares.items()
        if share >= SHOWN
    ]
    return tuple(sorted(causes, key=lambda each: -each.probability))


def _cause(
    layer: CauseLayer,
    share: float,
    gauges: Sequence[Gauge],
    frames: Frames,
    places: Mapping[CauseLayer, tuple[str, ...]],
    ranking: ChangeRanking,
    ref: str | None,
    onset: pd.Timestamp,
    parts: Mapping[CauseLayer, Effect] | None,
) -> Cause:
    pro, contra = evidence(layer, gauges)
    effect = (parts or {}).get(layer)
    found = Cause(layer, _subject(layer, gauges, frames, places, onset), share, effect, None, onset)
    if ref is not None:
        change = ranking.changes[ranking.changes["ref"] == ref].iloc[0]
        told = f"the {change['kind']} {ref} of {change['service']}: {change['why']}"
        return replace(
            found,
            change=ref,
            since=min(change["timestamp"], onset),
            speaks_for=(*pro, told),
            speaks_against=contra,
        )
    return replace(found, speaks_for=pro, speaks_against=contra)


def _subject(
    layer: CauseLayer,
    gauges: Sequence[Gauge],
    frames: Frames,
    places: Mapping[CauseLayer, tuple[str, ...]],
    onset: pd.Timestamp,
) -> str:
    """Return what of a layer it is: the version, the service, or the layer itself."""
    if layer == "prompt" and (version := _promoted(frames.get("calls"), onset)):
        return version
    if layer in MODELS:
        moved = [each for each in gauges if each.name in SUBJECTS[layer] and each.moved >= MOVED]
        if moved:
            return max(moved, key=lambda each: each.moved).subject
        column = "prompt_version" if layer == "prompt" else "model"
        calls = frames.get("calls")
        if calls is not None and len(calls):
            return str(calls[column].mode().iloc[0])
    return places[layer][0] if places[layer] and layer != "questions" else str(layer)


def _promoted(calls: pd.DataFrame | None, onset: pd.Timestamp) -> str:
    """Return the prompt that is new since the onset with a model that was there: no fallback."""
    if calls is None or calls.empty:
        return ""
    # The onset is not known to the second: what came a little before it came with it.
    since = onset - JUST_BEFORE * (onset - calls["timestamp"].iloc[0])
    is_late = calls["timestamp"] >= since
    before, after = calls[~is_late], calls[is_late]
    is_own = after["model"].isin(before["model"].unique())
    is_new = ~after["prompt_version"].isin(before["prompt_version"].unique())
    found = after.loc[is_own & is_new, "prompt_version"]
    return str(found.mode().iloc[0]) if len(found) else ""


def _places(layer: CauseLayer, gauges: Sequence[Gauge], frames: Frames) -> tuple[str, ...]:
    """Return the services that a layer runs in, the likeliest first; none where not known."""
    names = MODEL_SIGNS if layer in MODELS else SUBJECTS[layer]
    signs = sorted(
        (each for each in gauges if each.name in names and each.subject),
        key=lambda each: -each.moved,
    )
    if layer == "infrastructure":
        return tuple(each.subject for each in signs[:1])
    named = [each.subject for each in signs if each.moved >= MOVED or layer in MODELS]
    topology = frames.get("topology")
    if layer in WORDS and topology is not None:
        services = pd.concat([topology["callee"], topology["caller"]]).drop_duplicates()
        named += services[services.str.contains(WORDS[layer], case=False)].tolist()
    return tuple(dict.fromkeys(named))


def _changes(
    frames: Frames,
    shares: Mapping[CauseLayer, float],
    places: Mapping[CauseLayer, tuple[str, ...]],
    suspects: pd.DataFrame,
    onset: pd.Timestamp,
    latest: pd.Timestamp,
) -> ChangeRanking:
    """Rank the changes by the services in which it may have begun, as an incident does.

    Those between the onset and when it began at the latest count as if they came with the onset.
    """
    changes = frames.get("changes")
    if changes is not None:
        times = changes["timestamp"]
        changes = changes.assign(timestamp=times.mask(times.between(onset, latest), onset))
    rows = []
    for layer, share in shares.items():
        # Of the services of a layer it is rather at one that a change of it touched.
        touched = _touched(layer, places[layer], changes, latest)
        rows += [(service, share / len(touched)) for service in touched]
    services = pd.DataFrame(rows, columns=["service", "probability"])
    services = services.groupby("service", as_index=False, sort=False).sum()
    services = services.sort_values("probability", ascending=False, ignore_index=True)
    return rank_changes(changes, onset, services, suspects, frames.get("topology"))


def _touched(
    layer: CauseLayer,
    services: tuple[str, ...],
    changes: pd.DataFrame | None,
    latest: pd.Timestamp,
) -> tuple[str, ...]:
    if changes is None or len(services) < 2:
        return services
    kinds = [kind for kind, layers in KINDS.items() if layers == (layer,)]
    own = changes[changes["kind"].isin(kinds) & (changes["timestamp"] <= latest)]
    last = own.loc[own["service"].isin(services), "service"].tail(1)
    return tuple(map(str, last)) or services


def _claims(
    ranking: ChangeRanking, places: Mapping[CauseLayer, tuple[str, ...]]
) -> tuple[dict[CauseLayer, float], dict[CauseLayer, str]]:
    """Return how likely a change of each layer did it, and which."""
    claims: dict[CauseLayer, float] = {}
    refs: dict[CauseLayer, str] = {}
    for layer in LAYERS_OF_CAUSES:
        own = (
            ranking.changes[
                ranking.changes["kind"].map(lambda kind: layer in KINDS.get(str(kind), ()))  # noqa: B023
                & ranking.changes["service"].isin(places[layer])
            ]
            if len(ranking.changes)
            else ranking.changes
        )
        if len(own):
            claims[layer] = float(own["probability"].iloc[0])
            if own["ref"].iloc[0] in ranking.named:
                refs[layer] = str(own["ref"].iloc[0])
    return claims, refs
