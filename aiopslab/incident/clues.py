"""What speaks for and against each change as the cause: observations, their weights, in words."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from aiopslab.incident.codelines import parts, stems
from aiopslab.incident.patches import Patch, read_patch

# What a unit of each observation adds to the logarithm of the odds that a change did it. They are
# set by hand and round: place, substance and words are of like weight, and none of them names a
# culprit against the others.
WEIGHTS: Mapping[str, float] = {
    "delay": -0.7,  # a doubling of the time since it took effect, beyond `PROMPT`: half the odds
    "place": 1.5,  # 1 in the suspect, `BESIDE` in what calls it or is called by it, -1 elsewhere
    "substance": 1.25,  # -2 nothing that runs, -1 the same in other words, 1 something else
    "value": 1.0,  # 1 a setting is ten times what it was, or a tenth
    "words": 0.75,  # a word of the evidence that it alone speaks of; two at most
    "unshipped": -3.0,  # no deploy names it, though deploys name others
    "none": 1.25,  # of the odds that no change did it
    "outside": 1.0,  # of the same, where the evidence names hosts that no change has to do with
}
PROMPT = 10.0  # minutes within which the order of changes says nothing
BESIDE = 1 / 3
ADDED = 0.5  # of the substance, where every line that there was is left
MOST = 2  # words
LIKELY = 0.5  # a share from which a service is called the suspect
SHOWN = 8  # names in a reason

# A name that the world resolves; ours end in other ways, or carry the name of a service.
_HOST = re.compile(
    r"(?<![\w@.>-])(?:[\w<>-]+\.)+(?:com|net|org|io|cloud)\b(?![\w.-])", re.IGNORECASE
)


def observe(
    acting: pd.DataFrame,
    onset: pd.Timestamp,
    share: "pd.Series[float]",
    calls: Mapping[str, list[str]],
    texts: Sequence[str],
) -> pd.DataFrame:
    """Observe of each change what `WEIGHTS` weighs.

    Parameters
    ----------
    acting
        As `aiopslab.incident.shipping.taking_effect` returns it, before the onset.
    onset
        When the incident began.
    share
        How likely each service is to have begun it, adding up to 1.
    calls
        Callees by caller.
    texts
        What speaks against the likeliest services.

    Returns
    -------
    pandas.DataFrame
        One row a change in the same order: ``delay, place, substance, value, words, unshipped`` in
        the units of `WEIGHTS`, and ``why``, in words.
    """
    optional = acting.reindex(columns=["diff", "files"])
    patches = [read_patch(*each) for each in optional.itertuples(index=False)]
    evidence = _evidence(texts, acting["ref"], share.index)
    spoken = [
        _shared(patch, text, evidence)
        for patch, text in zip(patches, acting["description"], strict=True)
    ]
    # What several speak of tells less for each; what was not shipped takes nothing from the others.
    votes = Counter(
        stem
        for words, shipped in zip(spoken, acting["shipped"], strict=True)
        for stem in words
        if shipped
    )
    places = {each: _place(each, share, calls) for each in acting["service"].unique()}
    delays = (onset - acting["timestamp"]).dt.total_seconds() / 60
    rows = []
    for delay, service, shipped, patch, words in zip(
        delays, acting["service"], acting["shipped"], patches, spoken, strict=True
    ):
        place, where = places[service]
        told = sum(1 / (votes[stem] + (not shipped)) for stem in words)
        reasons = [
            f"took effect {delay:.0f} min before",
            where,
            _does(patch),
            f"the evidence speaks of {', '.join(sorted(words.values())[:SHOWN])}" * bool(words),
            "" if shipped else "no deploy is known to have shipped it",
        ]
        rows.append(
            {
                "delay": np.log2(max(delay / PROMPT, 1.0)),
                "place": place,
                "substance": _substance(patch),
                "value": patch.tenfold,
                "words": min(told, MOST) * patch.novelty,
                "unshipped": float(not shipped),
                "why": "; ".join(each for each in reasons if each),
            }
        )
    return pd.DataFrame(rows, acting.index)


def foreign_hosts(
    acting: pd.DataFrame, services: Iterable[str], texts: Sequence[str]
) -> tuple[str, ...]:
    """Return the hosts that the evidence names and that neither we run nor a change has to do with.

    Parameters
    ----------
    acting, texts
        As for `observe`.
    services
        Ours.
    """
    named = {host.lower() for text in texts for host in _HOST.findall(text)}
    ours = {each.lower() for each in services}
    foreign = {host for host in named if ours.isdisjoint(host.split("."))}
    if not foreign:
        return ()
    columns = acting.reindex(columns=["description", "diff"])
    for description, diff in columns.itertuples(index=False):
        patch = read_patch(diff)
        touched = " ".join([str(description), *(set(patch.removed) ^ set(patch.added))]).lower()
        foreign = {host for host in foreign if host not in touched}
    return tuple(sorted(foreign))


def _evidence(texts: Sequence[str], refs: Iterable[str], services: Iterable[str]) -> dict[str, str]:
    """Return the telling words of the evidence by stem, without what says nothing of the cause.

    A line that names a change only says that it was made, and the names of services tell where,
    which the place has said.
    """
    names = [each.lower() for each in refs if each]
    told = " ".join(each for each in texts if not any(name in each.lower() for name in names))
    return {stem: word for stem, word in stems(told).items() if word not in _parts_of(services)}


def _parts_of(services: Iterable[str]) -> set[str]:
    return {part for service in services for part in parts(service)}


def _shared(patch: Patch, description: str, evidence: Mapping[str, str]) -> dict[str, str]:
    """Return the words of the evidence that a change speaks of, by stem.

    Where a patch is known, what it speaks of counts by how much it changes: to touch the code that
    fails, and leave it as it was, is no guilt.
    """
    if not patch.novelty:
        return {}
    text = " ".join([description, *patch.files, *patch.removed, *patch.added])
    return {stem: evidence[stem] for stem in stems(text) if stem in evidence}


def _substance(patch: Patch) -> float:
    """Weigh whether a patch changes what the code does."""
    if not patch.changes_code:
        return -2.0
    if not patch.is_known:
        return 0.0
    if patch.only_adds:
        return ADDED
    return 2 * patch.novelty - 1


def _does(patch: Patch) -> str:
    """Say what a patch does."""
    said = {
        "changes nothing that runs: texts, logging, styles, tests or tools": not patch.changes_code,
        "": not patch.is_known,
        "moves versions of what it depends on": patch.is_upgrade,
        f"adds {_listed(patch.come)} to what there was": patch.only_adds,
        "gives a setting another value": patch.tenfold > 0,
        "turns a condition": patch.turns_a_condition,
        "says much the same in other words": _substance(patch) < 0,
        f"changes {_listed(patch.gone | patch.come)}": True,
    }
    return next(text for text, is_so in said.items() if is_so)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=str.lower)[:SHOWN]) or "lines"


def _place(
    service: str, share: "pd.Series[float]", calls: Mapping[str, Sequence[str]]
) -> tuple[float, str]:
    """Weigh where a change took effect by how far its service is suspected, and say it."""
    at = float(share.get(service, 0.0))
    callers = sum(float(share.get(each, 0.0)) for each in calls if service in calls[each])
    callees = sum(float(share.get(each, 0.0)) for each in calls.get(service, ()))
    beside = min(callers + callees, 1 - at)
    weight = at + BESIDE * beside - (1 - at - beside)
    if at >= LIKELY:
        return weight, f"in {service}, the suspect"
    if beside >= LIKELY:
        relation = "which a suspect calls" if callers > callees else "which calls a suspect"
        return weight, f"in {service}, {relation}"
    return weight, f"in {service or 'no known service'}"
