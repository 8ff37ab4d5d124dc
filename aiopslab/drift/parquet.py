"""The profile of Parquet files, read in batches of rows that are never all held in memory.

Numbers go from the buffers of the file to their bins, and names of categories are counted as the
file encodes them: once each, with a code for every row. No table is made of either.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.categorical import KEPT, Categorical, kept_most
from aiopslab.drift.numeric import SAMPLE, Numeric, counted, joined_dtypes
from aiopslab.drift.profiles import Part, Profile, column_profile, profile
from aiopslab.drift.tally import Tally
from aiopslab.errors import FrameError, SourceError, did_you_mean

CELLS = 1 << 21  # that are held at once: about 16 MB of numbers
HELD = 1 << 20  # names of a column, before those that are the same are added up
REPEATED = 2  # times that a name is there on average, from which a dictionary is a gain


def profile_parquet(
    path: str | os.PathLike[str],
    like: Profile | None = None,
    columns: list[str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Profile:
    """Profile a Parquet file, or a folder of them, without holding it in memory.

    Parameters
    ----------
    path
        Of the file or folder.
    like
        As in `profile`; the edges and kinds of the first batch of rows where ``None``.
    columns
        Those to profile; all where ``None``.
    progress
        Called with the number of rows of each batch that is done; `rows_of` says how many to come.

    Returns
    -------
    Profile
        The same as that of the whole table on the same edges.

    Raises
    ------
    SourceError
        If there is no file, or it cannot be read as Parquet.
    FrameError
        If a column is not there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "loans.parquet")
    ...     pd.DataFrame({"age": range(100), "plan": ["a", "b"] * 50}).to_parquet(file)
    ...     profile_parquet(file).table()[["feature", "kind", "rows"]]
      feature         kind  rows
    0     age      numeric   100
    1    plan  categorical   100
    """
    with _reading(path):
        data = _dataset(path)
        wanted = columns or data.schema.names
        _check(os.fspath(path), data.schema.names, wanted)
        shared, total = like, None
        for file in data.files:
            part = _of_file(data.filesystem, file, wanted, shared, progress)
            if part is not None:
                shared = total = part if total is None else total + part
        if total is None:
            return profile(data.schema.empty_table().select(wanted).to_pandas(), like)
        return total


def rows_of(path: str | os.PathLike[str]) -> int:
    """Return how many rows Parquet files have, of which nothing else is read.

    Raises
    ------
    SourceError
        If there is no file, or it cannot be read as Parquet.
    """
    with _reading(path):
        return int(_dataset(path).count_rows())


def columns_of(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the columns of Parquet files.

    Raises
    ------
    SourceError
        If there is no file, or it cannot be read as Parquet.
    """
    with _reading(path):
        return list(_dataset(path).schema.names)


class _Column(Protocol):
    """A column on its way to its profile."""

    def add(self, column: Any) -> None:
        """Count the rows of a batch, an array of arrow."""

    def profile(self) -> Part:
        """Return the profile of all rows that were added."""


class _Numbers:
    def __init__(self, like: Numeric) -> None:
        self._tally, self._dtype = Tally(like.axis), ""

    def add(self, column: Any) -> None:
        values = column.to_numpy(zero_copy_only=False)
        dtype = str(values.dtype)
        self._dtype = joined_dtypes(self._dtype, dtype) if self._dtype else dtype
        self._tally.add(values)

    def profile(self) -> Part:
        return counted(self._tally, "numeric", self._dtype)


