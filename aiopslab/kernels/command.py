"""The command ``aiopslab kernels``."""

import time

import click

from aiopslab.kernels.availability import CannotFork

MEGABYTE = 1e6


@click.group()
def kernels() -> None:
    """See and stop what kernels of reports are forked from.

    A report's kernel is forked from a parent that has imported what reports need. It starts with
    the first report and leaves when it has been idle for AIOPSLAB_KERNEL_IDLE_S seconds (600).

    \b
    Examples
      aiopslab kernels status
      aiopslab kernels stop                        running reports end as if nothing were
      AIOPSLAB_COLD_KERNELS=1 aiopslab run drift   without one
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@kernels.command()
def status() -> None:
    """List the parents of this user, and their kernels, with what memory they have to themselves.

    \b
    Example
      $ aiopslab kernels status
      parent 4711: 305 MB, 2 kernels
        kernel 4720: 41 MB for 12 s
        kernel 4731: 38 MB for 3 s
    """  # noqa: D301
    from aiopslab.kernels.client import known

    try:
        told = known()
    except CannotFork as reason:
        click.echo(f"Kernels are started cold: {reason}.")
        return
    if not told:
        click.echo("There is none; the next report starts one.")
    for parent in told:
        count = len(parent["kernels"])
        is_idle = f"leaves in {max(parent['idle_left_s'], 0):.0f} s" if not count else ""
        number = f"{count} kernel{'s' if count > 1 else ''}"
        click.echo(f"parent {parent['pid']}: {_memory(parent['pid'])}, {is_idle or number}")
        for each in parent["kernels"]:
            age_s = time.time() - each["started"]
            click.echo(f"  kernel {each['pid']}: {_memory(each['pid'])} for {age_s:.0f} s")


@kernels.command()
def stop() -> None:
    """Have the parents of this user leave; kernels that run go on to their end."""
    from aiopslab.kernels.client import dismiss

    try:
        told = dismiss()
    except CannotFork as reason:
        click.echo(f"Kernels are started cold: {reason}.")
        return
    for parent in told:
        count = len(parent["kernels"])
        when = f"when its kernels have ended ({count})" if count else "now"
        click.echo(f"parent {parent['pid']} leaves {when}")
    if not told:
        click.echo("There is none.")


def _memory(pid: int) -> str:
    """Return the memory that is a process's own; a fork shares the rest with its parent."""
    import psutil

    try:
        return f"{psutil.Process(pid).memory_full_info().uss / MEGABYTE:.0f} MB"
    except psutil.Error:
        return "gone"
