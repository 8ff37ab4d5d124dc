"""The client of one kernel: it knows when the kernel is gone, and is not flooded by it."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets.config import Config

from aiopslab.reports.flood import Gate
from aiopslab.reports.leash import Leash

WATCH_S = 0.25  # how often to look whether the kernel is still there
DRAIN_S = 0.1  # in which the last that a dead kernel said arrives
HANDSHAKE_S = 0.03  # in which what a kernel publishes arrives, once it is listened to
POLL_S = 0.005  # how often to look for a kernel that is about to come or to leave
LEAVE_S = 4.0  # that a kernel has to leave by itself when its work is done
LAST_WORDS = 2_000  # characters

SETUP = "aiopslab.reports.kernel_side"
ARGUMENTS = (
    "--IPKernelApp.log_level=CRITICAL",  # what it says of its own end is no business of a reader
    f"--IPKernelApp.exec_lines=__import__({SETUP!r}, fromlist=['']).tell_crashes()",
    f"--Session.packer={SETUP}.pack",
)


class Client(NotebookClient):
    """Runs cells in a kernel that it starts.

    Parameters
    ----------
    notebook
        Whose cells are run; what they show is put into it.
    kernel_name
        Of the kernel specification.
    output_bytes
        What may be kept of what the cells print and show.
    folder
        A private one, for sockets: no port that others on the machine could listen to, and none
        that runs side by side could contend for.

    Attributes
    ----------
    exit_code : int or None
        Of a kernel that died; below 0 the signal that killed it.
    is_heard : bool
        Whether all that the last cell said has been taken in.
    """

    km: Any  # as nbclient has them once it has started
    kc: Any
    task_poll_for_reply: Any

    def __init__(
        self, notebook: NotebookNode, kernel_name: str, output_bytes: int, folder: Path
    ) -> None:
        manager = {"transport": "ipc", "ip": f"{folder}/kernel"}
        super().__init__(
            notebook,
            kernel_name=kernel_name,
            config=Config({"KernelManager": manager}),
            extra_arguments=list(ARGUMENTS),
            raise_on_iopub_timeout=False,  # in a flood the last message of a cell may be lost
        )
        self.exit_code: int | None = None
        self.is_heard = True
        self._gate = Gate(output_bytes)
        self._errors = folder / "errors"
        self._leash = Leash()
        self._watch: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """Characters that the last cell printed or showed in vain."""
        return self._gate.dropped

    async def start(self) -> None:
        """Start the kernel and wait until it answers.

        Raises
        ------
        DeadKernelError
            If it dies before it does.
        """
        self.create_kernel_manager()
        with self._errors.open("wb") as errors:
            # What goes to its streams past Python belongs to nobody's terminal.
            await self.async_start_new_kernel(stdin=self._leash.end, stdout=errors, stderr=errors)
        if group := self._group():
            self._leash.tie(group)
        while not self._is_bound():
            await self._check()
            await asyncio.sleep(POLL_S)
        self.kc = self.km.client()
        self.kc.start_channels(stdin=False, hb=False)
        self.kc.allow_stdin = False
        while not await self._answers():
            await self._check()

    def _is_bound(self) -> bool:
        """Tell whether its sockets are there; who connects earlier tries again 0.1 s later."""
        told = self.km.get_connection_info()
        ports = (told["shell_port"], told["iopub_port"], told["control_port"])
        return all(Path(f"{told['ip']}-{port}").exists() for port in ports)

    async def _answers(self) -> bool:
        """Tell whether it answers and what it publishes arrives.

        jupyter_client's `wait_for_ready` asks the same and then listens for 0.2 s to no end.
        """
        self.kc.kernel_info()
        try:
            reply = await self.kc.shell_channel.get_msg(timeout=WATCH_S)
            await self.kc.iopub_channel.get_msg(timeout=HANDSHAKE_S)
        except Empty:
            return False
        self.nb.metadata["language_info"] = reply["content"]["language_info"]
        return True

    async def execute(self, cell: NotebookNode, index: int) -> None:
        """Run a code cell.

        Raises
        ------
        CellExecutionError
            If it raises.
        DeadKernelError
            If the kernel dies.
        """
        self._gate.begin()
        self.is_heard = False
        try:
            await self.async_execute_cell(cell, index)
        finally:
            if self._watch is not None:
                self._watch.cancel()
            if rest := self._gate.end():
                cell.outputs.append(new_output("stream", name="stdout", text=rest))

    async def interrupt(self) -> None:
        """Ask the cell to end, as Ctrl-C would."""
        with suppress(RuntimeError, OSError):  # it may have gone, or not have come
            await ensure_async(self.km.interrupt_kernel())

    async def leave(self, gently: bool) -> None:
        """End the kernel: gently where its work is done, else at once and with all it started."""
        with self._leash:
            if self.km is None or not self.km.has_kernel:
                return
            group = self._group()
            if gently:
                await self._request_leave()
            self.shutdown_kernel = "immediate"
            await self._async_cleanup_kernel()
            if group and not gently:
                with suppress(OSError):
                    os.killpg(group, signal.SIGKILL)

    async def _request_leave(self) -> None:
        """Ask the kernel to leave and wait; jupyter_client looks ten times a second only."""
        ends = monotonic() + LEAVE_S
        await ensure_async(self.km.request_shutdown())
        while await ensure_async(self.km.is_alive()) and monotonic() < ends:
            await asyncio.sleep(POLL_S)

    def _group(self) -> int | None:
        """Return the group of processes that the kernel leads."""
        group: int | None = getattr(self.km.provisioner, "pgid", None)
        return group if group and group == self.km.provisioner.pid else None

    def last_words(self) -> str:
        """Return what the kernel's process said last past Python: of a crash, where it was."""
        try:
            text = self._errors.read_text("utf-8", "replace")
        except OSError:
            return ""
        _, crash, where = text.rpartition("Fatal Python error")
        if not crash:
            return text[-LAST_WORDS:].strip()
        own = where.splitlines()
        machinery = [at for at, line in enumerate(own) if "/IPython/core/" in line]
        return (crash + "\n".join(own[: machinery[0] if machinery else None]))[:LAST_WORDS]

    async def _check(self) -> None:
        if await ensure_async(self.km.is_alive()):
            return
        self.exit_code = await self.km.provisioner.poll()
        raise DeadKernelError("the kernel died")

    async def _async_poll_kernel_alive(self) -> None:
        """Watch the kernel while a cell runs (called by nbclient, which looks once a second)."""
        self._watch = asyncio.current_task()
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await self._check()
            except DeadKernelError:
                await asyncio.sleep(DRAIN_S)
                self.task_poll_for_reply.cancel()
                return

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Take in a message of the kernel, as far as the gate lets it through."""
        if msg["content"].get("execution_state") == "idle":
            self.is_heard = True
        content = self._gate.admit(msg["msg_type"], msg["content"])
        if content is None:
            return None
        if "data" in content and not msg["msg_type"].startswith("comm"):
            content = {**content, "data": _conforming(content["data"])}
        return super().process_message({**msg, "content": content}, cell, cell_index)

    def output(
        self,
        outs: list[NotebookNode],
        msg: dict[str, Any],
        display_id: str | None,
        cell_index: int,
    ) -> NotebookNode | None:
        """Add an output; what is printed in pieces becomes one."""
        last = outs[-1] if outs and not self.clear_before_next_output else None
        if (
            msg["msg_type"] == "stream"
            and last is not None
            and last.output_type == "stream"
            and last.name == msg["content"]["name"]
            and not self.output_hook_stack[msg["parent_header"].get("msg_id")]
        ):
            last.text += msg["content"]["text"]
            return last
        return super().output(outs, msg, display_id, cell_index)


def _conforming(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a display as notebooks may hold it; nbclient dies of any other."""
    return {
        mime: each if isinstance(each, str) or mime.endswith("json") else json.dumps(each)
        for mime, each in data.items()
    }
