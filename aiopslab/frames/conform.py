"""Tables as they come, brought to the contract of their frame."""

import json
import warnings
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from aiopslab.errors import FrameError, did_you_mean
from aiopslab.frames.schemas import (
    FRAME_NAMES,
    SEVERITIES,
    TIME_COLUMNS,
    FrameName,
    FrameWarning,
    schemas,
    time_column,
)
from aiopslab.frames.times import to_utc

_SEVERITY_ALIASES = {
    "INFORMATION": "INFO",
    "NOTICE": "INFO",
    "WARNING": "WARN",
    "ERR": "ERROR",
    "CRIT": "FATAL",
    "CRITICAL": "FATAL",
    "ALERT": "FATAL",
    "EMERG": "FATAL",
    "PANIC": "FATAL",
}
_JSON_COLUMNS = ("attributes", "labels", "retrieved_ids")
_MISFITS_SHOWN = 10


def conform(name: FrameName, frame: pd.DataFrame) -> pd.DataFrame:
    """Bring a table to the contract of a frame, or say precisely why that cannot be done.

    Rows are sorted by time, times become UTC, severities take their OpenTelemetry names, JSON
    text becomes values. What had to be assumed on the way is issued as a `FrameWarning`.

    Parameters
    ----------
    name
        Which frame, e.g. ``"logs"``.
    frame
        A table with at least the columns of that frame. Metrics may be wide (an index of times
        and columns of ``(service, metric)``) or long (``timestamp, service, metric, value``).

    Returns
    -------
    pandas.DataFrame
        A new table that satisfies ``schemas()[name]``; the argument is left as it was.

    Raises
    ------
    FrameError
        If a column is missing, or holds values that the contract does not allow. The message
        lists each misfit with its column, its value and what was expected.

    Examples
    --------
    >>> conform("topology", pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]}))
        caller callee
    0  gateway   auth
    """
    if name not in FRAME_NAMES:
        raise FrameError(f"there is no frame {name!r}", did_you_mean(str(name), list(FRAME_NAMES)))
    prepared = _metrics(frame) if name == "metrics" else _rows(name, frame)
    _check(name, prepared)
    return prepared


def _check(name: FrameName, frame: pd.DataFrame) -> None:
    import pandera.errors

    try:
        schemas()[name].validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        misfits = [_misfit(case) for case in cases.head(_MISFITS_SHOWN).itertuples()]
        shown = "\n".join(f"  - {each}" for each in dict.fromkeys(misfits))
        more = len(cases) - _MISFITS_SHOWN
        raise FrameError(
            f"{name} does not fit its contract:\n{shown}"
            + (f"\n  - and {more} more" if more > 0 else ""),
            f"Mend the source, or rename its columns to: {', '.join(_columns(name))}.",
        ) from None


def _columns(name: FrameName) -> list[str]:
    return list(schemas()[name].columns) or ["timestamp", "service", "metric", "value"]


def _misfit(case: Any) -> str:
    if case.check == "column_in_dataframe":
        return f"column {case.failure_case!r} is missing"
    where = f"row {case.index}: " if pd.notna(case.index) else ""
    if case.check == "not_nullable":
        return f"{where}{case.column} is empty; expected a value"
    subject = case.column if isinstance(case.column, str) else "the table"
    return f"{where}{subject} is {case.failure_case!r}; expected {case.check}"


