"""Refusal: how a command of a pipeline ends on input that gives no answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiopslab.errors import AIOpsLabError
from aiopslab.terminal import Unusable


@contextmanager
def refusing() -> Iterator[None]:
    """End in a message, and in the exit code of what is no answer.

    Raises
    ------
    Unusable
        In the place of any error that a user can mend.
    """
    try:
        yield
    except AIOpsLabError as error:
        raise Unusable(error) from None
