"""Threads: the libraries that drift is computed with have one each, which is faster."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the libraries of linear algebra and of trees compute on one thread, as long as it lasts.

    Notes
    -----
    The threads of OpenMP and of OpenBLAS wait for each other, and for more to do, by spinning.
    What is computed here comes in small parts: on two cores that other work shares, trees took some
    fifty times the CPU seconds with two threads, and all else a quarter more for nothing.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {each["num_threads"] for each in threadpool_info()}
    {1}
    """
    with _threads().limit(limits=1):
        yield


@cache
def _threads() -> Any:
    """Return what limits the threads of the libraries that are loaded, which takes time to list."""
    import sklearn.ensemble  # noqa: F401 - loads all those that are used here
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
