"""Observations from anywhere: the tables of a drift investigation, opened by URL."""

from dataclasses import replace
from datetime import datetime

import pandas as pd

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources import files, tables
from aiopslab.sources.evidence import Evidence

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
    is_table = files.is_protocol(files.scheme(url)) and tables.is_readable(url)
    options = {"frame": "observations"} if is_table else {}
    # A source cuts by its own column of times: by another one is cut here.
    asked = (start, end) if timestamp == TIMESTAMP else (None, None)
    evidence = sources.open(url, *asked, **options)
    if "observations" not in evidence.frames:
        held = ", ".join(evidence.frames) or "nothing"
        raise SourceError(
            f"{url} has no observations; it has {held}",
            "Name a table with one row an observation, or a folder with observations.parquet.",
        )
    swapped = {timestamp: TIMESTAMP, TIMESTAMP: timestamp}
    only = {"observations": evidence.frames["observations"].rename(columns=swapped)}
    found = Evidence.of(
        only, evidence.source, start, end, notes=evidence.notes, truth=evidence.truth
    )
    frames = {name: frame.rename(columns=swapped) for name, frame in found.frames.items()}
    return replace(found, frames=frames)
