"""Whether kernels can be forked here, and the name of the kernel to be used then."""

import ast
import logging
import os
import select
import sys
from collections.abc import Iterable
from functools import cache

NAME = "aiopslab"
COLD = "python3"
OFF = "AIOPSLAB_COLD_KERNELS"


class CannotFork(Exception):  # noqa: N818 - it says what is the case, and no user sees it
    """Why a kernel has to be started cold."""


def kernel_name() -> str:
    """Return the name of the kernel that a report is run with.

    Returns
    -------
    str
        ``"aiopslab"``, which is forked from a parent that has imported what reports need; or
        ``"python3"``, with the reason logged once, where forking is not to be had.

    Examples
    --------
    >>> kernel_name() in {"aiopslab", "python3"}
    True
    """
    try:
        check()
        _check_kernelspec()
    except CannotFork as reason:
        say_cold(str(reason))
        return COLD
    return NAME


def warm_up(sources: Iterable[str] = ()) -> None:
    """Have a parent import what a kernel needs while the caller gets ready; never fails.

    Parameters
    ----------
    sources
        Of the cells that the kernel is to run: what they import, the parent imports before the
        kernel is forked.
    """
    from aiopslab.kernels.client import announce

    try:
        check()
        announce(imported(sources))
    except CannotFork as reason:
        say_cold(str(reason))


def imported(sources: Iterable[str]) -> list[str]:
    """Return the names that sources import, as far as they can be read.

    Examples
    --------
    >>> imported(["import numpy as np", "from aiopslab import conclude, drift", "%magic"])
    ['aiopslab', 'aiopslab.conclude', 'aiopslab.drift', 'numpy']
    """
    found = set()
    for source in sources:
        try:
            nodes = [*ast.walk(ast.parse(source))]
        except (SyntaxError, ValueError):
            continue
        for node in nodes:
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return sorted(found)


def check() -> None:
    """Check what of forking can be known without trying.

    Raises
    ------
    CannotFork
        If kernels are to be cold, or this system has no ``fork`` that can be relied on.
    """
    if os.environ.get(OFF, "") not in {"", "0"}:
        raise CannotFork(f"{OFF} is set")
    if sys.platform != "linux":
        # macOS has fork, but its own libraries may not be used after one.
        raise CannotFork(f"forking is not to be had on {sys.platform}")
    if not hasattr(os, "pidfd_open") or not hasattr(select, "poll"):
        raise CannotFork("this Python has no os.pidfd_open")
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        raise CannotFork(f"this kernel of Linux has no pidfd: {error.strerror}") from None


@cache
def say_cold(reason: str) -> None:
    """Log why kernels are cold, once a reason."""
    logging.getLogger(__name__).warning(
        "Kernels are started cold, some seconds later each: %s.", reason
    )


def _check_kernelspec() -> None:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec(NAME)
    except NoSuchKernel:
        raise CannotFork(f"Jupyter finds no kernel {NAME!r}; install aiopslab anew") from None
