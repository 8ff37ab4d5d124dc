"""Feedback: what people and judges say of outputs, blind to the prompts that they come from."""

import hashlib
import json
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from aiopslab.closing import Closing
from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts import raters
from aiopslab.prompts.feedback_file import FeedbackFile
from aiopslab.prompts.preference_pairs import Exported, write_pairs
from aiopslab.prompts.tasks import SCALE, Added, RaterKind, Rating, Side, Task, outputs_of

_SIDES: tuple[Side, ...] = get_args(Side)


class Feedback(Closing):
    """Ratings of outputs in one SQLite file, each written before the next task is shown.

    Several raters, people or judges, rate the same tasks, each in an order of their own; a rater
    who comes back goes on where they were. Several processes may share a file.

    Parameters
    ----------
    path
        Of the file; made where there is none.
    seed
        Of the orders, kept in the file when it is made: one that is there keeps its own.

    Raises
    ------
    PromptError
        If the file is no store of feedback, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> calls = pd.DataFrame({"item": [1, 1], "prompt": ["a", "b"], "output": ["Yes", "No"]})
    >>> with tempfile.TemporaryDirectory() as folder, Feedback(f"{folder}/f.db") as feedback:
    ...     added = feedback.add_pairs(calls, {1: "Is it?"})
    ...     task = feedback.next_task("ann")
    ...     feedback.rate(task, "left" if task.outputs[0] == "Yes" else "right")
    ...     feedback.preferences()[["left", "right", "preferred"]].iloc[0, 2]
    'a'
    """

    def __init__(self, path: str | Path, seed: int = 0) -> None:
        self._file = FeedbackFile(path, seed)
        self.path, self.seed = self._file.path, self._file.seed

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add_pairs(self, calls: pd.DataFrame, inputs: Mapping[Any, str]) -> Added:
        """Make a task of every two prompts' outputs of the same item and repetition.

        Parameters
        ----------
        calls
            Of a run: ``item, prompt, output``, and ``repetition`` where there is one.
        inputs
            What was asked, by the item; it is shown to raters and exported as the prompt.

        Returns
        -------
        Added
            Calls that were added before make no task again.

        Raises
        ------
        FrameError
            If a column is missing, an item has no input, a prompt answered an item twice, or is
            called ``tie``.
        """
        identical = unanswered = 0
        rows = []
        for key, group in outputs_of(calls, inputs):
            told = group["output"].dropna()
            unanswered += len(group) - len(told) if len(told) > 1 else len(group)
            for (one, left), (other, right) in combinations(sorted(told.items()), 2):
                if left == right:
                    identical += 1
                else:
                    rows.append((key, inputs[key[0]], str(one), left, str(other), right))
        made = self._file.add(rows)
        return Added(made, len(rows) - made, identical, unanswered)

    def add_outputs(self, calls: pd.DataFrame, inputs: Mapping[Any, str]) -> Added:
        """Make a task of every output, to be rated from 1 to 5; see `add_pairs`."""
        unanswered = 0
        rows = []
        for key, group in outputs_of(calls, inputs):
            told = group["output"].dropna()
            unanswered += len(group) - len(told)
            rows += [
                (key, inputs[key[0]], str(one), said, None, None) for one, said in told.items()
            ]
        made = self._file.add(rows)
        return Added(made, len(rows) - made, 0, unanswered)

    def next_task(self, rater: str, kind: RaterKind = "human") -> Task | None:
        """Return what a rater has not rated yet, in their order; ``None`` where that is nothing.

        Raises
        ------
        ParameterError
            If the rater has no name, the kind is neither, or another than before.
        """
        self._enrol(rater, kind)
        numbers = self._file.unrated(rater)
        if not numbers:
            return None
        draw = self._draws(rater)
        return self._task(min(numbers, key=draw), rater)

    def rate(self, task: Task, rating: Rating) -> None:
        """Write down what the rater of a task says of it.

        Parameters
        ----------
        task
            From `next_task`.
        rating
            ``left``, ``right`` or ``tie`` of a pair; 1 to 5 of a single output, 5 the best.

        Raises
        ------
        ParameterError
            If the rating is none of them.
        PromptError
            If the rater has rated the task before, or it is not of this file.
        """
        allowed = _SIDES if task.is_pair else tuple(SCALE)
        if isinstance(rating, bool) or rating not in allowed:
            raise ParameterError(
                f"rating is {rating!r}; expected one of {', '.join(map(str, allowed))}",
                "Pairs are compared, single outputs are graded.",
            )
        swapped = task.is_pair and self._is_swapped(task.rater, task.number)
        value = rating if isinstance(rating, int) else _value(rating, swapped)
        is_known = self._file.kind_of(task.rater) is not None
        if not is_known or self._task(task.number, task.rater) != task:
            raise PromptError(
                f"task {task.number} of {task.rater} is not of this file",
                "Rate what next_task() of the same file returned.",
            )
        self._file.write(task.number, task.rater, swapped, value)

    def undo(self, rater: str) -> Task | None:
        """Take back the last rating of a rater, and return its task; ``None`` where none is left.

        The task comes again, at its place in the order of the rater.
        """
        number = self._file.take_back(rater)
        return None if number is None else self._task(number, rater)

    def ask(self, judge: str, rate: Callable[[Task], Rating]) -> int:
        """Let a judge rate all that it has not rated yet, as one more rater.

        Parameters
        ----------
        judge
            Its name.
        rate
            From a task to a rating, such as a call of a model.

        Returns
        -------
        int
            Tasks that it rated now; where `rate` raises, those before are kept.
        """
        rated = 0
        while (task := self.next_task(judge, "judge")) is not None:
            self.rate(task, rate(task))
            rated += 1
        return rated

    def progress(self) -> pd.DataFrame:
        """Return one row a rater: ``rater, kind, rated, tasks``."""
        return self._file.progress()

    def preferences(self) -> pd.DataFrame:
        """Return one row a rating of a pair, in the order in which they were made.

        Returns
        -------
        pandas.DataFrame
            ``task, item, rater, kind, left, right, preferred, rated``: the prompts as the rater saw
            their outputs, and which was preferred, or ``tie``; as `bradley_terry` takes them.
        """
        rated = self._file.rated(single=False)
        swapped = rated["swapped"].astype(bool)
        left = rated["first"].where(~swapped, rated["second"])
        right = rated["second"].where(~swapped, rated["first"])
        chosen = rated["first"].where(rated["value"] < 0, rated["second"])
        told = rated[["task", "item", "rater", "kind"]].assign(left=left, right=right)
        return told.assign(preferred=chosen.where(rated["value"] != 0, "tie"), rated=rated["rated"])

    def preferred(self, kind: RaterKind = "human") -> pd.DataFrame:
        """Return the output that is preferred of each item: ``item, input, output``.

        It is the one with the most pairs won, less those that were lost; an item of which several
        have as many is left out.
        """
        pairs = self._file.balanced(kind)
        lost = pairs.assign(output=pairs["first"], won=-pairs["balance"])
        won = pairs.assign(output=pairs["second"], won=pairs["balance"])
        both = pd.concat([lost, won])
        both["won"] = both["won"].map(lambda balance: (balance > 0) - (balance < 0))
        counts = both.groupby(["item", "input", "output"], sort=False)["won"].sum().reset_index()
        most = counts[counts["won"] == counts.groupby("item")["won"].transform("max")]
        return most.drop_duplicates("item", keep=False)[["item", "input", "output"]]

    def scores(self) -> pd.DataFrame:
        """Return one row a rating of a single output: ``task, item, rater, kind, prompt, score``.

        With a metric named they are compared like any other score.
        """
        rated = self._file.rated(single=True).rename(columns={"first": "prompt", "value": "score"})
        return rated[["task", "item", "rater", "kind", "prompt", "score", "rated"]]

    def ratings(self, pairs: bool = True) -> pd.DataFrame:
        """Return ``item, rater, kind, rating``, as `krippendorff` and `cohen` take them.

        Parameters
        ----------
        pairs
            Of pairs, or of single outputs.

        Returns
        -------
        pandas.DataFrame
            An `item` is a task. Of pairs, a rating is -1 for the prompt whose name comes first, 1
            for the other and 0 for a tie, wherever the rater saw them: nominal, or ordinal.
        """
        rated = self._file.rated(single=not pairs)
        told = rated.rename(columns={"item": "asked", "task": "item", "value": "rating"})
        return told[["item", "rater", "kind", "rating"]]

    def agreement(self, pairs: bool = True) -> pd.DataFrame:
        """Compare raters with each other, and judges with people: see `raters.agreement`."""
        return raters.agreement(self.ratings(pairs), pairs)

    def position_bias(self, confidence: float = 0.95) -> pd.DataFrame:
        """Measure how often each rater prefers what stands left: see `raters.position_bias`."""
        return raters.position_bias(self.preferences(), confidence)

    def export_preferences(self, path: str | Path, kind: RaterKind = "human") -> Exported:
        """Write which output more raters prefer than the other as lines of JSON, to train on.

        Parameters
        ----------
        path
            Of the file: a line a pair, ``{"prompt": …, "chosen": …, "rejected": …}``.
        kind
            Whose ratings.

        Returns
        -------
        Exported
            Pairs whose outputs are preferred as often as each other are left out, and counted.

        Raises
        ------
        PromptError
            If the file cannot be written.
        """
        return write_pairs(path, self._file.balances(kind))

    def _enrol(self, rater: str, kind: RaterKind) -> None:
        if not isinstance(rater, str) or not rater.strip():
            raise ParameterError(f"rater is {rater!r}; expected a name", "Say who rates.")
        if kind not in get_args(RaterKind):
            raise ParameterError(f"kind is {kind!r}; expected human or judge", "Use 'human'.")
        if self._file.kind_of(rater) is None:
            self._file.enrol(rater, kind)
        known = self._file.kind_of(rater)
        if known != kind:
            raise ParameterError(
                f"kind of {rater!r} is {kind!r}; in this file it is {known!r}",
                "Give people and judges names of their own.",
            )

    def _task(self, number: int, rater: str) -> Task | None:
        row = self._file.content(number)
        if row is None:
            return None
        asked, first, second = row
        if second is None:
            return Task(number, rater, asked, (first,))
        swapped = self._is_swapped(rater, number)
        return Task(number, rater, asked, (second, first) if swapped else (first, second))

    def _draws(self, rater: str) -> Callable[[int], bytes]:
        """Return what tells what chance says of a task for a rater, whenever it is asked."""
        told = json.dumps([self.seed, rater])[:-1]
        return lambda number: hashlib.sha256(f"{told}, {number}]".encode()).digest()

    def _is_swapped(self, rater: str, number: int) -> bool:
        return bool(self._draws(rater)(number)[-1] & 1)


def _value(rating: Side, swapped: bool) -> int:
    """Return -1 for the first output, 1 for the second and 0 for neither."""
    seen = {"left": -1, "tie": 0, "right": 1}[rating]
    return -seen if swapped else seen
