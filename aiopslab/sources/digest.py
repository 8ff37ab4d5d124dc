"""A fingerprint of evidence: equal content, equal digest, whatever file or order it came in."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.frames import FrameName


def digest(frames: Mapping[FrameName, pd.DataFrame]) -> str:
    """Return the SHA-256 over the content of conformed frames, in hexadecimal.

    The order of rows and columns plays no part, nor what a file format cannot tell apart: whole
    numbers and floats, empty and missing text. A table is taken as the sorted 64-bit hashes of
    its rows, which tells versions of evidence apart but is no proof against forgery.

    Parameters
    ----------
    frames
        Frames by name, conformed.

    Examples
    --------
    >>> edges = pd.DataFrame({"caller": ["a", "b"], "callee": ["b", "c"]})
    >>> digest({"topology": edges}) == digest({"topology": edges[::-1]})
    True
    """
    total = hashlib.sha256()
    for name in sorted(frames):
        frame = frames[name]
        parts = _series(frame) if name == "metrics" else _rows(frame)
        total.update(f"{name} {len(frame)}\n".encode())
        for part in parts:
            total.update(part)
    return total.hexdigest()


def _series(metrics: pd.DataFrame) -> tuple[bytes, ...]:
    ordered = metrics.sort_index(axis="columns")
    values = ordered.to_numpy(dtype=np.float64) + 0.0  # -0.0 is 0.0
    values[np.isnan(values)] = np.nan  # and one bit pattern is missing
    index = pd.DatetimeIndex(ordered.index).as_unit("us").asi8
    return json.dumps(list(ordered.columns)).encode(), index.tobytes(), values.tobytes()


def _rows(frame: pd.DataFrame) -> tuple[bytes, bytes]:
    columns = sorted(frame.columns, key=str)
    plain = pd.DataFrame({str(each): _plain(frame[each]) for each in columns}, index=frame.index)
    hashes = pd.util.hash_pandas_object(plain, index=False).to_numpy()
    return json.dumps(list(plain.columns)).encode(), np.sort(hashes).tobytes()


def _plain(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).dt.as_unit("us").astype("int64")
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64") + 0.0
    if pd.api.types.is_object_dtype(values):
        values = values.map(_text).astype("str")
    return values.astype("str").fillna("")


def _text(value: Any) -> Any:
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, sort_keys=True, default=str)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
