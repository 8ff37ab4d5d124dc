"""Files and folders, here or wherever fsspec reaches.

A folder is a recording: one file a frame, named after it (``metrics.parquet``, ``logs.jsonl.gz``),
and perhaps ``truth.json``. A single file is the frame that its name or its columns say.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.sources.backends import Recording

if TYPE_CHECKING:
    import pandas as pd
    from fsspec import AbstractFileSystem

_TRUTH = "truth.json"


def scheme(url: str) -> str:
    """Return the scheme of a URL; ``file`` for a path.

    Examples
    --------
    >>> scheme("metrics.parquet"), scheme("zip://logs.csv::s3://bucket/incident.zip")
    ('file', 'zip')
    """
    head, separator, _ = url.partition("://")
    return head.partition("::")[0] if separator else "file"


def protocols() -> list[str]:
    """Return the protocols that fsspec knows."""
    import fsspec

    return list(fsspec.available_protocols())


def is_protocol(scheme: str) -> bool:
    """Tell whether URLs of a scheme are read as files."""
    return scheme == "file" or scheme in protocols()


def check_local(url: str) -> None:
    """Raise a `SourceError` with the nearest names if a local path is not there."""
    import fsspec

    if "::" not in url:
        filesystem, path = fsspec.core.url_to_fs(url)
        _check_exists(filesystem, path, url)


def open_files(
    url: str,
    start: "pd.Timestamp | None",
    end: "pd.Timestamp | None",
    *,
    frame: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Recording:
    """Open a file, a folder or a zip archive of them: the back end of paths and fsspec URLs.

    Parameters
    ----------
    url
        A path or an fsspec URL.
    start, end
        Not used: files are read whole.
    frame
        Which frame a single file holds, where neither its name nor its columns tell.
    storage_options
        What fsspec passes to the file system, e.g. ``{"anon": True}`` for a public bucket.

    Raises
    ------
    SourceError
        If there is no such file, or it cannot be read.
    """
    import fsspec

    # An archive is a folder to whoever packed it.
    address = f"zip://::{url}" if url.endswith(".zip") and "::" not in url else url
    with _reading(url):
        filesystem, path = fsspec.core.url_to_fs(address, **(storage_options or {}))
        _check_exists(filesystem, path, url)
        is_folder = filesystem.isdir(path)
    if not is_folder:
        return _file(filesystem, path, url, frame)
    if frame is not None:
        raise SourceError(
            f"frame is {frame!r}, but {url} is a folder",
            f"Leave frame out, or open the file itself, e.g. {url.rstrip('/')}/{frame}.parquet.",
        )
    return _folder(filesystem, path, url)


def read_table(url: str) -> "pd.DataFrame":
    """Read one table that is of no frame, such as the items of an evaluation.

    Parameters
    ----------
    url
        A path or an fsspec URL of Parquet, CSV or JSON lines.

    Raises
    ------
    SourceError
        If there is no such file, or it cannot be read.
    """
    import fsspec

    from aiopslab.sources import tables

    with _reading(url):
        filesystem, path = fsspec.core.url_to_fs(url)
        _check_exists(filesystem, path, url)
    return tables.read(path, _content(filesystem, path, url))


def _file(filesystem: "AbstractFileSystem", path: str, url: str, frame: str | None) -> Recording:
    from aiopslab.frames import FRAME_NAMES, infer
    from aiopslab.sources import tables

    if frame is not None and frame not in FRAME_NAMES:
        raise SourceError(f"there is no frame {frame!r}", did_you_mean(frame, list(FRAME_NAMES)))
    name = frame or tables.frame_of(path)
    table = tables.read(path, _content(filesystem, path, url), name)
    name = name or infer(table)
    if name is None:
        columns = ", ".join(map(str, table.columns[:12]))
        raise SourceError(
            f"{url} fits no frame; its columns are {columns}",
            'Say which it is, e.g. frame="logs", or rename its columns to those of a frame.',
        )
    return Recording({name: table})


def _folder(filesystem: "AbstractFileSystem", path: str, url: str) -> Recording:
    from aiopslab.frames import FRAME_NAMES, FrameWarning
    from aiopslab.sources import tables

    with _reading(url):
        entries = {
            each["name"]: each["type"]
            for each in filesystem.ls(path, detail=True)
            if not PurePosixPath(each["name"]).name.startswith((".", "_"))
        }
    if list(entries.values()) == ["directory"]:  # an archive of a folder, rather than of its files
        return _folder(filesystem, next(iter(entries)), url)
    found: dict[str, str] = {}
    truth = None
    left_out = []
    for file, kind in sorted(entries.items()):
        label = PurePosixPath(file).name
        name = tables.frame_of(file) if kind == "file" else None
        if label == _TRUTH:
            truth = _truth(_content(filesystem, file, url))
        elif name is None or not tables.is_readable(file):
            left_out.append(label)
        elif name in found:
            raise SourceError(
                f"{url} has both {PurePosixPath(found[name]).name} and {label}",
                "Keep one file a frame.",
            )
        else:
            found[name] = file
    if not found:
        holds = f"; it holds {', '.join(left_out[:8])}" if left_out else "; it is empty"
        raise SourceError(
            f"{url} has no file named after a frame{holds}",
            f"Name its files after {', '.join(FRAME_NAMES)}, e.g. metrics.parquet or logs.jsonl.",
        )
    if left_out:
        warnings.warn(f"left out {', '.join(left_out[:8])}", FrameWarning, stacklevel=2)
    read = {
        name: tables.read(file, _content(filesystem, file, url), name)
        for name, file in found.items()
    }
    return Recording(read, truth)


def _truth(content: bytes) -> dict[str, Any]:
    try:
        truth = json.loads(content)
    except ValueError as error:
        raise SourceError(f"{_TRUTH} is not JSON: {error}", "Mend or remove it.") from None
    if not isinstance(truth, dict):
        raise SourceError(f"{_TRUTH} is not a JSON object", "Mend or remove it.")
    return truth


def _content(filesystem: "AbstractFileSystem", path: str, url: str) -> bytes:
    with _reading(url), filesystem.open(path, "rb") as stream:
        content: bytes = stream.read()
    return content


def _check_exists(filesystem: "AbstractFileSystem", path: str, url: str) -> None:
    if filesystem.exists(path):
        return
    parent, wanted = filesystem._parent(path), PurePosixPath(path).name
    try:
        names = [PurePosixPath(each).name for each in filesystem.ls(parent, detail=False)]
    except OSError:
        raise SourceError(f"there is no {url}", f"Check the path: {parent} is not there.") from None
    nearest = get_close_matches(wanted, names, n=3, cutoff=0.4) or sorted(names)[:5]
    remedy = f"{parent} holds {', '.join(nearest)}." if nearest else f"{parent} is empty."
    raise SourceError(f"there is no {url}", remedy)


@contextmanager
def _reading(url: str) -> Iterator[None]:
    """Turn what a file system raises into something the user can mend."""
    try:
        yield
    except SourceError:
        raise
    except ImportError as error:
        raise SourceError(f"{url} needs a package that is not installed", f"{error}") from None
    except Exception as error:  # each file system of fsspec has exceptions of its own
        raise SourceError(
            f"{url} cannot be read: {type(error).__name__}: {error}",
            "Check the address, and that this account may read it.",
        ) from error
