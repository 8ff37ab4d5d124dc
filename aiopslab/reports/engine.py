"""The papermill engine of reports: each cell in order, and the truth about how it ended.

papermill's own engine marks every cell of a notebook whose kernel was killed as completed, saves
notebooks that readers see torn, and waits for ever for a cell that ignores being interrupted.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import papermill.engines
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_notebook, new_output

from aiopslab.reports import death
from aiopslab.reports.client import Client
from aiopslab.reports.execution import Limits
from aiopslab.reports.interruption import Interruption
from aiopslab.reports.record import Failure, Kind, now

NAME = "aiopslab"
START_S = 180.0  # that a kernel may take until it answers, the first with its parent
GRACE_S = 1.5  # that an interrupted cell has to clean up after itself
FULL = ("[Errno 28]", "[Errno 122]")  # no space left on device; quota exceeded
FOREVER = float("inf")


class Execution:
    """One notebook in one kernel.

    Parameters
    ----------
    limits
        What it may take.
    interruption
        By which it is asked to stop.
    on_start
        Called with the number of each code cell before it runs.
    on_end
        Called with the notebook after each code cell.
    folder
        A private one, for the sockets of the kernel.

    Attributes
    ----------
    notebook : nbformat.NotebookNode
        As far as it came.
    failure : Failure or None
        Why it came no further.
    notes : list of str
        What a reader of the report should know of the execution.
    seconds : dict
        ``kernel`` until it was ready, ``cells``.
    """

    def __init__(
        self,
        limits: Limits,
        interruption: Interruption,
        on_start: Callable[[int], None],
        on_end: Callable[[NotebookNode], None],
        folder: Path,
    ) -> None:
        self.limits, self.interruption, self.folder = limits, interruption, folder
        self.on_start, self.on_end = on_start, on_end
        self.notebook = NotebookNode(cells=[], metadata=NotebookNode())
        self.failure: Failure | None = None
        self.notes: list[str] = []
        self.seconds: dict[str, float] = {}
        self._number: int | None = None  # of the code cell that runs
        self._asked = asyncio.Event()

    async def run(self, notebook: NotebookNode, kernel_name: str) -> None:
        """Run the cells until one fails, which `failure` tells; nothing is raised for it."""
        began = monotonic()
        self._ends = began + (self.limits.report_s or FOREVER)
        self.notebook = notebook
        kills = death.out_of_memory_kills()
        client = Client(notebook, kernel_name, self.limits.output_bytes, self.folder)
        loop = asyncio.get_running_loop()

        def asked() -> None:
            loop.call_soon_threadsafe(self._asked.set)

        with self.interruption.listened(asked):
            try:
                await self._start(client)
                ready = monotonic()
                self.seconds["kernel"] = round(ready - began, 3)
                await self._cells(client)
                self.seconds["cells"] = round(monotonic() - ready, 3)
            except DeadKernelError:
                self.failure = death.failure(client.exit_code, self._number, kills)
            finally:
                await client.leave(gently=self.failure is None)

    async def _start(self, client: Client) -> None:
        try:
            if not await self._within(client, client.start(), START_S) and self.failure is None:
                reason = f"the kernel did not answer within {START_S:g} s"
                self.failure = Failure("DeadKernel", reason, kind="kernel")
        except DeadKernelError:
            raise
        except (NoSuchKernel, OSError, RuntimeError) as error:
            self.failure = Failure(type(error).__name__, str(error), kind="kernel")

    async def _cells(self, client: Client) -> None:
        cells = [each for each in enumerate(self.notebook.cells) if each[1].cell_type == "code"]
        for number, (index, cell) in enumerate(cells, start=1):
            if self.failure is None and self.interruption.count:
                self.failure = _interrupted(self._number)
            if self.failure is not None:
                return
            self._number = number
            self.on_start(number)
            began, started = monotonic(), now()
            try:
                await self._cell(client, cell, index)
            except DeadKernelError:
                if words := client.last_words():
                    cell.outputs.append(new_output("stream", name="stderr", text=words))
                self._mark(cell, started, monotonic() - began, "failed")
                raise
            finally:
                self._tell_of_flood(client)
            status = "failed" if self.failure else "completed"
            self._mark(cell, started, monotonic() - began, status)

    async def _cell(self, client: Client, cell: NotebookNode, index: int) -> None:
        limit = self.limits.cell_s or FOREVER
        try:
            if not await self._within(client, client.execute(cell, index), limit):
                self.failure = self.failure or self._late(limit)
        except CellExecutionError as error:
            self.failure = _raised(error, self._number)
        except DeadKernelError:
            raise
        except Exception as error:  # between runner and kernel
            self.failure = Failure(type(error).__name__, str(error), self._number, "kernel")

    async def _within(
        self, client: Client, work: Coroutine[Any, Any, None], limit_s: float
    ) -> bool:
        """Wait for work and tell whether it was done; else it has been broken off."""
        task = asyncio.ensure_future(work)
        left_s = min(limit_s, self._ends - monotonic())
        if await self._first(task, left_s):
            await task
            return True
        if self._asked.is_set():
            self.failure = _interrupted(self._number)
            self._asked.clear()
        await client.interrupt()
        if not await self._first(task, GRACE_S):
            task.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await task
        return False

    async def _first(self, task: asyncio.Future[Any], left_s: float) -> bool:
        """Wait until a task is done, the run is asked to stop, or time is over."""
        asked: asyncio.Future[Any] = asyncio.ensure_future(self._asked.wait())
        timeout = None if left_s == FOREVER else max(left_s, 0)
        await asyncio.wait({task, asked}, timeout=timeout, return_when="FIRST_COMPLETED")
        asked.cancel()
        return task.done()

    def _late(self, cell_s: float) -> Failure:
        whole = self.limits.report_s
        if whole is not None and monotonic() >= self._ends:
            reason = f"the report took longer than the {whole:g} s that it may take"
        else:
            reason = f"the cell took longer than the {cell_s:g} s that it may take"
        return Failure("Timeout", reason, self._number, "timeout")

    def _tell_of_flood(self, client: Client) -> None:
        if client.dropped:
            self.notes.append(
                f"Cell {self._number} printed or showed {client.dropped / 1e6:,.1f} MB more than "
                "a report keeps; write what is that large to a file."
            )
        if self.failure is None and not client.is_heard:
            self.notes.append(
                f"Cell {self._number} showed more than could be taken in; the end is missing."
            )

    def _mark(self, cell: NotebookNode, started: str, seconds: float, status: str) -> None:
        cell.metadata["papermill"] = {
            "start_time": started,
            "end_time": now(),
            "duration": round(seconds, 6),
            "status": status,
            "exception": status == "failed",
        }
        self.on_end(self.notebook)


class Engine(papermill.engines.Engine):  # type: ignore[misc]  # papermill is not typed
    """Lets papermill hand its parameterised notebook to an `Execution`."""

    @classmethod
    def execute_notebook(
        cls, nb: NotebookNode, kernel_name: str, *, execution: Execution, **_: Any
    ) -> NotebookNode:
        """Run a notebook; `execution` has it then, and tells how it went.

        papermill gets an empty one back, which it checks and writes faster than a full one.
        """
        run_sync(execution.run)(nb, kernel_name)
        return new_notebook()


papermill.engines.papermill_engines.register(NAME, Engine)


def _interrupted(cell: int | None) -> Failure:
    reason = "the run was stopped before it ended"
    return Failure("Interrupted", reason, cell, "interrupted")


def _raised(error: CellExecutionError, cell: int | None) -> Failure:
    if error.ename == "SystemExit":
        reason = "the cell left the kernel; the cells below it never ran"
        return Failure("SystemExit", reason, cell, "cell")
    kind: Kind = "cell"
    if error.ename.endswith("MemoryError"):  # numpy has one of its own
        kind = "memory"
    elif error.evalue.startswith(FULL):
        kind = "disk"
    return Failure(error.ename, error.evalue, cell, kind)
