"""A forked child becomes a kernel like one that was started cold."""

import atexit
import locale
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from ipykernel import ipkernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core import shellapp

from aiopslab.kernels import preload

if TYPE_CHECKING:
    from aiopslab.kernels.parent import Request


class ForkedKernelApp(IPKernelApp):
    """The application of ipykernel, which ends with its runner.

    ipykernel would end with the parent of its process, which is another one here.
    """

    runner: int | None = None

    def init_poller(self) -> None:
        """Watch the runner."""
        if self.runner is not None:
            self.poller = threading.Thread(
                target=_end_with, args=(self.runner,), name="aiopslab runner", daemon=True
            )

    def init_kernel(self) -> None:
        """Make the kernel, without looking at each module that there is.

        The debugger wants their files, which the parent has listed. Python counts references in the
        objects themselves: to refer to something of each module would copy 6 MB of the parent's
        pages, and to look at the modules 20 MB.
        """
        with mock.patch.object(ipkernel, "sys", _NoModules()):
            super().init_kernel()  # type: ignore[no-untyped-call]
        self.kernel._kernel_modules = preload.files
        if self.kernel.debugger is not None:
            self.kernel.debugger.kernel_modules = preload.files

    def init_code(self) -> None:
        """Run what is to be run at the start, and note the modules that there are, likewise."""
        argv = sys.argv
        with mock.patch.object(shellapp, "sys", _NoModules()):
            super().init_code()  # type: ignore[no-untyped-call]
        sys.argv = argv
        since = len(sys.modules) - len(preload.names)
        preload.names.update(islice(reversed(sys.modules), max(since, 0)))
        if self.shell is not None:
            self.shell._sys_modules_keys = preload.names


class _NoModules:
    """The module `sys` of an interpreter that has imported nothing."""

    modules: ClassVar[dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(sys, name, value)


def become_kernel(request: "Request") -> None:
    """Run a kernel to its end, in a child that has just been forked; does not return."""
    _redirect(request.streams)
    _restore_signals()
    os.environ.clear()
    os.environ.update(request.env)
    os.chdir(request.cwd)
    _forget()
    _show_figures()
    preload.restore_threads(request.env)
    sys.argv = ["ipykernel_launcher", *request.argv]
    code = 1
    try:
        handle = int(request.env.get("JPY_PARENT_PID") or 0) if request.runner else 0
        app = ForkedKernelApp.instance(parent_handle=handle)
        app.runner = request.runner
        app.initialize(request.argv)  # type: ignore[no-untyped-call]
        _hear_widgets()
        app.start()  # type: ignore[no-untyped-call]
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    # An interpreter that ends properly takes down, object by object, all that it shares with the
    # parent, and copies the memory for it.
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def _redirect(streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)


def _restore_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as the interpreter does
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _forget() -> None:
    """Forget what the parent knew of chance, of places and of time."""
    random.seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
    tempfile.tempdir = None
    time.tzset()
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")


def _show_figures() -> None:
    """Show figures as in a notebook; plotly made up its mind at import, outside of one."""
    plotly: Any = sys.modules.get("plotly.io")
    if plotly is not None and "PLOTLY_RENDERER" not in os.environ:
        plotly.renderers.default = "plotly_mimetype"


def _hear_widgets() -> None:
    """Hear of widgets that a page has; ipywidgets listens when it is imported in a kernel."""
    ipywidgets: Any = sys.modules.get("ipywidgets")
    if ipywidgets is not None:
        ipywidgets.register_comm_target()


def _end_with(runner: int) -> None:
    """End this kernel, and what it started, when its runner has ended."""
    watch = select.poll()
    watch.register(runner, select.POLLIN)
    watch.poll()
    os.killpg(0, signal.SIGKILL)
