"""Files that other systems export: JSON in its various wrappings, and CSV."""

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.sources.files import check_local


def records(url: str, wrappers: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    r"""Read the records of a local file.

    Parameters
    ----------
    url
        ``KIND+file://`` and a path, which may be relative. The file may be gzipped.
    wrappers
        Under which keys an object keeps the records, where it is not one itself.

    Returns
    -------
    list of dict
        The objects of a JSON array, of JSON one after the other (a line each or not), or the rows
        of a CSV, whose values are text.

    Raises
    ------
    SourceError
        If there is no such file, or it holds neither.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     _ = file.write('{"items": [{"a": 1}, {"a": 2}]}\n{"a": 3}')
    ...     file.flush()
    ...     records(f"some+file://{file.name}", ("items",))
    [{'a': 1}, {'a': 2}, {'a': 3}]
    """
    path = Path(url.partition("://")[2])
    text = _content(path).decode("utf-8-sig", "replace").strip()
    if not text:
        raise SourceError(f"{path.name} is empty", "Export it again.")
    if text[0] not in "[{":
        return _rows(path.name, text)
    found = []
    for value in _values(path.name, text):
        keys = wrappers if isinstance(value, dict) else ()
        inner = next((value[key] for key in keys if key in value), value)
        found += inner if isinstance(inner, list) else [inner]
    for each in found:
        if not isinstance(each, dict):
            raise SourceError(
                f"{path.name} holds {json.dumps(each)[:60]}; expected JSON objects",
                "Export it again.",
            )
    return found


def _content(path: Path) -> bytes:
    check_local(str(path))
    if path.is_dir():
        raise SourceError(f"{path} is a folder", "Name the exported file itself.")
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}", "Copy or export it again.") from None


def _values(label: str, text: str) -> list[Any]:
    """Return the JSON values of a text, whose arrays are taken apart."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            reason = getattr(error, "msg", "it is nested too deeply")
            raise SourceError(
                f"{label}, line {line} is not JSON: {reason}",
                "Export it again; it may have been cut off.",
            ) from None
        values += value if isinstance(value, list) else [value]
        at = end
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    return values


def _rows(label: str, text: str) -> list[dict[str, Any]]:
    try:
        table = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, ValueError) as error:
        raise SourceError(
            f"{label} is neither JSON nor CSV: {error}", "Export it as one of them."
        ) from None
    return [
        {str(name): value for name, value in row.items() if isinstance(value, str)}
        for row in table.to_dict("records")
    ]
