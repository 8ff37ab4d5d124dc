"""Files of a corpus: those of a folder, an archive or a pattern, wherever fsspec reaches."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.readers.reading import instant
from aiopslab.sources.url import check

_PATTERN = re.compile(r"[*\[]")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")  # as fsspec's stores say


@dataclass(frozen=True)
class File:
    """One file.

    Parameters
    ----------
    label
        Its path below the root of the corpus, with ``/``.
    source
        Its address.
    modified
        When, as far as the store tells.
    content
        Returns its bytes.
    """

    label: str
    source: str
    modified: pd.Timestamp | None
    content: Callable[[], bytes]


def files(url: str) -> list[File]:
    """List the files of a corpus by label; hidden ones, and those in hidden folders, are left out.

    Parameters
    ----------
    url
        A path or any fsspec URL of a file, a folder or a zip archive, or a pattern such as
        ``docs/**/*.md``.

    Raises
    ------
    SourceError
        If there is nothing at the address, or it holds credentials.
    RetrievalError
        If it cannot be listed, or there is no file.
    """
    import fsspec

    root = _root(url)
    check(url if root == url or "::" in url else root or ".")
    address = f"zip://::{url}" if url.lower().endswith(".zip") and "::" not in url else url
    try:
        filesystem, path = fsspec.core.url_to_fs(address)
        if root == url and filesystem.isfile(path):
            content = partial(filesystem.cat_file, path)
            modified = _modified(filesystem.info(path))
            return [File(PurePosixPath(path).name, url, modified, content)]
        if root == url:
            found = filesystem.find(path, detail=True)
        else:
            found = filesystem.glob(path, detail=True)
            path = _before_pattern(path)
    except Exception as error:  # each file system of fsspec has exceptions of its own
        raise RetrievalError(
            f"{url} cannot be listed: {type(error).__name__}: {error}",
            "Check the address, and that this account may read it.",
        ) from error
    listed = list(_listed(filesystem, found, path.rstrip("/"), root.rstrip("/")))
    if not listed:
        raise RetrievalError(f"{url} has no files", "Name a folder of documents, or a document.")
    return sorted(listed, key=lambda each: each.label)


def _root(url: str) -> str:
    """Return the folder in which a pattern begins, and an address that is none as it is."""
    return url if "://" not in url and Path(url).exists() else _before_pattern(url)


def _before_pattern(path: str) -> str:
    found = _PATTERN.search(path)
    return path[: path.rfind("/", 0, found.start()) + 1] if found else path


def _listed(
    filesystem: Any, found: Mapping[str, Mapping[str, Any]], base: str, root: str
) -> Iterator[File]:
    for path, info in found.items():
        label = path[len(base) :].lstrip("/")
        if info.get("type") == "file" and not any(
            part.startswith(".") for part in PurePosixPath(label).parts
        ):
            source = f"{root}/{label}" if root else label
            yield File(label, source, _modified(info), partial(filesystem.cat_file, path))


def _modified(info: Mapping[str, Any]) -> pd.Timestamp | None:
    if "date_time" in info:  # of an archive, without a zone
        return instant("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*info["date_time"]))
    value = next((info[each] for each in _TIMES if info.get(each)), None)
    return pd.Timestamp(value, unit="s", tz="UTC") if isinstance(value, float) else instant(value)
