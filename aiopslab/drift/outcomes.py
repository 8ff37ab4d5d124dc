"""Outcomes: what a model said, how sure it was, and what came true, in one coding for all rows."""

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.observations import Roles, Task, score_of, task_of
from aiopslab.errors import FrameError
from aiopslab.frames.schemas import FrameWarning

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

UNKNOWN = -1  # code of a class that is not known
TRUE_WORDS = {"true": 1, "false": 0}


@dataclass(frozen=True)
class Outcomes:
    """Predictions and targets of a number of rows.

    Parameters
    ----------
    task
        ``binary``, ``multiclass`` or ``regression``.
    classes
        What the codes stand for; of two, the last is the positive one. Empty for a regression.
    predicted, truth
        Codes, −1 where there is none; the values themselves for a regression, NaN where there is
        none.
    score
        Probability of the positive class (binary) or of the prediction (multiclass); NaN where
        there is none.
    chances
        ``(rows, classes)``, the probability that a model of many classes gave to each of them, NaN
        where it gave none; ``None`` where the columns are not known.
    """

    task: Task
    classes: tuple[Hashable, ...]
    predicted: Floats
    truth: Floats
    score: Floats
    chances: Floats | None = None

    @property
    def given(self) -> Floats | None:
        """The probability that the model gave to each class, ``(rows, classes)``, NaN for none.

        ``None`` where it is not known of every class.
        """
        if self.task == "binary" and len(self.classes) == 2 and (~np.isnan(self.score)).any():
            return np.column_stack([1 - self.score, self.score])
        if self.chances is None or np.isnan(self.chances).all():
            return None
        return self.chances

    @property
    def labelled(self) -> Mask:
        """Which rows have both a prediction and a target."""
        if self.task == "regression":
            return np.isfinite(self.truth) & np.isfinite(self.predicted)
        return np.asarray((self.truth != UNKNOWN) & (self.predicted != UNKNOWN), dtype=np.bool_)

    def take(self, rows: Mask | npt.NDArray[np.integer]) -> "Outcomes":
        """Return some of the rows."""
        chances = None if self.chances is None else self.chances[rows]
        return Outcomes(
            self.task,
            self.classes,
            self.predicted[rows],
            self.truth[rows],
            self.score[rows],
            chances,
        )

    def __len__(self) -> int:
        return len(self.predicted)


def read_outcomes(frames: Sequence[pd.DataFrame], roles: Roles) -> list[Outcomes]:
    """Read the outcomes of several tables in one coding.

    Parameters
    ----------
    frames
        Observations of one model, such as a reference and a current table.
    roles
        Which column is what.

    Returns
    -------
    list of Outcomes
        One for each table, with the classes of all of them.

    Raises
    ------
    FrameError
        If there is no column of predictions, predictions and targets name different classes, or
        numbers are predicted of what is none.

    Warns
    -----
    FrameWarning
        If numbers are infinite: their rows are left out.

    Notes
    -----
    A class is the same class whether it is written 1, 1.0, True or "1".

    Examples
    --------
    >>> table = pd.DataFrame({"prediction": [1, 0], "target": ["1", None], "score": [0.9, 0.2]})
    >>> (outcomes,) = read_outcomes([table], Roles())
    >>> outcomes.classes, outcomes.truth.tolist()
    ((0, 1), [1.0, -1.0])
    """
    for frame in frames:
        if roles.prediction not in frame:
            raise FrameError(
                f"there is no column {roles.prediction!r} of predictions",
                "Name the column in the roles, or have the model predict first.",
            )
    together = pd.concat([_roles_only(each, roles) for each in frames], ignore_index=True)
    task = task_of(together, roles)
    ends = np.cumsum([len(each) for each in frames])[:-1]
    if task == "regression":
        _check_numbers(together, roles)
        columns = [_numbers(together, each) for each in (roles.prediction, roles.target)]
        predicted, truth = columns
        score = np.full(len(together), np.nan)
        return _split(Outcomes("regression", (), predicted, truth, score), ends)
    plain, columns_of = _plain_classes(together, roles)
    classes = _classes(plain, roles, task, set(columns_of))
    task = "binary" if len(classes) <= 2 else "multiclass"
    code = {each: number for number, each in enumerate(classes)}
    predicted, truth = (_codes(plain, each, code) for each in (roles.prediction, roles.target))
    if columns_of:
        chances = _chances(together, columns_of, classes)
        score = chances[:, -1]
        if task == "multiclass":
            row = np.arange(len(chances))
            said = chances[row, np.maximum(predicted, 0).astype(np.intp)]
            score = np.where(predicted == UNKNOWN, np.nan, said)
        joint = Outcomes(task, tuple(classes), predicted, truth, score, chances)
        return _split(joint, ends)
    score = _numbers(together, roles.score)
    if task == "binary" and score_of(plain.assign(**{roles.score: score}), roles) == "prediction":
        positive = len(classes) - 1
        score = np.where(predicted == positive, score, 1 - score)
    return _split(Outcomes(task, tuple(classes), predicted, truth, score), ends)


