"""The contracts between the rooms: one schema a frame, and `conform` that brings evidence to it.

Times are UTC and tz-aware, durations are milliseconds where a name ends in ``_ms`` and seconds
elsewhere, and names follow the OpenTelemetry semantic conventions.
"""

import json
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

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

_SEVERITY_ALIASES = {"WARNING": "WARN", "ERR": "ERROR", "CRITICAL": "FATAL", "NOTICE": "INFO"}
_TIME_COLUMNS = ("timestamp", "start")
_JSON_COLUMNS = ("attributes", "labels", "retrieved_ids")
_SORT_KEYS: dict[FrameName, str] = {
    "logs": "timestamp",
    "spans": "start",
    "alerts": "timestamp",
    "changes": "timestamp",
    "calls": "timestamp",
}
_MISFITS_SHOWN = 8


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
        return pa.Column(str, pa.Check.str_length(1, error="a name that is not empty"))

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
        raise FrameError(
            f"there is no frame {name!r}", did_you_mean(str(name), list(FRAME_NAMES))
        )
    prepared = _metrics(frame) if name == "metrics" else _rows(name, frame)
    _check(name, prepared)
    return prepared


def _check(name: FrameName, frame: pd.DataFrame) -> None:
    import pandera.errors

    try:
        schemas()[name].validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        misfits = [_misfit(case) for case in error.failure_cases.itertuples()]
        shown = "\n".join(f"  - {each}" for each in dict.fromkeys(misfits[:_MISFITS_SHOWN]))
        more = len(misfits) - _MISFITS_SHOWN
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
    prepared = frame.reset_index(drop=True).copy()
    columns = schemas()[name].columns
    for column in prepared.columns.intersection(list(columns)):
        prepared[column] = _column(name, str(column), prepared[column], columns)
    key = _SORT_KEYS.get(name)
    if key in prepared.columns and not prepared[key].is_monotonic_increasing:
        prepared = prepared.sort_values(key, kind="stable", ignore_index=True)
    return prepared


def _column(name: str, column: str, values: pd.Series, columns: Any) -> pd.Series:
    if column in _TIME_COLUMNS:
        return to_utc(values, f"{name}.{column}")
    if column in _JSON_COLUMNS:
        return values.map(_parsed)
    if column == "severity" and name == "logs":
        upper = values.astype("str").str.upper()
        return upper.replace(_SEVERITY_ALIASES)
    if column == "status":
        return values.astype("str").str.upper().fillna("UNSET")
    kind = str(columns[column].dtype or "")
    if kind == "float64":
        return _floats(values, f"{name}.{column}")
    return values.astype("str") if "str" in kind else values


def _floats(values: pd.Series, label: str) -> pd.Series:
    try:
        return pd.to_numeric(values).astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"{label} holds something that is not a number: {error}",
            "Remove or convert that value; a missing one may be left empty.",
        ) from None


def _parsed(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    if isinstance(value, np.ndarray):
        return value.tolist()
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
    if pd.api.types.is_numeric_dtype(series):
        times = pd.to_datetime(series, unit=_epoch_unit(series), utc=True, errors="coerce")
    elif pd.api.types.is_datetime64_any_dtype(series):
        times = pd.to_datetime(series, utc=True)
    else:
        times = pd.to_datetime(series, utc=True, format="ISO8601", errors="coerce")
    unread = series[times.isna().to_numpy() & series.notna().to_numpy()]
    if not unread.empty:
        raise FrameError(
            f"{label} holds {len(unread)} values that are not a time, the first {unread.iloc[0]!r}",
            "Write times as ISO 8601 with an offset, e.g. 2026-03-01T12:00:00+00:00.",
        )
    if _naive(series):
        warnings.warn(f"{label} has no time zone; taken as UTC", FrameWarning, stacklevel=2)
    return times.astype("datetime64[us, UTC]")


def _naive(series: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(series):
        return series.dt.tz is None
    known = series.dropna()
    if pd.api.types.is_numeric_dtype(series):
        return False
    return not known.empty and pd.Timestamp(known.iloc[0]).tzinfo is None


def _epoch_unit(series: pd.Series) -> Literal["s", "ms", "us", "ns"]:
    magnitude = series.abs().median()
    units: list[tuple[float, Literal["s", "ms", "us"]]] = [(1e11, "s"), (1e14, "ms"), (1e17, "us")]
    return next((unit for bound, unit in units if not magnitude >= bound), "ns")


def _metrics(frame: pd.DataFrame) -> pd.DataFrame:
    wide = frame if frame.columns.nlevels == 2 else _pivoted(frame)
    times = to_utc(wide.index, "metrics.timestamp")
    values = {column: _floats(wide[column], ".".join(map(str, column))) for column in wide.columns}
    prepared = pd.DataFrame(values, index=wide.index, dtype="float64")
    prepared.index = pd.DatetimeIndex(times, name="timestamp")
    prepared.columns = pd.MultiIndex.from_tuples(
        [tuple(map(str, column)) for column in wide.columns], names=["service", "metric"]
    )
    infinite = int(np.isinf(prepared.to_numpy()).sum())
    if infinite:
        warnings.warn(
            f"metrics hold {infinite} infinite values; taken as missing",
            FrameWarning,
            stacklevel=3,
        )
        prepared = prepared.replace([np.inf, -np.inf], np.nan)
    if not prepared.index.is_unique:
        # Scraped twice, or two shards of one export: each holds what the other has not.
        prepared = prepared.groupby(level=0).last()
    return prepared.sort_index()


def _pivoted(frame: pd.DataFrame) -> pd.DataFrame:
    needed = ["timestamp", "service", "metric", "value"]
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise FrameError(
            f"metrics: {_listed(missing)} missing; found {', '.join(map(str, frame.columns))}",
            "Pass a long table with timestamp, service, metric, value, or a wide one with an "
            "index of times and two column levels (service, metric).",
        )
    long = frame[needed].assign(timestamp=to_utc(frame["timestamp"], "metrics.timestamp"))
    long["value"] = _floats(long["value"], "metrics.value")
    return long.groupby(["timestamp", "service", "metric"], observed=True)["value"].last().unstack(
        ["service", "metric"]
    )


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
    if frame.columns.nlevels == 2 or {"service", "metric", "value"} <= set(frame.columns):
        return "metrics"
    for name in FRAME_NAMES[1:]:
        columns = schemas()[name].columns.items()
        if {column for column, schema in columns if schema.required} <= set(frame.columns):
            return name
    return None
