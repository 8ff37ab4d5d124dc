"""The profile of a table in partitions, each profiled where it lies and then added up."""

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.drift.profiles import Profile, merged, profile
from aiopslab.errors import AIOpsLabError, FrameError

if TYPE_CHECKING:
    import dask.dataframe as dd

TOGETHER = 8  # profiles that one step adds up


def profile_partitions(frame: "dd.DataFrame", like: Profile | None = None) -> Profile:
    """Profile a dask table on whichever scheduler is in use: threads, processes, or a cluster.

    Parameters
    ----------
    frame
        One row an observation, in any number of partitions, of which some may be empty.
    like
        As in `profile`; the edges and kinds of the first partition with rows where ``None``.

    Returns
    -------
    Profile
        The same as ``profile(frame.compute(), like)``, sums but for rounding. Only profiles leave
        the partitions, a few hundred kilobytes for each feature.

    Raises
    ------
    AIOpsLabError
        If dask is not installed.
    FrameError
        If it is no dask table.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> table = dd.from_pandas(pd.DataFrame({"age": range(100)}), npartitions=4)
    >>> profile_partitions(table).quantile("age", 0.5).round(1).item()
    49.5
    """
    try:
        import dask
        import dask.dataframe as dd
    except ImportError as error:
        raise AIOpsLabError(
            f"partitions are read by dask, which is not there: {error}",
            "Install it: pip install 'aiopslab[dask]'.",
        ) from error
    if not isinstance(frame, dd.DataFrame):
        raise FrameError(
            f"a {type(frame).__name__} was given to profile_partitions; expected a dask DataFrame",
            "Make one, e.g. with dask.dataframe.read_parquet; profile takes a table in memory.",
        )
    parts = frame.to_delayed()
    shared = like or _first(parts)
    if shared is None:
        return profile(frame._meta)
    one = dask.delayed(partial(profile, like=shared), pure=True)
    add = dask.delayed(merged)
    profiles: list[Any] = [one(each) for each in parts]
    while len(profiles) > 1:
        profiles = [
            add(profiles[start : start + TOGETHER]) for start in range(0, len(profiles), TOGETHER)
        ]
    total: Profile = dask.compute(profiles[0])[0]
    return total


def _first(parts: list[Any]) -> Profile | None:
    """Return the profile of the first partition that has rows."""
    import dask

    one = dask.delayed(_of_rows)
    return next((made for part in parts for made in dask.compute(one(part)) if made), None)


def _of_rows(part: pd.DataFrame) -> Profile | None:
    return profile(part) if len(part) else None
