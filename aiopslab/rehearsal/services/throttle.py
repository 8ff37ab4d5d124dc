"""How many tokens a language model server reads in a while, before it refuses to read more."""

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Throttle:
    """Admits so many tokens over a sliding window.

    Parameters
    ----------
    tokens
        How many at most.
    seconds
        How long the window is.

    Examples
    --------
    >>> throttle = Throttle(tokens=100, seconds=10)
    >>> [throttle.admits(now, 60) for now in (0, 1, 11)]
    [True, False, True]
    """

    tokens: int
    seconds: float
    _admitted: deque[tuple[float, int]] = field(default_factory=deque)

    def admits(self, now: float, tokens: int) -> bool:
        """Tell whether so many more may be read now, and count them if so."""
        while self._admitted and self._admitted[0][0] <= now - self.seconds:
            self._admitted.popleft()
        fits = sum(count for _, count in self._admitted) + tokens <= self.tokens
        if fits:
            self._admitted.append((now, tokens))
        return fits
