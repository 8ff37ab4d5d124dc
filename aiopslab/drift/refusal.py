"""Refusal: how a command of a pipeline ends on input that gives no answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from aiopslab.errors import AIOpsLabError

UNUSABLE = 2  # the exit code, which click gives a wrong command too


class Unusable(click.ClickException):
    """What a pipeline must not take for an answer."""

    exit_code = UNUSABLE


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
        raise Unusable(str(error)) from None
