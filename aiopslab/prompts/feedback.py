"""Feedback: what people and judges say of outputs, blind to the prompts that they come from."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import pandas as pd

from aiopslab.errors import FrameError, ParameterError, PromptError
from aiopslab.prompts.agreement import Agreement, cohen, krippendorff

RaterKind = Literal["human", "judge"]
Side = Literal["left", "right", "tie"]
Rating = Side | int

SCALE = range(1, 6)  # of a single output, 5 the best
VERSION = 1
PATIENCE_S = 30  # for another process that writes
_SIDES: tuple[Side, ...] = get_args(Side)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (seed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    task INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL,
    input TEXT NOT NULL,
    first TEXT NOT NULL,
    first_output TEXT NOT NULL,
    second TEXT,
    second_output TEXT
);
CREATE TABLE IF NOT EXISTS raters (rater TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ratings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks,
    rater TEXT NOT NULL REFERENCES raters,
    swapped INTEGER NOT NULL,
    value INTEGER NOT NULL,
    rated REAL NOT NULL,
    UNIQUE (task, rater)
);
"""
_RATED = """
SELECT task, item, rater, kind, first, second, swapped, value, rated
FROM ratings JOIN tasks USING (task) JOIN raters USING (rater)
WHERE (second IS NULL) = ? ORDER BY number
"""


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


@dataclass(frozen=True)
class Exported:
    """What became of the ratings of pairs.

    Parameters
    ----------
    pairs
        Written, one line each.
    ties
        Rated, with both outputs preferred as often.
    """

    pairs: int
    ties: int


