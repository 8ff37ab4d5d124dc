"""Observations from anywhere: the tables of a drift investigation, opened by URL."""

from dataclasses import replace
from datetime import datetime

import pandas as pd

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources import backends, files, tables
from aiopslab.sources.evidence import Evidence, noting
from aiopslab.sources.window import window

TIMESTAMP = "timestamp"


def open_observations(
    url: str,
    start: str | datetime | pd.Timestamp | None = None,
    end: str | datetime | pd.Timestamp | None = None,
    timestamp: str = TIMESTAMP,
) -> Evidence:
    """Open observations of a model.

    Parameters
    ----------
    url
        Of a table in Parquet, CSV or JSON lines, one row an observation, whatever its columns; or
        of anything that `aiopslab.sources.open` takes and that has observations.
    start, end
        What to read of it, both ends included, where it has a column of times.
    timestamp
        What that is called.

    Returns
    -------
    Evidence
        With the frame ``observations``.

    Raises
    ------
    SourceError
        If it cannot be opened, or has no observations.

    Examples
    --------
    >>> len(open_observations("sample://no-fault").frames["observations"])
    883
    """
    scheme = files.scheme(sources.check(url))
    is_file = files.is_protocol(scheme)
    options = {"frame": "observations"} if is_file and tables.is_readable(url) else {}
    # A source cuts by its own column of times: by another one is cut here.
    asked = (start, end) if timestamp == TIMESTAMP else (None, None)
    with noting() as notes:
        back_end = backends.load("file" if is_file else scheme)
        # Of all that a recording holds, nothing else needs to be brought to its frame.
        recording = back_end(url, *window(*asked), **options)
    if "observations" not in recording.tables:
        held = ", ".join(recording.tables) or "nothing"
        raise SourceError(
            f"{url} has no observations; it has {held}",
            "Name a table with one row an observation, or a folder with observations.parquet.",
        )
    swapped = {timestamp: TIMESTAMP, TIMESTAMP: timestamp}
    only = {"observations": recording.tables["observations"].rename(columns=swapped)}
    found = Evidence.of(only, url, start, end, notes=tuple(notes), truth=recording.truth)
    frames = {name: frame.rename(columns=swapped) for name, frame in found.frames.items()}
    return replace(found, frames=frames)
