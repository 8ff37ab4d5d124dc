"""Files that other systems export: JSON in its various wrappings, and CSV."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.sources import surrogates, tables
from aiopslab.sources.files import check_local
from aiopslab.sources.http import MISFITS


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
    text = tables.decoded(path.name, _content(path)).strip()
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


@contextmanager
def reading(url: str, system: str) -> Iterator[None]:
    """Turn records of a shape that a system does not export into something the user can mend."""
    try:
        yield
    except MISFITS as error:
        raise SourceError(
            f"{url} is no export of {system}: {type(error).__name__} {error}",
            "Export it again, and leave it as it is.",
        ) from None


def _content(path: Path) -> bytes:
    check_local(str(path))
    if path.is_dir():
        raise SourceError(f"{path} is a folder", "Name the exported file itself.")
    try:
        return tables.unzipped(path.name, path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error}", "Copy or export it again.") from None


def _values(label: str, text: str) -> list[Any]:
    """Return the JSON values of a text, whose arrays are taken apart."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            reason = getattr(error, "msg", error)
            raise SourceError(
                f"{label}, line {line} is not JSON: {reason}",
                "Export it again; it may have been cut off.",
            ) from None
        values += value if isinstance(value, list) else [value]
        at = end
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    whole: list[Any] = surrogates.whole(values, text)
    return whole


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