class _Names:
    """Categories, which come with a dictionary where the file encodes them so."""

    def __init__(self) -> None:
        self._rows = self._held = 0
        self._names: list[Any] = []
        self._times: list[npt.NDArray[np.int64]] = []
        self._total: Categorical | None = None

    def add(self, column: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_dictionary(column.type):
            names = column.dictionary
            codes = column.indices.fill_null(len(names)).to_numpy()
            times = np.bincount(codes, minlength=len(names) + 1)[:-1]
        else:
            names, counts = pc.value_counts(column).flatten()
            times = counts.to_numpy()
        self._names.append(names.cast(pa.large_string()))
        self._times.append(times)
        self._rows += len(column)
        self._held += len(names)
        if self._held > HELD:
            self._add_up()

    def profile(self) -> Categorical:
        if self._names:
            self._add_up()
        assert self._total is not None
        return self._total

    def _add_up(self) -> None:
        import pyarrow as pa

        names = pa.concat_arrays(self._names)
        known = names.is_valid().to_numpy(zero_copy_only=False)
        each = names.filter(pa.array(known)).dictionary_encode()
        times = np.zeros(len(each.dictionary), np.int64)
        np.add.at(times, each.indices.to_numpy(), np.concatenate(self._times)[known])
        order = np.argsort(-times, kind="stable")
        kept, rest = order[:KEPT], times[order[KEPT:]]
        found = zip(
            each.dictionary.take(pa.array(kept)).to_pylist(), times[kept].tolist(), strict=True
        )
        labels, counts, _, _ = kept_most({name: count for name, count in found if count})
        part = Categorical(
            kind="categorical",
            dtype="str",
            rows=self._rows,
            missing=self._rows - int(times.sum()),
            labels=labels,
            counts=counts,
            others=int(rest.sum()),
            error=int(rest[0]) if len(rest) else 0,
        )
        self._total = part if self._total is None else self._total + part
        self._rows = self._held = 0
        self._names, self._times = [], []


class _Rows:
    """Whatever else there is, by way of a table."""

    def __init__(self, like: Part) -> None:
        self._like = like
        self._total: Part | None = None

    def add(self, column: Any) -> None:
        part = column_profile(_series(column), self._like)
        self._total = part if self._total is None else self._total + part  # type: ignore[operator]

    def profile(self) -> Part:
        assert self._total is not None
        return self._total


def _of_file(
    filesystem: Any,
    file: str,
    columns: list[str],
    like: Profile | None,
    progress: Callable[[int], object] | None,
) -> Profile | None:
    """Return the profile of one file; ``None`` if it has no rows."""
    import pyarrow.parquet as pq

    rows = max(1, CELLS // max(len(columns), 1))
    with filesystem.open_input_file(file) as stream:
        # The scanner of a data set holds whole files back for reads to come; this one does not.
        plain = pq.ParquetFile(stream, pre_buffer=False)
        schema = plain.schema_arrow
        if not plain.metadata.num_rows:
            return None
        _check(file, schema.names, columns)
        if like is None or any(name not in like.features for name in columns):
            first = next(_batches(plain, min(rows, SAMPLE), columns))
            table = {name: _series(column) for name, column in first}
            like = profile(pd.DataFrame(table, copy=False), like)
        tallies = {name: _column(schema.field(name).type, like[name]) for name in columns}
        encoded = [name for name in columns if _is_repeated(tallies[name], like[name])]
        parquet = pq.ParquetFile(
            stream, metadata=plain.metadata, pre_buffer=False, read_dictionary=encoded
        )
        for batch in _batches(parquet, rows, columns):
            for name, column in batch:
                tallies[name].add(column)
            if progress is not None:
                progress(len(batch[0][1]))
    features = {name: each.profile() for name, each in tallies.items()}
    return Profile(plain.metadata.num_rows, features)


def _batches(parquet: Any, rows: int, columns: list[str]) -> Iterator[list[tuple[str, Any]]]:
    for batch in parquet.iter_batches(rows, columns=columns, use_threads=False):
        yield list(zip(batch.schema.names, batch.columns, strict=True))


def _column(dtype: Any, like: Part) -> _Column:
    if isinstance(like, Numeric) and like.kind == "numeric" and _is_plain(dtype):
        return _Numbers(like)
    if isinstance(like, Categorical) and like.kind == "categorical" and _is_text(dtype):
        return _Names()
    return _Rows(like)


def _is_repeated(tally: _Column, like: Part) -> bool:
    return (
        isinstance(tally, _Names)
        and isinstance(like, Categorical)
        and (like.rows >= REPEATED * like.distinct)
    )


def _series(column: Any) -> pd.Series:
    if _is_plain(column.type):
        return pd.Series(column.to_numpy(zero_copy_only=False), copy=False)
    if _is_text(column.type):
        return pd.Series(column, dtype="str")
    series: pd.Series = column.to_pandas()
    return series


def _check(file: str, there: list[str], wanted: list[str]) -> None:
    for name in wanted:
        if name not in there:
            raise FrameError(f"{file!r} has no column {name!r}", did_you_mean(name, there))


def _dataset(path: str | os.PathLike[str]) -> Any:
    import pyarrow.dataset as ds
    from fsspec.core import url_to_fs

    filesystem, inside = url_to_fs(os.fspath(path))
    return ds.dataset(inside, filesystem=filesystem, format="parquet")


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the readers raise into what a user can mend."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException, ImportError, ValueError) as error:
        raise SourceError(
            f"{os.fspath(path)!r} could not be read as Parquet: {error}",
            "Name a Parquet file, or a folder of them.",
        ) from error


def _is_plain(dtype: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_integer(dtype) or pa.types.is_float32(dtype) or pa.types.is_float64(dtype)
    )


def _is_text(dtype: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype))
