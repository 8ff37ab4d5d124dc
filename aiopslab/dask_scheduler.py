"""Dask scheduler: a client, which says plainly why there is none, and work spread by it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from aiopslab.errors import AIOpsLabError

if TYPE_CHECKING:
    from distributed import Client

A = TypeVar("A")
B = TypeVar("B")

PATIENCE_S = 10
PACKAGES = ("aiopslab", "cloudpickle", "dask", "distributed")  # of which results pass both ways


def connect(address: str, patience_s: float = PATIENCE_S) -> "Client":
    """Return a client of a scheduler, to be closed by whoever asked for it.

    Parameters
    ----------
    address
        Such as ``tcp://scheduler:8786``.
    patience_s
        Seconds until it is given up.

    Raises
    ------
    AIOpsLabError
        If dask is not installed, nobody answers, or the scheduler or a worker has other versions
        of Python or of what is sent there than this process.

    Examples
    --------
    >>> connect("tcp://127.0.0.1:1", patience_s=0.2)
    Traceback (most recent call last):
    aiopslab.errors.AIOpsLabError: no dask scheduler answers at tcp://127.0.0.1:1
      → Start one with `dask scheduler`, or check the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise AIOpsLabError(
            f"a cluster is reached by dask.distributed, which is not there: {error}",
            "Install it: pip install 'aiopslab[dask]'.",
        ) from None
    try:
        client = Client(address, timeout=patience_s, set_as_default=False)
    except (OSError, ValueError):
        raise AIOpsLabError(
            f"no dask scheduler answers at {address}",
            "Start one with `dask scheduler`, or check the address.",
        ) from None
    try:
        problems = misfits(client.get_versions(packages=[*PACKAGES]))
    except BaseException:
        client.close()
        raise
    if problems:
        client.close()
        raise AIOpsLabError("\n".join(problems), "Install the same versions on all machines.")
    return client


def spread(client: "Client") -> Callable[[Callable[[A], B], Sequence[A]], Iterator[B]]:
    """Return what `map` is, but on the workers of a cluster.

    Parameters
    ----------
    client
        Of its scheduler, see `connect`.

    Returns
    -------
    Callable
        It sends a function to each worker once, and yields results in the order of the arguments,
        each as soon as it and those before it are there.

    Examples
    --------
    >>> with connect("tcp://scheduler:8786") as client:  # doctest: +SKIP
    ...     sweep = tune(retriever, truth, space, mapped=spread(client))
    """

    def mapped(function: Callable[[A], B], arguments: Sequence[A]) -> Iterator[B]:
        if not arguments:
            return
        shared = client.scatter(function, broadcast=True, hash=False)
        futures = client.map(_call, arguments, function=shared, pure=False)
        for future in futures:
            yield future.result()

    return mapped


def _call(argument: A, function: Callable[[A], B]) -> B:
    return function(argument)


def misfits(versions: dict[str, Any]) -> list[str]:
    """Return how scheduler and workers differ from the client.

    Parameters
    ----------
    versions
        As ``Client.get_versions`` returns them.

    Examples
    --------
    >>> told = {"host": {"python": "3.11.7.final.0"}, "packages": {"aiopslab": "0.1.0"}}
    >>> old = {"host": {"python": "3.12.1.final.0"}, "packages": {"aiopslab": "0.1.0"}}
    >>> misfits({"client": told, "scheduler": told, "workers": {"tcp://w:1": old}})
    ['tcp://w:1 has python 3.12, this process 3.11']
    """
    own = _relevant(versions["client"])
    others = {"the scheduler": versions["scheduler"], **versions["workers"]}
    return [
        f"{name} has {package} {has or 'not at all'}, this process {own[package]}"
        for name, told in others.items()
        for package, has in _relevant(told).items()
        if own[package]
        and has != own[package]
        # A scheduler passes on what it does not read.
        and not (name == "the scheduler" and package == "aiopslab")
    ]


def _relevant(told: dict[str, Any]) -> dict[str, str | None]:
    python = ".".join(told["host"]["python"].split(".")[:2])
    return {"python": python} | {name: told["packages"].get(name) for name in PACKAGES}