def _split(outcomes: Outcomes, ends: npt.NDArray[np.integer]) -> list[Outcomes]:
    return [outcomes.take(rows) for rows in np.split(np.arange(len(outcomes)), ends)]


def _codes(plain: pd.DataFrame, column: str, code: dict[Hashable, int]) -> Floats:
    if column not in plain:
        return np.full(len(plain), float(UNKNOWN))
    return np.asarray(plain[column].map(code).fillna(UNKNOWN), dtype=np.float64)


def _roles_only(frame: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    columns = (roles.prediction, roles.target, roles.score, *roles.probabilities.values())
    wanted = [each for each in columns if each in frame]
    return pd.DataFrame({each: frame[each].astype(object) for each in wanted}).infer_objects()


def _chances(
    frame: pd.DataFrame, columns_of: dict[Hashable, str], classes: list[Hashable]
) -> Floats:
    """Return the probability of each class; 0 of one that the model does not know."""
    nothing = np.zeros(len(frame))
    chances = np.column_stack(
        [_numbers(frame, columns_of[each]) if each in columns_of else nothing for each in classes]
    )
    chances[np.isnan(chances).any(axis=1)] = np.nan
    return chances


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame:
        return np.full(len(frame), np.nan)
    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _check_numbers(frame: pd.DataFrame, roles: Roles) -> None:
    """Refuse a regression of classes, which is a classifier's score in most cases."""
    known = [each for each in (roles.prediction, roles.target) if each in frame]
    numbers = {}
    for column in known:
        values = frame[column].dropna()
        numbers[column] = pd.to_numeric(values, errors="coerce").astype(np.float64)
        is_class = values.map(lambda each: isinstance(each, bool | np.bool_))
        wrong = values[numbers[column].isna() | is_class]
        if len(wrong):
            raise _no_regression(f"{column} holds {str(wrong.iloc[0])!r}", frame, roles)
        infinite = int(np.isinf(numbers[column]).sum())
        if infinite:
            warnings.warn(
                f"{column} is infinite in {infinite:,} rows, which are left out",
                FrameWarning,
                stacklevel=2,
            )
    if (
        set(numbers.get(roles.target, ())) == {0, 1}
        and numbers[roles.prediction].between(0, 1).all()
    ):
        raise _no_regression(f"{roles.target} is 0 or 1", frame, roles)


def _no_regression(found: str, frame: pd.DataFrame, roles: Roles) -> FrameError:
    said = frame[roles.prediction].dropna().iloc[0]
    return FrameError(
        f"{found}, a class, while {roles.prediction} holds numbers such as {said:.4g}"
        if pd.api.types.is_number(said)
        else f"{found}, a class, while {roles.prediction} holds {str(said)!r}",
        "Name the predicted class as the prediction, and its probability as the score; for a "
        "regression, give numbers as targets.",
    )


def _plain_classes(frame: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, dict[Hashable, str]]:
    """Write classes as whole numbers where all of them are, else as words.

    Returned with the columns of their probabilities, by class.
    """
    known = [each for each in (roles.prediction, roles.target) if each in frame]
    distinct = {column: frame[column].dropna().unique() for column in known}
    named = [*chain.from_iterable(distinct.values()), *roles.probabilities]
    are_whole = all(_whole(each) is not None for each in named)
    plain = _whole if are_whole else str
    table = pd.DataFrame(
        {
            column: frame[column].map({each: plain(each) for each in values}).astype(object)
            for column, values in distinct.items()
        }
    )
    return table, {plain(each): column for each, column in roles.probabilities.items()}


def _whole(value: Hashable) -> int | None:
    try:
        number = float(TRUE_WORDS.get(str(value).lower(), value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def _classes(plain: pd.DataFrame, roles: Roles, task: Task, named: set[Hashable]) -> list[Hashable]:
    said = set(plain[roles.prediction].dropna())
    true = set(plain[roles.target].dropna()) if roles.target in plain else set()
    if said and true and not said & true and len(said | true) > 2:
        raise FrameError(
            f"predictions are of the classes {_listed(said)} and targets of {_listed(true)}",
            "Write both with the same names, e.g. by mapping the targets.",
        )
    if named and said | true and not named & (said | true):
        raise FrameError(
            f"probabilities are of the classes {_listed(named)}, predictions and targets of "
            f"{_listed(said | true)}",
            "Name the classes of the probabilities as the predictions do.",
        )
    every = said | true | named
    classes: list[Hashable] = sorted(every, key=lambda each: (isinstance(each, str), each))
    if len(classes) == 1 and task == "binary":
        only = classes[0]
        classes = [0, 1] if only in (0, 1) else [only]
    return classes


def _listed(classes: set[Hashable]) -> str:
    return ", ".join(sorted(map(repr, classes))[:5])
