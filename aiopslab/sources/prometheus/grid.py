"""The points in time at which a range query is answered, and their split into requests."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from aiopslab.errors import SourceError

MAX_POINTS = 11_000  # a series in one answer; Prometheus refuses more
_COMFORTABLE_POINTS = 2_000
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True)
class Grid:
    """Evenly spaced points in time.

    Parameters
    ----------
    first
        The first point, in milliseconds since 1970.
    step
        The time between two points, in milliseconds.
    points
        How many there are, at least 1.

    Examples
    --------
    >>> [part.points for part in Grid(0, 1000, 25_000).chunks()]
    [11000, 11000, 3000]
    """

    first: int
    step: int
    points: int

    @classmethod
    def over(
        cls, start: pd.Timestamp, end: pd.Timestamp, step: float | None, interval: float
    ) -> "Grid":
        """Lay a grid over a window, on whole multiples of the step since 1970.

        Parameters
        ----------
        start, end
            The window; points on its ends are in.
        step
            The time between points in seconds, or ``None`` for that of the scrapes, or as much
            longer as makes the number of points comfortable.
        interval
            The time between scrapes, in seconds.

        Raises
        ------
        SourceError
            If the window is shorter than one step.

        Examples
        --------
        >>> start = pd.Timestamp("2026-03-01T12:00:07Z")
        >>> Grid.over(start, start + pd.Timedelta("1h"), None, 15.0).start
        Timestamp('2026-03-01 12:00:15+0000', tz='UTC')
        """
        if step is None:
            least = max(interval, (end - start).total_seconds() / _COMFORTABLE_POINTS)
            step = next((float(each) for each in _STEPS if each >= least), least)
        width = max(1, round(step * 1000))
        first = -(-_milliseconds(start) // width) * width
        points = (_milliseconds(end) - first) // width + 1
        if points < 1:
            raise SourceError(
                f"the window is shorter than one step of {step:g} s",
                "Widen start to end, or pass a shorter step.",
            )
        return cls(first, width, points)

    @property
    def start(self) -> pd.Timestamp:
        """The first point."""
        return pd.Timestamp(self.first, unit="ms", tz="UTC")

    @property
    def end(self) -> pd.Timestamp:
        """The last point."""
        return pd.Timestamp(self.first + (self.points - 1) * self.step, unit="ms", tz="UTC")

    def index(self) -> pd.DatetimeIndex:
        """Return all the points."""
        last = self.first + self.points * self.step
        return pd.to_datetime(range(self.first, last, self.step), unit="ms", utc=True)

    def chunk_count(self) -> int:
        """Return how many requests it takes."""
        return -(-self.points // MAX_POINTS)

    def chunks(self) -> Iterator["Grid"]:
        """Split it into grids small enough for one request; each point is in exactly one."""
        for offset in range(0, self.points, MAX_POINTS):
            points = min(MAX_POINTS, self.points - offset)
            yield Grid(self.first + offset * self.step, self.step, points)


def seconds(duration: str | float, label: str) -> float:
    """Read a duration.

    Examples
    --------
    >>> seconds("1m30s", "step"), seconds(0.5, "step"), seconds("15", "step")
    (90.0, 0.5, 15.0)
    """
    try:
        length = pd.Timedelta(float(duration), unit="s")
    except ValueError:
        try:
            length = pd.Timedelta(duration)
        except ValueError:
            length = pd.Timedelta(0)
    if not length > pd.Timedelta(0):
        raise SourceError(
            f"{label} is {duration!r}; expected a duration above 0",
            'Write it as "15s", "1m" or a number of seconds.',
        )
    return length.total_seconds()


def _milliseconds(instant: pd.Timestamp) -> int:
    return instant.value // 1_000_000
