"""Processes end with whoever started them, however that one ends."""

import ctypes
import os
import signal
import sys

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # of Linux, in prctl.h
_GRACE_S = 3.0


def end_with_parent() -> None:
    """Have this process asked to end when its parent is gone; that outlives an `exec`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:  # the parent died before the call above
        sys.exit("whoever started this is gone")


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that `end_children` finds them."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_children() -> None:
    """End every descendant of this process: by SIGTERM, and by SIGKILL what is deaf to it."""
    for end in (psutil.Process.terminate, psutil.Process.kill):
        children = psutil.Process().children(recursive=True)
        for child in children:
            try:
                end(child)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(children, timeout=_GRACE_S)
