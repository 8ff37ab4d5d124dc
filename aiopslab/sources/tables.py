"""Tables from the bytes of a file: Parquet, CSV and JSON lines, plain or gzipped."""

import gzip
import io
import warnings
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, cast

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FRAME_NAMES, FrameName, FrameWarning, infer, schemas
from aiopslab.sources.surrogates import loads

_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth")
_MISSING = ["", "NaN", "nan", "NA", "null", "None"]


def frame_of(path: str) -> FrameName | None:
    """Return the frame that a file is named after.

    Examples
    --------
    >>> frame_of("incident/logs.jsonl.gz"), frame_of("incident/readme.md")
    ('logs', None)
    """
    stem = PurePosixPath(path).name.partition(".")[0].lower()
    return next((name for name in FRAME_NAMES if name == stem), None)


def is_readable(path: str) -> bool:
    """Tell from its name whether a file is in a format that `read` knows."""
    return _extension(path) in _FORMATS


def read(path: str, content: bytes, frame: str | None = None) -> pd.DataFrame:
    r"""Read a table.

    Parameters
    ----------
    path
        Its name, whose extension tells the format.
    content
        Its bytes.
    frame
        Which frame it holds, where that is known; it decides which columns of a CSV are text.

    Raises
    ------
    SourceError
        If the format is not known, or the content is not of it.

    Examples
    --------
    >>> read("topology.csv", b"caller,callee\ngateway,auth\n")
        caller callee
    0  gateway   auth
    """
    label = PurePosixPath(path).name
    extension = _extension(path)
    if extension in _PICKLES:
        raise SourceError(
            f"{label} is a pickle, and opening one runs whatever code is in it",
            "Save the table as Parquet: frame.to_parquet(...).",
        )
    if extension not in _FORMATS:
        raise SourceError(
            f"{label} has the extension {extension or '(none)'}; expected {', '.join(_FORMATS)}",
            "Save it in one of these, gzipped (.gz) if you like.",
        )
    content = unzipped(label, content)
    if not content:
        raise _empty(label)
    return _FORMATS[extension](label, content, frame)


def _extension(path: str) -> str:
    name = PurePosixPath(path.lower())
    return PurePosixPath(name.stem).suffix if name.suffix == ".gz" else name.suffix


def unzipped(label: str, content: bytes) -> bytes:
    """Return the bytes of a file that may be gzipped, by what it holds rather than by its name.

    Raises
    ------
    SourceError
        If it is gzipped, and not whole.
    """
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{label} is not whole gzip: {error}", "Copy it again.") from None


def _empty(label: str) -> SourceError:
    return SourceError(f"{label} is empty", "Export it again.")


def decoded(label: str, content: bytes) -> str:
    """Decode the bytes of a file; a `FrameWarning` says from where on they are no UTF-8.

    Raises
    ------
    SourceError
        If there is nothing but white space.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            warnings.warn(
                f"{label} is not UTF-8 from line {line} on; what could not be read is a \ufffd",
                FrameWarning,
                stacklevel=2,
            )
            text = content.decode("utf-8-sig", "replace")
    if not text.strip():
        raise _empty(label)
    return text


def _parquet(label: str, content: bytes, _: str | None) -> pd.DataFrame:
    import pyarrow as pa

    try:
        return pd.read_parquet(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise SourceError(f"{label} is not Parquet: {first}", "Export or copy it again.") from None


def _csv(label: str, content: bytes, frame: str | None) -> pd.DataFrame:
    text = decoded(label, content).lstrip("\r\n")
    head = text[:100_000].splitlines()
    separator = max(",;\t", key=head[0].count)
    try:
        with warnings.catch_warnings():
            # A row longer than the header would be cut to fit, with no more than this warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            if frame in {None, "metrics"} and _is_wide(head, separator):
                return pd.read_csv(io.StringIO(text), sep=separator, header=[0, 1], index_col=0)
            columns = pd.read_csv(io.StringIO(head[0]), sep=separator, nrows=0)
            table: pd.DataFrame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                index_col=False,
                low_memory=False,
                keep_default_na=False,
                **_kinds(columns, frame or infer(columns)),
            )
            return table
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise SourceError(
            f"{label} is not a table: {reason}",
            "Give every row as many fields as the header; quote a field that has a separator.",
        ) from None


def _is_wide(head: list[str], separator: str) -> bool:
    """Tell whether a CSV has two header rows, of services and of metrics."""
    first = [line.partition(separator)[0].strip('" ').lower() for line in head[:2]]
    return (
        len(first) == 2
        and first[0] in {"service", "timestamp", ""}
        and first[1] in {"metric", "timestamp", ""}
    )


def _kinds(columns: pd.DataFrame, frame: str | None) -> dict[str, Any]:
    """Say which columns are text, so that 007 stays 007 and a service may be called NA."""
    text = [each for each in columns if each in _text_columns(frame)]
    missing = {each: [""] if each in text else _MISSING for each in columns}
    return {"dtype": dict.fromkeys(text, "str"), "na_values": missing}


def _text_columns(frame: str | None) -> set[str]:
    if frame is None or frame == "metrics":
        return {"service", "metric"}
    contract = schemas()[cast(FrameName, frame)].columns
    return {name for name, column in contract.items() if "str" in str(column.dtype)}


def _json_lines(label: str, content: bytes, _: str | None) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(decoded(label, content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = loads(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"{label}, line {number} is not JSON: {error}",
                "Mend or remove that line; each must be one JSON object.",
            ) from None
        if not isinstance(row, dict):
            raise SourceError(
                f"{label}, line {number} is {line.strip()[:60]!r}; expected a JSON object",
                'Write one object a line, e.g. {"timestamp": "2026-03-01T12:00:00Z", …}.',
            )
        rows.append(row)
    return pd.DataFrame(rows)


_FORMATS: dict[str, Callable[[str, bytes, str | None], pd.DataFrame]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
