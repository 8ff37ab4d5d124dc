"""The recordings shipped with the library, to try every analysis on."""

from pathlib import Path
from typing import TYPE_CHECKING

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.sources import files
from aiopslab.sources.backends import Recording

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = Path(__file__).parent.parent / "samples"


def names() -> list[str]:
    """Return the names of the recordings, sorted; open one as ``sample://NAME``."""
    return sorted({each.parent.name for each in _FOLDER.glob("*/*.parquet")})


def path(name: str) -> Path:
    """Return the folder of a recording.

    Raises
    ------
    SourceError
        If there is none of that name; the message has the nearest.
    """
    name = name.strip("/")
    known = names()
    if name not in known:
        raise SourceError(f"there is no sample {name!r}", did_you_mean(name, known))
    return _FOLDER / name


def open_sample(url: str, start: "pd.Timestamp | None", end: "pd.Timestamp | None") -> Recording:
    """Open ``sample://NAME``: the back end of the scheme ``sample``."""
    return files.open_files(str(path(url.partition("://")[2])), start, end)
