"""Limits: how fast an endpoint may be asked, and how much may be spent on it."""

import asyncio
import time

MINUTE_S = 60.0


class Pace:
    """Spreads amounts evenly, so that no minute holds more than a rate.

    The generic cell rate algorithm without a burst: accounts count by windows of their own, and
    a burst at the end of one is too much for the next.

    Parameters
    ----------
    per_minute
        Requests, or tokens.

    Examples
    --------
    >>> pace = Pace(60)
    >>> pace.delay(1, now=0.0), pace.delay(1, now=0.0), pace.delay(1, now=5.0)
    (0.0, 1.0, 0.0)
    """

    def __init__(self, per_minute: float) -> None:
        self._each_s = MINUTE_S / per_minute
        self._free_at = float("-inf")

    def delay(self, amount: float, now: float) -> float:
        """Return how long to wait before an amount, in seconds, which is then taken."""
        starts = max(now, self._free_at)
        self._free_at = starts + amount * self._each_s
        return starts - now

    def correct(self, amount: float) -> None:
        """Take what was more than was thought; less, where negative."""
        self._free_at += amount * self._each_s

    async def wait(self, amount: float) -> None:
        """Wait until an amount may pass."""
        await asyncio.sleep(self.delay(amount, time.monotonic()))


class CapReached(Exception):  # noqa: N818 - no defect
    """The next call might pass the cap."""


class Spending:
    """What was spent, and what the calls under way may come to, in USD.

    Parameters
    ----------
    cap
        That is never passed, as far as the endpoint counts as it says; none where ``None``.
    """

    def __init__(self, cap: float | None) -> None:
        self.cap, self.spent = cap, 0.0
        self._reserved, self._under_way = 0.0, 0
        self._settled = asyncio.Event()

    async def reserve(self, most: float) -> None:
        """Set the most that a call can cost aside, once that fits beside those under way.

        Raises
        ------
        CapReached
            If it does not fit, whatever those under way come to.
        """
        while self.cap is not None and self.spent + self._reserved + most > self.cap:
            if not self._under_way:
                raise CapReached
            self._settled.clear()
            await self._settled.wait()
        self._under_way += 1
        self._reserved += most

    def settle(self, most: float, cost: float) -> None:
        """Put what a call did cost in the place of the most that it could."""
        self._under_way -= 1
        # Sums of decimals leave a rest, which must not stay reserved.
        self._reserved = self._reserved - most if self._under_way else 0.0
        self.spent += cost
        self._settled.set()
