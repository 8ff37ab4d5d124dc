"""Export: what people said, as the evaluation sets that templates and analyses read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.incident.cause_labels import cause_labels
from aiopslab.prompts.feedback import Feedback
from aiopslab.retrieval.labels import Labels

ITEMS, QUESTIONS = "items.jsonl", "questions.jsonl"
INCIDENTS, CALLS = "incidents.jsonl", "calls.jsonl"
GOOD = 1.0  # feedback of a call whose answer may be taken for an example of a good one


@dataclass(frozen=True)
class Exported:
    """A set that was written: where, how many rows, and what reads it."""

    path: Path
    rows: int
    read_by: str


def export_items(ratings: Path, folder: Path, items: pd.DataFrame | None = None) -> Exported:
    """Write the items of prompts with the output that people prefer as what is expected.

    Parameters
    ----------
    ratings
        File of `aiopslab.prompts.Feedback`.
    folder
        In which ``items.jsonl`` is written.
    items
        That the outputs are of, with the variables of the prompts. What they expect stays, and so
        do items that nobody rated, where they expect anything. Without them an item has a ``text``.
    """
    with Feedback(ratings) as feedback:
        preferred = feedback.preferred()
    told = preferred.assign(item=preferred["item"].astype("str")).set_index("item")
    if items is None:
        rows = told.rename(columns={"input": "text", "output": "expected"}).reset_index()
    else:
        expected = items["item"].astype("str").map(told["output"])
        kept = items["expected"].fillna(expected) if "expected" in items else expected
        rows = items.assign(expected=kept).dropna(subset="expected")
    return _written(folder / ITEMS, rows.to_dict("records"), f"prompt_ab -p items={ITEMS}")


def export_questions(labels: Path, folder: Path) -> Exported:
    """Write the questions that were graded, with what answers them, as ``questions.jsonl``."""
    path = folder / QUESTIONS
    _written(path, [], "")  # the folder, or why it cannot be
    with Labels(labels) as store:
        rows = store.export(path)
    return Exported(path, rows, f"rag_tuning -p questions={QUESTIONS}")


def export_incidents(causes: Path, folder: Path) -> Exported:
    """Write what people say was the cause, as ``incidents.jsonl``, which `cause_labels` reads."""
    rows = cause_labels(causes).to_dict("records")
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return _written(folder / INCIDENTS, plain, "incident.cause_labels, for held_against")


def export_calls(calls: pd.DataFrame, folder: Path) -> Exported:
    """Write calls whose answers readers found good as items of prompts, ``calls.jsonl``."""
    given = pd.to_numeric(calls.get("feedback", pd.Series(dtype=float)), errors="coerce")
    good = calls[given.reindex(calls.index) >= GOOD].drop_duplicates("input")
    rows = [
        {"item": f"call {number}", "text": row["input"], "expected": row["output"]}
        for number, row in enumerate(good.to_dict("records"), start=1)
    ]
    return _written(folder / CALLS, rows, f"prompt_ab -p items={CALLS}")


def write_text(path: Path, text: str) -> None:
    """Write a file, and the folder that it is in.

    Raises
    ------
    AIOpsLabError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise AIOpsLabError(
            f"{str(path)!r} cannot be written: {error.strerror}", "Name another folder."
        ) from None


def _written(path: Path, rows: Iterable[Any], read_by: str) -> Exported:
    lines = [json.dumps(each, ensure_ascii=False, default=str) for each in rows]
    write_text(path, "".join(f"{line}\n" for line in lines))
    return Exported(path, len(lines), read_by)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, pd.Timestamp) else value
