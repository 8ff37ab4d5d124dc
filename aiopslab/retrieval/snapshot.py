"""Snapshot: a copy of a Chroma folder, which can be read while others write."""

import shutil
from pathlib import Path

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.writing import Hold

DATABASE = "chroma.sqlite3"


def take(folder: str | Path, target: str | Path) -> Path:
    """Copy a Chroma folder while nobody writes it.

    Parameters
    ----------
    folder
        Where a Chroma store is.
    target
        A folder that is not there yet, or empty.

    Returns
    -------
    pathlib.Path
        The target, which is whole: it gets its name last.

    Raises
    ------
    RetrievalError
        If there is no store, somebody writes it, or the target is taken or has no room.

    Notes
    -----
    An open reader breaks after another process has written, so that readers get a copy of their
    own. It takes as much disk as the store.
    """
    source, copy = Path(folder).resolve(), Path(target).resolve()
    if not (source / DATABASE).is_file():
        raise RetrievalError(
            f"there is no Chroma store in {source}",
            "Check the path, or build the index first.",
        )
    if copy.exists() and (not copy.is_dir() or any(copy.iterdir())):
        raise RetrievalError(f"{copy} is there already", "Pass a folder that is not there yet.")
    partial = copy.with_name(copy.name + ".partial")
    with Hold(source):
        try:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(source, partial)
            partial.replace(copy)
        except (OSError, shutil.Error) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise RetrievalError(
                f"{source} cannot be copied to {copy}: {error}",
                "Make room there, or pass another target.",
            ) from error
    return copy
