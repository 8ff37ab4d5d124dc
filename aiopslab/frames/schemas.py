"""What each frame holds: its name, its columns, and what their values may be."""

from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

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
OBSERVED = {"prediction", "score"}  # tell observations, which may lack either, from any table
TIME_COLUMNS = ("timestamp", "start")


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
                "prediction": anything(),
                "score": pa.Column(float, nullable=True, required=False),
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
                "route": text(required=False),
                "tenant": text(required=False),
            }
        ),
    }


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
    return next((each for each in TIME_COLUMNS if each in schemas()[name].columns), None)


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
        required = {column for column, schema in columns if schema.required}
        if (required or OBSERVED) <= found:
            return name
    return None
