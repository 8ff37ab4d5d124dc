"""The contracts between the rooms: one schema a frame, and `conform` that brings evidence to it.

Times are UTC and tz-aware, durations are milliseconds where a name ends in ``_ms`` and seconds
elsewhere, and names follow the OpenTelemetry semantic conventions.
"""

import json
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np
import pandas as pd

from aiopslab.errors import FrameError, did_you_mean

if TYPE_CHECKING:
    import pandera.pandas as pa

FrameName = Literal[
    "metrics", "logs", "spans", "alerts", "changes", "topology", "observations", "calls"
]
FRAME_NAMES: tuple[FrameName, ...] = get_args(FrameName)

CHANGE_KINDS = ("deploy", "flag", "config", "commit", "model", "prompt", "index")
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SPAN_STATUSES = ("UNSET", "OK", "ERROR")
ALERT_STATES = ("firing", "resolved")

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
_EARLIEST, _LATEST = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")
_TIME_COLUMNS = ("timestamp", "start")
_JSON_COLUMNS = ("attributes", "labels", "retrieved_ids")
_MISFITS_SHOWN = 10


class FrameWarning(UserWarning):
    """Evidence was usable only after a correction; the message says which."""


@cache
def schemas() -> dict[FrameName, "pa.DataFrameSchema"]:
    """Return the pandera schema of every frame, by name.

    Examples
    --------
    >>> sorted(schemas())[:3]
    ['alerts', 'calls', 'changes']
    >>> list(schemas()["topology"].columns)
    ['caller', 'callee']
    """
    import pandera.pandas as pa

    time = "datetime64[us, UTC]"
    positive = pa.Check.ge(0, error="a number of at least 0")

    def name() -> pa.Column:
        return pa.Column(str, pa.Check.str_length(min_value=1, error="a name that is not empty"))

    def choice(*values: str) -> pa.Column:
        return pa.Column(str, pa.Check.isin(values, error=f"one of {', '.join(values)}"))

    def text(*, required: bool = True) -> pa.Column:
        return pa.Column(str, nullable=True, required=required)

    def value(*, required: bool = True) -> pa.Column:
        return pa.Column(float, positive, nullable=True, required=required)

    def anything() -> pa.Column:
        return pa.Column(None, nullable=True, required=False)

    return {
        "metrics": pa.DataFrameSchema(
            index=pa.Index(time, unique=True, name="timestamp"),
            checks=[
                pa.Check(lambda frame: frame.columns.nlevels == 2, error="two column levels"),
                pa.Check(lambda frame: frame.columns.is_unique, error="a column a series"),
                pa.Check(
                    lambda frame: all(dtype == np.float64 for dtype in frame.dtypes),
                    error="float columns",
                ),
            ],
        ),
        "logs": pa.DataFrameSchema(
            {
                "timestamp": pa.Column(time),
                "service": name(),
                "severity": choice(*SEVERITIES),
                "body": text(),
                "trace_id": text(required=False),
                "attributes": anything(),
            }
        ),
        "spans": pa.DataFrameSchema(
            {
                "trace_id": name(),
                "span_id": name(),
                "parent_span_id": text(),
                "service": name(),
                "operation": text(),
                "start": pa.Column(time),
                "duration_ms": value(),
                "status": choice(*SPAN_STATUSES),
            }
        ),
        "alerts": pa.DataFrameSchema(
            {
                "timestamp": pa.Column(time),
                "name": name(),
                "service": text(),
                "severity": text(),
                "state": choice(*ALERT_STATES),
                "fingerprint": name(),
                "labels": anything(),
            }
        ),
        "changes": pa.DataFrameSchema(
            {
                "timestamp": pa.Column(time),
                "kind": choice(*CHANGE_KINDS),
                "service": text(),
                "ref": text(),
                "description": text(),
            }
        ),
        "topology": pa.DataFrameSchema({"caller": name(), "callee": name()}),
        "observations": pa.DataFrameSchema(
            {
                "prediction": pa.Column(None, nullable=True),
                "score": pa.Column(float, nullable=True),
                "target": anything(),
                "timestamp": pa.Column(time, required=False),
            }
        ),
        "calls": pa.DataFrameSchema(
            {
                "timestamp": pa.Column(time),
                "prompt_version": name(),
                "model": name(),
                "input": text(),
                "output": text(),
                "input_tokens": value(),
                "output_tokens": value(),
                "latency_ms": value(),
                "cost_usd": value(),
                "retrieved_ids": anything(),
                "feedback": anything(),
            }
        ),
    }


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


