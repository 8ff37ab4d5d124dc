"""Scoring: scorers applied to the calls of a run, with everything that could not be scored told."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from aiopslab.errors import FrameError, ParameterError
from aiopslab.prompts.scorers.score import Score, Scorer

ANSWERED = "answered"  # the status of a call that has an output
COLUMNS = ("item", "prompt", "repetition", "metric", "score", "status", "note")
NOTE = 300  # characters


def score_calls(
    calls: pd.DataFrame, items: pd.DataFrame, scorers: Mapping[str, Scorer]
) -> pd.DataFrame:
    """Score every call with every scorer.

    Parameters
    ----------
    calls
        One row a call: ``item, prompt, repetition, status, output`` and what else a run keeps.
    items
        One row an item: ``item``, and the fields that the scorers read.
    scorers
        By the name of their metric. Each is called with the output and the fields of the item, to
        which ``call``, all columns of the call, is added. One with ``batch`` gets all at once.

    Returns
    -------
    pandas.DataFrame
        One row a call and metric: ``item, prompt, repetition, metric, score, status, note``, and
        ``group`` where the calls have it. The score is NaN where there is none, and the status
        tells why: ``unparsed``, or ``error`` where the call has failed or the scorer raised, with
        what it said as the note. Nothing is left out, and nothing is scored 0 for want of a score.

    Raises
    ------
    FrameError
        If a column is missing, an item is there twice, or a call is of an item that is not.
    ParameterError
        If there is no scorer.

    Examples
    --------
    >>> calls = pd.DataFrame({"item": [1, 2], "prompt": "short", "repetition": 0})
    >>> calls = calls.assign(status="answered", output=["Paris", None])
    >>> items = pd.DataFrame({"item": [1, 2], "expected": ["Paris", "Rome"]})
    >>> table = score_calls(calls, items, {"long": lambda output, item: len(output) > 9})
    >>> table[["score", "status"]].values.tolist()
    [[0.0, 'scored'], [nan, 'error']]
    """
    _check(calls, items, scorers)
    fields: dict[Any, dict[str, Any]] = {each["item"]: each for each in _records(items)}
    rows = _records(calls)
    seen: list[Mapping[str, Any]] = [{**fields[row["item"]], "call": row} for row in rows]
    answered = [
        place
        for place, row in enumerate(rows)
        if row["status"] == ANSWERED and isinstance(row["output"], str)
    ]
    outputs = [rows[place]["output"] for place in answered]
    kept = [each for each in ("item", "group", "prompt", "repetition") if each in calls]
    told = []
    for metric, scorer in scorers.items():
        found = dict(
            zip(answered, _scored(scorer, outputs, [seen[at] for at in answered]), strict=True)
        )
        for place, row in enumerate(rows):
            score = found.get(place) or _unanswered(row)
            told.append(
                {
                    **{each: row[each] for each in kept},
                    "metric": metric,
                    "score": float("nan") if score.value is None else score.value,
                    "status": score.status,
                    "note": score.note[:NOTE],
                }
            )
    columns = [*kept, *COLUMNS[len(COLUMNS) - 4 :]]
    return pd.DataFrame(told, columns=columns).astype({"score": "float64"})


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Count what was scored, and what was not, for each prompt and metric.

    Parameters
    ----------
    scores
        From `score_calls`.

    Returns
    -------
    pandas.DataFrame
        One row a prompt and metric: ``prompt, metric, calls, scored, unparsed, errors, mean`` (over
        what was scored; NaN where nothing was), ``why`` (the commonest note of what was not).

    Examples
    --------
    >>> table = {"prompt": ["a"] * 3, "metric": "correct", "score": [1.0, 0.0, None]}
    >>> table["status"], table["note"] = ["scored", "scored", "unparsed"], ["", "", "no number"]
    >>> summarise(pd.DataFrame(table)).loc[0, ["scored", "unparsed", "mean", "why"]].tolist()
    [np.int64(2), np.int64(1), np.float64(0.5), 'no number']
    """
    rows = []
    for (prompt, metric), some in scores.groupby(["prompt", "metric"], sort=False):
        counts = some["status"].value_counts()
        why = some.loc[some["status"] != "scored", "note"].mode()
        rows.append(
            {
                "prompt": prompt,
                "metric": metric,
                "calls": len(some),
                "scored": int(counts.get("scored", 0)),
                "unparsed": int(counts.get("unparsed", 0)),
                "errors": int(counts.get("error", 0)),
                "mean": some.loc[some["status"] == "scored", "score"].mean(),
                "why": why.iloc[0] if len(why) else "",
            }
        )
    columns = ["prompt", "metric", "calls", "scored", "unparsed", "errors", "mean", "why"]
    return pd.DataFrame(rows, columns=columns)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _scored(
    scorer: Scorer, outputs: Sequence[str], items: Sequence[Mapping[str, Any]]
) -> list[Score]:
    """Score outputs, all at once where that is possible; then one that fails does not fail all."""
    batch = getattr(scorer, "batch", None)
    if batch is not None and len(outputs) > 1:
        try:
            found = [_as_score(each) for each in batch(outputs, items)]
        except Exception:
            found = []
        if len(found) == len(outputs):
            return found
    return [_one(scorer, output, item) for output, item in zip(outputs, items, strict=True)]


def _one(scorer: Scorer, output: str, item: Mapping[str, Any]) -> Score:
    try:
        return _as_score(scorer(output, item))
    except Exception as error:  # a scorer is anybody's code, and the run goes on
        said = getattr(error, "problem", None) or f"{type(error).__name__}: {error}"
        return Score(None, "error", str(said))


def _as_score(told: Any) -> Score:
    return told if isinstance(told, Score) else Score(float(told))


def _unanswered(row: Mapping[str, Any]) -> Score:
    said = row.get("error")
    if row["status"] == ANSWERED:
        said = "it has no output"
    elif not isinstance(said, str) or not said:
        said = str(row["status"])
    return Score(None, "error", f"the call: {said}")


def _check(calls: pd.DataFrame, items: pd.DataFrame, scorers: Mapping[str, Scorer]) -> None:
    for column in ("item", "prompt", "repetition", "status", "output"):
        if column not in calls:
            raise FrameError(
                f"the calls have no column {column!r}; they have {', '.join(map(str, calls))}",
                "Pass the calls of a run.",
            )
    if "item" not in items:
        raise FrameError("the items have no column 'item'", "Name each item as the calls do.")
    if items["item"].duplicated().any():
        twice = items.loc[items["item"].duplicated(), "item"].tolist()[0]
        raise FrameError(f"the item {twice!r} is there twice", "Keep one row an item.")
    unknown = calls.loc[~calls["item"].isin(items["item"]), "item"].tolist()
    if unknown:
        raise FrameError(
            f"{len(unknown)} calls are of items that are not there, e.g. {unknown[0]!r}",
            "Pass the items that the run was made with.",
        )
    if not scorers:
        raise ParameterError("there is no scorer", "Name at least one, e.g. {'correct': exact()}.")