class Feedback:
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
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            # What is in the log survives the process; only the power failing could lose the last.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if version <= VERSION:
                self._connection.executescript(_SCHEMA)
                with self._writing():
                    self._connection.execute(f"PRAGMA user_version = {VERSION}")
                    self._connection.execute(
                        "INSERT INTO settings SELECT ? WHERE NOT EXISTS (SELECT 1 FROM settings)",
                        (seed,),
                    )
        except (OSError, sqlite3.Error) as error:
            raise PromptError(
                f"{str(path)!r} cannot be used as a store of feedback: {error}",
                "Name another file, or a folder that can be written.",
            ) from None
        if version > VERSION:
            self._connection.close()
            raise PromptError(
                f"{str(path)!r} is a store of version {version}; up to {VERSION} can be read",
                "Update aiopslab, or name another file.",
            )
        self.seed = int(self._connection.execute("SELECT seed FROM settings").fetchone()[0])

    def __enter__(self) -> "Feedback":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

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
        for key, group in _outputs(calls, inputs):
            told = group["output"].dropna()
            unanswered += len(group) - len(told) if len(told) > 1 else len(group)
            for (one, left), (other, right) in combinations(sorted(told.items()), 2):
                if left == right:
                    identical += 1
                else:
                    rows.append((key, inputs[key[0]], str(one), left, str(other), right))
        made = self._add(rows)
        return Added(made, len(rows) - made, identical, unanswered)

    def add_outputs(self, calls: pd.DataFrame, inputs: Mapping[Any, str]) -> Added:
        """Make a task of every output, to be rated from 1 to 5; see `add_pairs`."""
        unanswered = 0
        rows = []
        for key, group in _outputs(calls, inputs):
            told = group["output"].dropna()
            unanswered += len(group) - len(told)
            rows += [
                (key, inputs[key[0]], str(one), said, None, None) for one, said in told.items()
            ]
        made = self._add(rows)
        return Added(made, len(rows) - made, 0, unanswered)

    def next_task(self, rater: str, kind: RaterKind = "human") -> Task | None:
        """Return what a rater has not rated yet, in their order; ``None`` where that is nothing.

        Raises
        ------
        ParameterError
            If the rater has no name, the kind is neither, or another than before.
        """
        self._enrol(rater, kind)
        open_tasks = self._connection.execute(
            "SELECT task FROM tasks WHERE task NOT IN (SELECT task FROM ratings WHERE rater = ?)",
            (rater,),
        )
        numbers = [int(number) for (number,) in open_tasks]
        if not numbers:
            return None
        return self._task(min(numbers, key=lambda each: self._draw(rater, each)), rater)

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
        known = self._connection.execute("SELECT 1 FROM raters WHERE rater = ?", (task.rater,))
        if known.fetchone() is None or self._task(task.number, task.rater) != task:
            raise PromptError(
                f"task {task.number} of {task.rater} is not of this file",
                "Rate what next_task() of the same file returned.",
            )
        try:
            with self._writing():
                self._connection.execute(
                    "INSERT INTO ratings (task, rater, swapped, value, rated) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (task.number, task.rater, swapped, value, time.time()),
                )
        except sqlite3.IntegrityError:
            raise PromptError(
                f"{task.rater} has rated task {task.number} before",
                "Take the rating back with undo(), and rate again.",
            ) from None

    def undo(self, rater: str) -> Task | None:
        """Take back the last rating of a rater, and return its task; ``None`` where none is left.

        The task comes again, at its place in the order of the rater.
        """
        with self._writing():
            last = self._connection.execute(
                "SELECT number, task FROM ratings WHERE rater = ? ORDER BY number DESC LIMIT 1",
                (rater,),
            ).fetchone()
            if last is None:
                return None
            self._connection.execute("DELETE FROM ratings WHERE number = ?", (last[0],))
        return self._task(last[1], rater)

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
        tasks = int(self._connection.execute("SELECT count(*) FROM tasks").fetchone()[0])
        rows = self._connection.execute(
            "SELECT rater, kind, count(task) FROM raters LEFT JOIN ratings USING (rater) "
            "GROUP BY rater ORDER BY kind, rater"
        ).fetchall()
        return pd.DataFrame(rows, columns=["rater", "kind", "rated"]).assign(tasks=tasks)

    def preferences(self) -> pd.DataFrame:
        """Return one row a rating of a pair, in the order in which they were made.

        Returns
        -------
        pandas.DataFrame
            ``task, item, rater, kind, left, right, preferred, rated``: the prompts as the rater saw
            their outputs, and which was preferred, or ``tie``; as `bradley_terry` takes them.
        """
        rated = self._rated(single=False)
        swapped = rated["swapped"].astype(bool)
        left = rated["first"].where(~swapped, rated["second"])
        right = rated["second"].where(~swapped, rated["first"])
        chosen = rated["first"].where(rated["value"] < 0, rated["second"])
        told = rated[["task", "item", "rater", "kind"]].assign(left=left, right=right)
        return told.assign(preferred=chosen.where(rated["value"] != 0, "tie"), rated=rated["rated"])

    def scores(self) -> pd.DataFrame:
        """Return one row a rating of a single output: ``task, item, rater, kind, prompt, score``.

        With a metric named they are compared like any other score.
        """
        rated = self._rated(single=True).rename(columns={"first": "prompt", "value": "score"})
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
        rated = self._rated(single=not pairs)
        told = rated.rename(columns={"item": "asked", "task": "item", "value": "rating"})
        return told[["item", "rater", "kind", "rating"]]

    def agreement(self, pairs: bool = True) -> pd.DataFrame:
        """Compare the raters with each other, and the judges with the people.

        Parameters
        ----------
        pairs
            Of pairs, or of single outputs.

        Returns
        -------
        pandas.DataFrame
            ``one, other, measure, value, low, high, items``: Krippendorff's alpha of all people,
            Cohen's kappa of every two raters, and of each judge with what most people say, where
            more say it than anything else. Grades that lie further apart weigh more.
        """
        ratings = self.ratings(pairs)
        people = ratings[ratings["kind"] == "human"]
        rows = []
        if people["rater"].nunique() > 1:
            level: Literal["nominal", "ordinal"] = "nominal" if pairs else "ordinal"
            all_of_them = krippendorff(people, level)
            rows.append(_told("people", "people", "Krippendorff's alpha", all_of_them))
        most = _majority(people)
        weights: Literal["quadratic"] | None = None if pairs else "quadratic"
        known = ratings.drop_duplicates("rater").sort_values(["kind", "rater"])
        for judge in known.loc[known["kind"] == "judge", "rater"]:
            both = pd.concat([ratings[ratings["rater"] == judge], most])
            if len(most):
                rows.append(_told(judge, "most people", "Cohen's kappa", cohen(both, weights)))
        for one, other in combinations(known["rater"], 2):
            both = ratings[ratings["rater"].isin([one, other])]
            rows.append(_told(one, other, "Cohen's kappa", cohen(both, weights)))
        return pd.DataFrame(rows, columns=["one", "other", "measure", *_AGREED])

    def position_bias(self, confidence: float = 0.95) -> pd.DataFrame:
        """Measure how often each rater prefers what stands left, where they prefer anything.

        Parameters
        ----------
        confidence
            Of the intervals, which are those of Wilson.

        Returns
        -------
        pandas.DataFrame
            ``rater, kind, left, right, ties, share, low, high, p, q``: as chance decides which
            output stands left, the share of a fair rater is a half, whichever prompt is better.
            The p-value is of the exact test, q after Holm over the raters.
        """
        from scipy.stats import binomtest
        from statsmodels.stats.multitest import multipletests

        told = self.preferences()
        rows = []
        for (rater, kind), group in told.groupby(["rater", "kind"]):
            left, right = (int((group["preferred"] == group[side]).sum()) for side in _SIDES[:2])
            row: dict[str, Any] = {"rater": rater, "kind": kind, "left": left, "right": right}
            row |= {"ties": len(group) - left - right}
            row |= {"share": float("nan"), "low": float("nan"), "high": float("nan"), "p": 1.0}
            if left + right:
                test = binomtest(left, left + right)
                low, high = test.proportion_ci(confidence, "wilson")
                row |= {"share": test.statistic, "low": low, "high": high, "p": test.pvalue}
            rows.append(row)
        columns = ["rater", "kind", "left", "right", "ties", "share", "low", "high", "p"]
        table = pd.DataFrame(rows, columns=columns)
        return table.assign(q=multipletests(table["p"], method="holm")[1] if rows else [])

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
        rows = self._connection.execute(
            "SELECT input, first_output, second_output, sum(value) FROM ratings "
            "JOIN tasks USING (task) JOIN raters USING (rater) "
            "WHERE second IS NOT NULL AND kind = ? GROUP BY task ORDER BY task",
            (kind,),
        ).fetchall()
        lines = [
            json.dumps(
                {
                    "prompt": asked,
                    "chosen": first if balance < 0 else second,
                    "rejected": second if balance < 0 else first,
                },
                ensure_ascii=False,
            )
            for asked, first, second, balance in rows
            if balance
        ]
        part = Path(f"{path}.part")
        try:
            part.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
            part.replace(path)  # readers see the whole file, or the one before
        except OSError as error:
            raise PromptError(
                f"{str(path)!r} cannot be written: {error.strerror}", "Name another file."
            ) from None
        return Exported(len(lines), len(rows) - len(lines))

    def _add(self, rows: list[tuple[Any, ...]]) -> int:
        """Add tasks, all or none of them; return how many are new."""
        told = []
        for key, *rest in rows:
            texts = [None if each is None else _storable(each) for each in rest]
            content = json.dumps([key, texts], default=str)
            digest = hashlib.sha256(content.encode()).hexdigest()
            told.append((digest, json.dumps(key[0], default=str), *texts))
        with self._writing():
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT OR IGNORE INTO tasks (content, item, input, first, first_output, second, "
                "second_output) VALUES (?, ?, ?, ?, ?, ?, ?)",
                told,
            )
            return self._connection.total_changes - before

    def _enrol(self, rater: str, kind: RaterKind) -> None:
        if not isinstance(rater, str) or not rater.strip():
            raise ParameterError(f"rater is {rater!r}; expected a name", "Say who rates.")
        if kind not in get_args(RaterKind):
            raise ParameterError(f"kind is {kind!r}; expected human or judge", "Use 'human'.")
        of_rater = "SELECT kind FROM raters WHERE rater = ?"
        row = self._connection.execute(of_rater, (rater,)).fetchone()
        if row is None:
            new = "INSERT OR IGNORE INTO raters VALUES (?, ?)"
            with self._writing():
                self._connection.execute(new, (rater, kind))
            row = self._connection.execute(of_rater, (rater,)).fetchone()
        known = row[0]
        if known != kind:
            raise ParameterError(
                f"kind of {rater!r} is {kind!r}; in this file it is {known!r}",
                "Give people and judges names of their own.",
            )

    def _task(self, number: int, rater: str) -> Task | None:
        row = self._connection.execute(
            "SELECT input, first_output, second_output FROM tasks WHERE task = ?", (number,)
        ).fetchone()
        if row is None:
            return None
        asked, first, second = row
        if second is None:
            return Task(number, rater, asked, (first,))
        swapped = self._is_swapped(rater, number)
        return Task(number, rater, asked, (second, first) if swapped else (first, second))

    def _draw(self, rater: str, number: int) -> bytes:
        """Return what chance says of a task for a rater, whenever it is asked."""
        told = json.dumps([self.seed, rater, number])
        return hashlib.sha256(told.encode()).digest()

    def _is_swapped(self, rater: str, number: int) -> bool:
        return bool(self._draw(rater, number)[-1] & 1)

    def _rated(self, single: bool) -> pd.DataFrame:
        rows = self._connection.execute(_RATED, (single,)).fetchall()
        columns = ["task", "item", "rater", "kind", "first", "second", "swapped", "value", "rated"]
        table = pd.DataFrame(rows, columns=columns)
        times = pd.to_datetime(table["rated"].astype("float64"), unit="s", utc=True)
        return table.assign(item=table["item"].map(json.loads), rated=times)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write all of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


_AGREED = ["value", "low", "high", "items"]


def _told(one: str, other: str, measure: str, agreed: Agreement) -> tuple[Any, ...]:
    return (one, other, measure, agreed.value, agreed.low, agreed.high, agreed.items)


def _value(rating: Side, swapped: bool) -> int:
    """Return -1 for the first output, 1 for the second and 0 for neither."""
    seen = {"left": -1, "tie": 0, "right": 1}[rating]
    return -seen if swapped else seen


def _majority(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return what more raters say than anything else, of each item where there is such a thing."""
    counts = ratings.groupby(["item", "rating"]).size().rename("raters").reset_index()
    most = counts.groupby("item")["raters"].transform("max")
    told = counts[counts["raters"] == most].drop_duplicates("item", keep=False)
    return told[["item", "rating"]].assign(rater="most people")


def _outputs(
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


def _storable(text: Any) -> str:
    """Return a text without halves of surrogate pairs, which no file can hold."""
    return str(text).encode("utf-8", "replace").decode("utf-8")
