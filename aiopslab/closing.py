"""Closing: what is let go of on leaving a ``with``, however that is left."""

from typing import Self


class Closing:
    """Gives a class with ``close`` the two methods of a ``with``.

    Examples
    --------
    >>> class Door(Closing):
    ...     def close(self):
    ...         print("closed")
    >>> with Door():
    ...     print("open")
    open
    closed
    """

    def close(self) -> None:
        """Let go of what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
