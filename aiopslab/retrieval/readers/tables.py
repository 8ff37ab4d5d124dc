"""Tables of documents, questions and judgements: their ids and texts stay text."""

import io
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.files import files
from aiopslab.sources import tables

SUFFIXES = {".parquet", ".csv", ".tsv", ".jsonl"}


def read_table(url: str) -> pd.DataFrame:
    """Read a table in Parquet, CSV, TSV or JSON lines; all fields of a CSV or TSV are text.

    Raises
    ------
    SourceError
        If the file is not there, or is no table.
    RetrievalError
        If it cannot be read, or there are several.
    """
    found = files(url)
    if len(found) > 1:
        raise RetrievalError(f"{url} has {len(found)} files", "Name one table.")
    file = found[0]
    try:
        content = file.content()
    except OSError as error:
        raise RetrievalError(f"{url} cannot be read: {error}", "Check it.") from None
    suffix = PurePosixPath(file.label.lower().removesuffix(".gz")).suffix
    if suffix not in {".csv", ".tsv"}:
        return tables.read(file.label, content)
    text, _ = decoded(tables.unzipped(file.label, content))
    head = text.partition("\n")[0]
    separator = "\t" if suffix == ".tsv" else max(",;\t", key=head.count)
    try:
        return pd.read_csv(
            io.StringIO(text), sep=separator, dtype="str", na_values=[""], keep_default_na=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise RetrievalError(
            f"{file.label} is not a table: {error}",
            "Give every row as many fields as the header; quote a field that has a separator.",
        ) from None


def is_table(url: str) -> bool:
    """Tell by its name whether a file is a table."""
    return PurePosixPath(url.lower().removesuffix(".gz")).suffix in SUFFIXES


def is_missing(value: Any) -> bool:
    """Tell whether a field has no value; a list always has one."""
    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))
