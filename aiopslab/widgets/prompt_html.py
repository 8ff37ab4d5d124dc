"""The pages of the prompt comparison: a pair of outputs, progress, agreement and the test."""

import math
from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

from aiopslab.prompts.output_diff import diff_outputs
from aiopslab.prompts.standing import Standing
from aiopslab.prompts.tasks import Task

# JupyterLab would give every line the height of a button.
_PAGE = "line-height: 1.45; color: var(--jp-ui-font-color1, currentColor)"
_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.2em 0"
_CELL = "text-align: left; padding-right: 1.2em"


def of_task(task: Task, with_differences: bool) -> tuple[str, str, str]:
    """Return what was asked, the left output, and the right one."""
    left, right = map(escape, task.outputs)
    if with_differences:
        left, right = diff_outputs(*task.outputs).html()
    said = {"Asked": escape(task.input), "Left": left, "Right": right}
    asked, left, right = (
        f'<section aria-label="{name}" style="{_PAGE}"><b>{name}</b>'
        f'<div style="{_TEXT}">{text}</div></section>'
        for name, text in said.items()
    )
    return asked, left, right


def of_progress(progress: pd.DataFrame) -> str:
    """Return a bar for each rater, with the numbers beside it."""
    rows = []
    for each in progress.to_dict("records"):
        count = f"{each['rated']:,} of {each['tasks']:,}"
        bar = f'<progress value="{each["rated"]}" max="{max(each["tasks"], 1)}">{count}</progress>'
        who = escape(each["rater"]) + (" (judge)" if each["kind"] == "judge" else "")
        rows.append([who, bar, count])
    return _table(["rater", "progress", "rated"], rows)


def of_agreement(agreement: pd.DataFrame) -> str:
    """Return how far raters agree, as soon as there are two of them."""
    if agreement.empty:
        return ""
    rows = []
    for each in agreement.to_dict("records"):
        agreed = f"{each['value']:.2f} ({each['low']:.2f} to {each['high']:.2f})"
        if math.isnan(each["value"]):
            agreed = "not enough data"
        who = escape(f"{each['one']} and {each['other']}")
        who = "all people" if each["one"] == each["other"] else who
        rows.append([who, escape(each["measure"]), agreed, f"{each['items']:,}"])
    return _table(["agreement of", "measure", "1 is full, 0 as by chance", "pairs"], rows)


def of_standings(standings: Sequence[Standing]) -> str:
    """Return where the test of each two prompts stands."""
    if not standings:
        return of_message("Not enough data to tell: no pair is rated.")
    return "".join(of_message(str(each)) for each in standings)


def of_message(text: str, role: str = "") -> str:
    """Return a paragraph; as an alert, where the role is that."""
    if not text:
        return ""
    told = f' role="{role}"' if role else ""
    return f'<p{told} style="{_PAGE}">{escape(text)}</p>'.replace("\n", "<br>")


def of_frame(frame: pd.DataFrame) -> str:
    """Return a table of texts."""
    cells = [[escape(str(each)) for each in row] for row in frame.to_numpy().tolist()]
    return _table([str(each) for each in frame], cells)


def _table(names: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in names)
    cells = ("".join(f'<td style="{_CELL}">{each}</td>' for each in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table style="{_PAGE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
