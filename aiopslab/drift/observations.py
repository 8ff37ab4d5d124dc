"""Observations of a model: which columns are features, and what the others say."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from aiopslab.errors import FrameError, ParameterError, did_you_mean
from aiopslab.frames.times import to_utc

Task = Literal["binary", "multiclass", "regression", "unknown"]
ScoreOf = Literal["positive", "prediction"]

CLASSES = 100  # that a classifier of numbers has at most; more are a regression
SUMS_TO = 0.01  # by which the probabilities of all classes may miss 1, since they are rounded
PROBABILITY_OF = "probability of "  # and the class, as the role of a column
AGREES = 0.9  # share of the predictions that a score of the positive class explains at one half


@dataclass(frozen=True)
class Roles:
    """Which column is what; every other one is a feature.

    Parameters
    ----------
    prediction, score, target, timestamp
        Names of columns, which may be absent. The score of a classifier is a probability.
    ignored
        Columns that are no features either, such as an id.
    probabilities
        Columns with the probability of each class, by class; they stand in for a score.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1], "age": [30], "y_pred": [1], "paid": [0]})
    >>> Roles(prediction="y_pred", target="paid", ignored=("id",)).features(frame)
    ['age']
    """

    prediction: str = "prediction"
    score: str = "score"
    target: str = "target"
    timestamp: str = "timestamp"
    ignored: tuple[str, ...] = ()
    probabilities: Mapping[Hashable, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, columns: Mapping[str, str], ignored: Sequence[str] = ()) -> "Roles":
        """Return roles from the names that differ from the usual ones.

        Parameters
        ----------
        columns
            Name of the column by role: ``prediction``, ``score``, ``target``, ``timestamp``, and
            ``probability of CLASS`` for each class of a classifier that gives them all.
        ignored
            Columns that are no features either.

        Raises
        ------
        ParameterError
            If one names no role.

        Examples
        --------
        >>> Roles.of({"target": "repaid"}).target
        'repaid'
        >>> Roles.of({"probability of cat": "p_cat", "probability of dog": "p_dog"}).probabilities
        {'cat': 'p_cat', 'dog': 'p_dog'}
        """
        known = ["prediction", "score", "target", "timestamp"]
        of_classes: dict[Hashable, str] = {
            role.removeprefix(PROBABILITY_OF).strip(): column
            for role, column in columns.items()
            if role.startswith(PROBABILITY_OF)
        }
        for role in columns:
            if role not in known and not role.startswith(PROBABILITY_OF):
                possible = [*known, f"{PROBABILITY_OF}CLASS"]
                raise ParameterError(
                    f"columns names {role!r}, which is no role", did_you_mean(role, possible)
                )
        names = {role: columns.get(role, role) for role in known}
        return cls(
            names["prediction"],
            names["score"],
            names["target"],
            names["timestamp"],
            tuple(ignored),
            of_classes,
        )

    def features(self, frame: pd.DataFrame) -> list[str]:
        """Return the names of the columns that are features, in the order of the frame."""
        taken = {self.prediction, self.score, self.target, self.timestamp}
        taken |= {*self.ignored, *self.probabilities.values()}
        return [str(each) for each in frame.columns if each not in taken]


def read_observations(
    frame: pd.DataFrame, roles: Roles | None = None, name: str = "observations"
) -> pd.DataFrame:
    """Check a table of observations and bring its times to UTC.

    Parameters
    ----------
    frame
        One row an observation.
    roles
        Which column is what; the usual names where ``None``.
    name
        Of the table, for errors.

    Returns
    -------
    pandas.DataFrame
        The same with a plain index, times in UTC, in order of time where there are any.

    Raises
    ------
    FrameError
        If it has no rows, no feature and no prediction, two columns of one name, a score that is
        no probability of a classifier, probabilities that do not sum to 1, or a time that cannot
        be read.

    Examples
    --------
    >>> table = pd.DataFrame({"timestamp": ["2026-03-01T12:00"], "age": [30]})
    >>> read_observations(table)["timestamp"].dt.tz
    datetime.timezone.utc
    """
    named = roles or Roles()
    if not isinstance(frame, pd.DataFrame):
        raise FrameError(
            f"{name} are a {type(frame).__name__}; expected a table",
            "Pass a pandas DataFrame with one row an observation.",
        )
    twice = frame.columns[frame.columns.duplicated()].unique().tolist()
    if twice:
        raise FrameError(
            f"{name} have more than one column named {', '.join(map(repr, twice))}",
            "Rename all but one.",
        )
    if frame.empty:
        raise FrameError(
            f"{name} have {len(frame)} rows and {frame.shape[1]} columns; expected at least one",
            "Widen the window, or check the query behind them.",
        )
    _check_roles(frame, roles, name)
    _check_probabilities(frame, named, name)
    table = frame.reset_index(drop=True)
    table.columns = [str(each) for each in table.columns]
    for column in filter(lambda each: pd.api.types.is_object_dtype(table[each]), table.columns):
        table[column] = _plain(table[column])
    if named.timestamp in table:
        table[named.timestamp] = to_utc(table[named.timestamp], named.timestamp)
        table = table.sort_values(named.timestamp, kind="stable", ignore_index=True)
    return table


def _plain(values: pd.Series) -> pd.Series:
    """Return decimals as numbers, and text without halves of characters, which nothing holds."""
    if pd.api.types.infer_dtype(values, skipna=True) == "decimal":
        return pd.to_numeric(values)
    return values.map(
        lambda each: each.encode("utf-8", "replace").decode() if isinstance(each, str) else each,
        na_action="ignore",
    )


def task_of(frame: pd.DataFrame, roles: Roles) -> Task:
    """Tell what the model does from its predictions and targets.

    Returns
    -------
    str
        ``binary`` (two classes), ``multiclass``, ``regression``, or ``unknown`` without either.

    Notes
    -----
    Predictions decide. Those that are whole numbers are a regression too where the targets are.

    Examples
    --------
    >>> task_of(pd.DataFrame({"prediction": ["cat", "dog", "cow"]}), Roles())
    'multiclass'
    >>> task_of(pd.DataFrame({"prediction": [0.1, 0.7, 2.5]}), Roles())
    'regression'
    >>> task_of(pd.DataFrame({"prediction": [3, 7], "target": [2.8, 7.1]}), Roles())
    'regression'
    """
    known = [
        frame[column].dropna()
        for column in (roles.prediction, roles.target)
        if column in frame and frame[column].notna().any()
    ]
    tasks = [_task_of(values) for values in known]
    if not tasks:
        return "unknown"
    return "regression" if all(map(_are_numbers, known)) and "regression" in tasks else tasks[0]


def _task_of(values: pd.Series) -> Task:
    if _are_numbers(values) and (
        values.nunique() > CLASSES or not (values == values.round()).all()
    ):
        return "regression"
    return "binary" if values.nunique() <= 2 else "multiclass"


def _are_numbers(values: pd.Series) -> bool:
    is_bool = pd.api.types.is_bool_dtype(values)
    return bool(pd.api.types.is_numeric_dtype(values) and not is_bool)


def positive_class(frame: pd.DataFrame, roles: Roles) -> Hashable:
    """Return the class that a binary score is the probability of: the greater of the two.

    Examples
    --------
    >>> positive_class(pd.DataFrame({"prediction": ["no", "yes"]}), Roles())
    'yes'
    """
    parts = [frame[each].dropna() for each in (roles.prediction, roles.target) if each in frame]
    classes: list[Hashable] = pd.concat(parts).unique().tolist()
    return max(classes, key=lambda each: (isinstance(each, str), each))  # numbers before words


def score_of(frame: pd.DataFrame, roles: Roles) -> ScoreOf:
    """Tell whether scores are the probability of the positive class or of the prediction.

    Notes
    -----
    A score of the positive class lies below a half where the prediction is the other class.

    Examples
    --------
    >>> frame = pd.DataFrame({"prediction": [0, 1], "score": [0.1, 0.9]})
    >>> score_of(frame, Roles()), score_of(frame.assign(score=[0.9, 0.8]), Roles())
    ('positive', 'prediction')
    """
    if task_of(frame, roles) != "binary" or roles.prediction not in frame:
        return "prediction"
    known = frame[[roles.prediction, roles.score]].dropna()
    if known.empty:
        return "positive"
    is_positive = known[roles.prediction] == positive_class(frame, roles)
    agrees = ((known[roles.score] >= 0.5) == is_positive).mean()
    return "positive" if agrees >= AGREES or not (known[roles.score] >= 0.5).all() else "prediction"


def _check_roles(frame: pd.DataFrame, roles: Roles | None, name: str) -> None:
    """Refuse roles that were named and are not there, and scores that are no probabilities."""
    columns = [str(each) for each in frame.columns]
    for role in ("prediction", "score", "target", "timestamp") if roles else ():
        column = getattr(roles, role)
        if column != getattr(Roles(), role) and column not in columns:
            raise FrameError(
                f"{role} is said to be in the column {column!r}, which {name} do not have",
                did_you_mean(column, columns),
            )
    named = roles or Roles()
    if named.score not in columns or task_of(frame, named) == "regression":
        return
    scores = pd.to_numeric(frame[named.score], errors="coerce")
    wrong = scores[(scores < 0) | (scores > 1) | (scores.isna() & frame[named.score].notna())]
    if len(wrong):
        first = frame[named.score].loc[wrong.index[0]]
        shown = f"{first:.4g}" if pd.api.types.is_number(first) else repr(first)
        raise FrameError(
            f"{named.score} of {name} holds {shown} ({len(wrong):,} of {len(scores):,} values are "
            "no probabilities)",
            "Give the probability that the classifier had, between 0 and 1.",
        )


def _check_probabilities(frame: pd.DataFrame, roles: Roles, name: str) -> None:
    """Refuse probabilities of classes that are not there, or are none."""
    columns = list(roles.probabilities.values())
    for column in columns:
        if column not in frame:
            raise FrameError(
                f"the probability of a class is said to be in the column {column!r}, which {name} "
                "do not have",
                did_you_mean(column, [str(each) for each in frame.columns]),
            )
    if not columns:
        return
    known = frame[columns].apply(pd.to_numeric, errors="coerce").dropna()
    sums = known.sum(axis=1)
    wrong = ((sums - 1).abs() > SUMS_TO) | (known < 0).any(axis=1)
    if wrong.any():
        raise FrameError(
            f"the probabilities {', '.join(columns)} of {name} sum to {sums[wrong].iloc[0]:.4g} in "
            f"a row ({int(wrong.sum())} of {len(known)} rows); expected 1",
            "Name the columns of all classes, with probabilities as the model gave them; where it "
            "gave that of one class only, name it as the score.",
        )