def time_column(name: FrameName) -> str | None:
    """Name the column that places a row in time.

    Returns
    -------
    str or None
        ``None`` for metrics, whose index is the time, and for topology, which has none.

    Examples
    --------
    >>> time_column("spans"), time_column("logs")
    ('start', 'timestamp')
    """
    return next((each for each in _TIME_COLUMNS if each in schemas()[name].columns), None)


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose rows are numbered; what a named index held becomes columns."""
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
    if column in _TIME_COLUMNS:
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


def to_utc(values: "pd.Series | pd.Index", label: str) -> pd.Series:
    """Read times of any common form as UTC.

    Numbers are taken as seconds, milliseconds, microseconds or nanoseconds since 1970, whichever
    puts their median between 2001 and 2100; times without a zone are taken as UTC, with a warning.

    Parameters
    ----------
    values
        Times as datetimes, ISO 8601 text, or numbers.
    label
        What to call them in a message, e.g. ``"logs.timestamp"``.

    Returns
    -------
    pandas.Series
        ``datetime64[us, UTC]``, in the order given.

    Raises
    ------
    FrameError
        If a value is not a time.

    Examples
    --------
    >>> to_utc(pd.Series([1_760_000_000, 1_760_000_060]), "t").iloc[0]
    Timestamp('2025-10-09 08:53:20+0000', tz='UTC')
    """
    series = pd.Series(values)
    known = series.notna()
    if pd.api.types.is_datetime64_any_dtype(series):
        times, naive = pd.to_datetime(series, utc=True), series.dt.tz is None
    else:
        numbers = _epochs(series)
        if numbers is None:
            times = pd.to_datetime(series, utc=True, format="ISO8601", errors="coerce")
            naive = not series[known].astype("str").str.contains(_OFFSET, regex=True).all()
        else:
            unit = _epoch_unit(numbers, label)
            times = pd.to_datetime(numbers, unit=unit, utc=True, errors="coerce").dt.round("us")
            naive = False
    wrong = known & ~times.between(_EARLIEST, _LATEST)
    if wrong.any():
        raise FrameError(
            f"{label} is not a time between 1970 and 2100 in {int(wrong.sum())} rows; "
            f"the first is '{series[wrong].iloc[0]}'",
            "Write times as ISO 8601 with an offset, e.g. 2026-03-01T12:00:00+00:00.",
        )
    if naive:
        _warn(f"{label} has no time zone; taken as UTC")
    return times.astype("datetime64[us, UTC]")


_OFFSET = r"[T ]\S*?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"


def _epochs(series: pd.Series) -> pd.Series | None:
    """Return numbers, or text that holds numbers (CSV, JSON), as numbers; ``None`` for dates."""
    if pd.api.types.is_numeric_dtype(series):
        return series.astype("float64") if pd.api.types.is_bool_dtype(series) else series
    numbers = pd.to_numeric(series, errors="coerce")
    # 20260301 is a date, not a number of seconds.
    all_numbers = numbers.notna().equals(series.notna()) and numbers.abs().median() >= _YEAR_2001
    return numbers if all_numbers else None


_YEAR_2001 = 1e9  # in seconds since 1970


def _epoch_unit(numbers: pd.Series, label: str) -> Literal["s", "ms", "us", "ns"]:
    magnitude = numbers.abs().median()
    if magnitude < _YEAR_2001:
        raise FrameError(
            f"{label} holds numbers around {magnitude:g}, too small for a time since 1970",
            "Write times as ISO 8601, or as seconds since 1970-01-01T00:00:00Z.",
        )
    units: list[tuple[float, Literal["s", "ms", "us"]]] = [(1e11, "s"), (1e14, "ms"), (1e17, "us")]
    return next((unit for bound, unit in units if not magnitude >= bound), "ns")


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


def infer(frame: pd.DataFrame) -> FrameName | None:
    """Tell which frame a table holds from its columns.

    Returns
    -------
    str or None
        The frame all of whose required columns are there; ``None`` where no one fits.

    Examples
    --------
    >>> infer(pd.DataFrame(columns=["caller", "callee"]))
    'topology'
    """
    if frame.columns.nlevels == 2:
        return "metrics"
    found = {*frame.columns, *frame.index.names}
    if {"service", "metric", "value"} <= found:
        return "metrics"
    for name in FRAME_NAMES[1:]:
        columns = schemas()[name].columns.items()
        if {column for column, schema in columns if schema.required} <= found:
            return name
    return None