def _rows(name: FrameName, frame: pd.DataFrame) -> pd.DataFrame:
    columns = schemas()[name].columns
    prepared = _flat(frame)
    for column in prepared.columns.intersection(list(columns)):
        kind = str(columns[column].dtype or "")
        prepared[column] = _column(name, str(column), prepared[column], kind)
    key = time_column(name)
    if key is not None and key in prepared.columns and not prepared[key].is_monotonic_increasing:
        prepared = prepared.sort_values(key, kind="stable", ignore_index=True)
    return prepared


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose rows are numbered; what a named index held becomes columns."""
    if frame.columns.nlevels > 1:
        raise FrameError(
            f"the table has {frame.columns.nlevels} levels of columns; expected one",
            "Only metrics have two; name the columns as that frame has them.",
        )
    named = [each for each in frame.index.names if each is not None and each not in frame.columns]
    flat = frame.reset_index(level=named) if named else frame
    flat = flat.reset_index(drop=True)
    if not flat.columns.is_unique:
        twice = flat.columns[flat.columns.duplicated()].unique()
        raise FrameError(
            f"the table has {_listed(list(map(str, twice)))} more than once",
            "Keep one column a name.",
        )
    return flat


def _column(name: str, column: str, values: pd.Series, kind: str) -> pd.Series:
    label = f"{name}.{column}"
    if column in TIME_COLUMNS:
        return to_utc(values, label)
    if column in _JSON_COLUMNS:
        return values.map(_parsed)
    if kind == "float64":
        return _without_infinities(_floats(values, label), label)
    return _text(values, label) if "str" in kind else values


def _text(values: pd.Series, label: str) -> pd.Series:
    try:
        text = values.astype("str")
    except UnicodeEncodeError:  # half of a surrogate pair, from a line that was cut
        text = values.map(_encodable).astype("str")
    match label:
        case "logs.severity":
            return _severity(text)
        case "spans.status":
            return text.str.upper().fillna("UNSET")
        case "alerts.state":
            return text.str.lower()
    return text


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _severity(text: pd.Series) -> pd.Series:
    empty = int(text.isna().sum())
    if empty:
        _warn(f"logs.severity is empty in {empty} rows; taken as INFO")
    text = text.fillna("INFO")
    return text.map({each: _severity_name(each) for each in text.unique()}).astype("str")


def _severity_name(text: str) -> str:
    upper = text.upper()
    if upper[:-1] in SEVERITIES and upper[-1] in "1234":
        return upper[:-1]  # OpenTelemetry grades within a severity: INFO2 is still INFO
    return _SEVERITY_ALIASES.get(upper, upper)


def _floats(values: pd.Series, label: str) -> pd.Series:
    try:
        return pd.to_numeric(values).astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"{label} holds something that is not a number: {error}",
            "Remove or convert that value; a missing one may be left empty.",
        ) from None


T = TypeVar("T", pd.Series, pd.DataFrame)


def _without_infinities(values: T, label: str) -> T:
    infinite = np.isinf(values.to_numpy())
    if infinite.any():
        _warn(f"{label} has {int(infinite.sum())} infinite values; taken as missing")
        return values.mask(infinite)
    return values


def _warn(message: str) -> None:
    warnings.warn(message, FrameWarning, stacklevel=2)


def _parsed(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    return _plain(value)


def _plain(value: Any) -> Any:
    """Undo what Parquet does to nested values: arrays for lists, floats, every key everywhere."""
    match value:
        case np.ndarray() | list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items() if each is not None}
        case float() if value.is_integer():
            return int(value)
    return value


def _metrics(frame: pd.DataFrame) -> pd.DataFrame:
    wide = frame if frame.columns.nlevels == 2 else _pivoted(_flat(frame))
    series = [(str(each[0]), str(each[1])) for each in wide.columns]
    if len(set(series)) < len(series):
        twice = next(".".join(each) for each in series if series.count(each) > 1)
        raise FrameError(
            f"metrics hold the series {twice} more than once",
            "Keep one column a (service, metric).",
        )
    times = pd.DatetimeIndex(to_utc(wide.index, "metrics.timestamp"), name="timestamp")
    columns = pd.MultiIndex.from_tuples(series, names=["service", "metric"])
    prepared = wide.set_axis(times).set_axis(columns, axis="columns")
    for column in [each for each in series if prepared[each].dtype != np.float64]:
        prepared[column] = _floats(prepared[column], ".".join(column))
    prepared = _without_infinities(prepared, "metrics")
    if not prepared.index.is_unique:
        # Scraped twice, or two shards of one export: each holds what the other has not.
        prepared = prepared.groupby(level=0).last()
    return prepared.sort_index()


def _pivoted(frame: pd.DataFrame) -> pd.DataFrame:
    keys = ["timestamp", "service", "metric"]
    missing = [column for column in [*keys, "value"] if column not in frame.columns]
    if missing:
        raise FrameError(
            f"metrics: {_listed(missing)} missing; found {', '.join(map(str, frame.columns))}",
            "Pass a long table with timestamp, service, metric, value, or a wide one with an "
            "index of times and two column levels (service, metric).",
        )
    empty = frame[keys].isna().any(axis="columns")
    if empty.any():
        raise FrameError(
            f"metrics: row {empty.idxmax()} has no {' or no '.join(keys)}",
            "Fill it in, or leave the row out; only a value may be missing.",
        )
    long = frame[keys].assign(
        timestamp=to_utc(frame["timestamp"], "metrics.timestamp"),
        value=_floats(frame["value"], "metrics.value"),
    )
    last = long.groupby(keys, observed=True)["value"].last()
    return last.unstack(["service", "metric"])


def _listed(columns: list[str]) -> str:
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
