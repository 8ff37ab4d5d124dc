"""Evaluation sets with what people said of them, from the stores that the widgets write."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aiopslab.incident.cause_labels import cause_labels
from aiopslab.overview.feedback import EvaluationSet
from aiopslab.prompts.feedback import Feedback
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import Truth

TOPICS = ("topic", "kind", "group", "expected")  # of items, the first that there is
TRUTH = "truth.json"  # beside a recording of the rehearsal


def prompt_items(items: pd.DataFrame, ratings: str | Path | None) -> EvaluationSet:
    """Return the items of prompts with the ratings of their outputs by people.

    Parameters
    ----------
    items
        One row an item, as `aiopslab.prompts.open_items` returns them.
    ratings
        File of `aiopslab.prompts.Feedback`; nobody has rated where it is ``None`` or not there.
    """
    named = next((each for each in TOPICS if each in items), None)
    topic = items[named].astype("str") if named else None
    table = pd.DataFrame({"item": items["item"].astype("str"), "topic": topic})
    if ratings is None or not Path(ratings).is_file():
        return EvaluationSet("items of prompts", table, _none())
    with Feedback(ratings) as feedback:
        pairs, single = feedback.ratings(), feedback.scores()
        said = feedback.preferences()
    pairs = pairs.assign(item=said["item"], rated=said["rated"], unit=pairs["item"])
    pairs = pairs.rename(columns={"rating": "value"})
    single = single.assign(unit=single["task"], value=math.nan)  # another scale than that of pairs
    columns = ["item", "unit", "rater", "rated", "value", "kind"]
    both = pd.concat([each[columns].astype(object) for each in (pairs, single)], ignore_index=True)
    people = both[both["kind"] == "human"]
    judges = len(both) - len(people)
    about = f"{judges:,} ratings of judges are not counted." if judges else ""
    labels = people.drop(columns="kind").assign(item=people["item"].astype("str"))
    return EvaluationSet("items of prompts", table, _timed(labels), about=about)


def questions(truth: Truth, labels: str | Path | None) -> EvaluationSet:
    """Return the questions of retrieval with the grades of passages.

    Parameters
    ----------
    truth
        As `aiopslab.retrieval.open_questions` returns it.
    labels
        File of `aiopslab.retrieval.Labels`; nobody has graded where it is ``None`` or not there.
    """
    topic = truth.questions.get("topic")
    table = pd.DataFrame({"item": truth.questions["question"], "topic": topic})
    if labels is None or not Path(labels).is_file():
        return EvaluationSet("questions of retrieval", table, _none(), level="ordinal")
    with Labels(labels) as store:
        told = store.table()
    told = told.rename(
        columns={"question": "item", "task": "unit", "labelled": "rated", "grade": "value"}
    )
    kept = _timed(told[["item", "unit", "rater", "rated", "value"]])
    return EvaluationSet("questions of retrieval", table, kept, level="ordinal")


def incidents(recordings: Sequence[str], causes: str | Path | None) -> EvaluationSet:
    """Return recordings of incidents with what people say was the cause.

    Parameters
    ----------
    recordings
        Folders, or ``sample://NAME``; what is known of the fault is read from the ``truth.json``
        beside one. Where nothing happened, nobody has to say why.
    causes
        File of `aiopslab.incident.cause_labels.CauseLabels`.
    """
    rows = [(each, _fault(each)) for each in recordings]
    table = pd.DataFrame(
        [row for row in rows if row[1] != "none"], columns=["item", "topic"]
    ).drop_duplicates("item")
    said = cause_labels(causes) if causes is not None else None
    if said is None or said.empty:
        return EvaluationSet("incidents", table, _none(), topics="faults")
    labels = said.rename(columns={"evidence": "item", "service": "value", "recorded": "rated"})
    labels = labels.assign(unit=labels["item"])
    return EvaluationSet("incidents", table, _timed(labels[list(_none())]), topics="faults")


def production_calls(calls: pd.DataFrame) -> EvaluationSet:
    """Return calls in production with the feedback of those who read the answers.

    Parameters
    ----------
    calls
        A calls frame; ``feedback`` is missing where nobody said anything. Who did is not kept.
    """
    numbers = pd.Series([f"call {number}" for number in range(1, len(calls) + 1)])
    named = next((each for each in ("route", "prompt_version") if each in calls), None)
    topic = calls[named].reset_index(drop=True) if named else None
    table = pd.DataFrame({"item": numbers, "topic": topic})
    given = calls.get("feedback", pd.Series(pd.NA, calls.index)).reset_index(drop=True)
    times = calls["timestamp"].reset_index(drop=True) if "timestamp" in calls else pd.NaT
    labels = pd.DataFrame(
        {"item": numbers, "unit": numbers, "rater": "not recorded", "rated": times, "value": given}
    ).dropna(subset="value")
    called = {"route": "routes", "prompt_version": "prompt versions"}.get(named or "", "topics")
    return EvaluationSet(
        "calls in production", table, _timed(labels), called, about="Who rated is not recorded."
    )


def _fault(recording: str) -> str | None:
    """Return the fault of a recording in words, ``none`` where there was none, else nothing."""
    from aiopslab.sources import samples

    is_sample = recording.startswith("sample://")
    folder = samples.path(recording.partition("://")[2]) if is_sample else Path(recording)
    try:
        fault = json.loads((folder / TRUTH).read_text(encoding="utf-8"))["fault"]
        return f"{fault['kind']} of {fault['service']}" if fault else "none"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _none() -> pd.DataFrame:
    return _timed(pd.DataFrame(columns=["item", "unit", "rater", "rated", "value"], dtype=object))


def _timed(labels: pd.DataFrame) -> pd.DataFrame:
    return labels.assign(rated=pd.to_datetime(labels["rated"], utc=True))
