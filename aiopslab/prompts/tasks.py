"""Tasks: what raters are shown, and the outputs of calls that they are made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import pandas as pd

from aiopslab.errors import FrameError

RaterKind = Literal["human", "judge"]
Side = Literal["left", "right", "tie"]
Rating = Side | int

SCALE = range(1, 6)  # of a single output, 5 the best


@dataclass(frozen=True)
class Task:
    """What one rater is shown: no prompt is named, and which output is left is up to chance.

    Parameters
    ----------
    number
        Of the task.
    rater
        Who is to rate it.
    input
        What was asked.
    outputs
        One to rate from 1 to 5, or two to compare: left, right.
    """

    number: int
    rater: str
    input: str
    outputs: tuple[str, ...]

    @property
    def is_pair(self) -> bool:
        """Whether two outputs are compared."""
        return len(self.outputs) == 2

    def _repr_html_(self) -> str:
        names = ("left", "right") if self.is_pair else ("output",)
        shown = "".join(
            f'<td style="vertical-align: top"><b>{name}</b><pre style="white-space: pre-wrap">'
            f"{escape(output)}</pre></td>"
            for name, output in zip(names, self.outputs, strict=True)
        )
        asked = f'<pre style="white-space: pre-wrap">{escape(self.input)}</pre>'
        return f'<div class="aiopslab-task">{asked}<table><tr>{shown}</tr></table></div>'


@dataclass(frozen=True)
class Added:
    """What became of calls.

    Parameters
    ----------
    tasks
        That are new.
    known
        That were there before.
    identical
        Pairs of equal outputs, which nobody has to compare; they are ties that are not counted.
    unanswered
        Outputs that are missing, or that have none to be compared with.
    """

    tasks: int
    known: int = 0
    identical: int = 0
    unanswered: int = 0


def outputs_of(
    calls: pd.DataFrame, inputs: Mapping[Any, str]
) -> Iterator[tuple[tuple[Any, int], pd.DataFrame]]:
    """Yield the outputs of each item and repetition, by the prompt."""
    for column in ("item", "prompt", "output"):
        if column not in calls:
            raise FrameError(
                f"the calls have no column {column!r}; they have {', '.join(map(str, calls))}",
                "Pass the calls of a run: item, prompt, output.",
            )
    repeated = calls.get("repetition", 0)
    told = calls[["item", "prompt", "output"]].assign(repetition=repeated)
    if (told["prompt"] == "tie").any():
        raise FrameError("a prompt is called 'tie'", "Give it another name; ties are called that.")
    twice = told[told.duplicated(["item", "repetition", "prompt"])]
    if len(twice):
        prompt, item = twice["prompt"].tolist()[0], twice["item"].tolist()[0]
        raise FrameError(
            f"the prompt {prompt!r} answered the item {item!r} more than once",
            "Pass the repetition of each call, or one call of each.",
        )
    unknown = [each for each in told["item"].unique().tolist() if each not in inputs]
    if unknown:
        raise FrameError(
            f"{len(unknown)} items have no input, e.g. {unknown[0]!r}",
            "Pass what was asked, by the item.",
        )
    for key, group in told.groupby(["item", "repetition"], sort=False):
        # numpy's numbers are not JSON.
        plain: list[Any] = [each.item() if hasattr(each, "item") else each for each in key]
        yield (plain[0], int(plain[1])), group.set_index("prompt")
