"""Worker: a process that runs many reports one after another, and whoever talks to it."""

import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from aiopslab.plans.outcome import Outcome, Task, perform
from aiopslab.reports.child import start

WATCH_S = 0.5  # how often it looks after its parent and its memory


@dataclass(frozen=True)
class Step:
    """How far a report is.

    Parameters
    ----------
    run
        Its id, where it is known.
    cell, cells, section
        Number of the code cell that runs, how many there are, and the heading above it.
    """

    run: str
    cell: int
    cells: int
    section: str


@dataclass(frozen=True)
class Memory:
    """What a report takes.

    Parameters
    ----------
    now_bytes, peak_bytes
        Of the worker and its kernel, shared pages of which others have the greater part left out.
    """

    now_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Lost:
    """A worker that ended without a word.

    Parameters
    ----------
    problem
        How it ended.
    """

    problem: str


Event = Step | Memory | Outcome | Lost


class Worker:
    """A worker process, in a session of its own: an interruption of the caller is not meant for it.

    When the caller's process is gone it stops within a second, as by `stop`.

    Parameters
    ----------
    folder
        It works in, which relative paths in parameters are relative to.
    inbox
        Where its events go, each as (worker, event).

    Raises
    ------
    ReportError
        If no process can be started.
    """

    def __init__(self, folder: Path, inbox: "queue.Queue[tuple[Worker, Event]]") -> None:
        self._inbox = inbox
        self._errors = tempfile.TemporaryFile(  # noqa: SIM115 - closed by who follows
            "w+", encoding="utf-8", errors="replace"
        )
        self.process = start("aiopslab.plans.worker", self._errors, folder)
        self._thread = threading.Thread(target=self._follow, name="aiopslab worker", daemon=True)
        self._thread.start()

    def give(self, task: Task) -> None:
        """Hand it the next task; it has ended the one before."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it is dead, as its thread will tell
            self.process.stdin.write(task.to_json() + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Ask it to stop; its kernel goes, and what there is of the report is kept."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def dismiss(self) -> None:
        """Let it leave, when it has nothing left to do."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def join(self) -> None:
        """Wait until it has left and all that it said is in the inbox."""
        self._thread.join()

    def _follow(self) -> None:
        with self.process as process, self._errors as errors:
            assert process.stdout is not None
            for line in process.stdout:
                with suppress(ValueError):  # of a line that its death cut short
                    self._inbox.put((self, _read(json.loads(line))))
            process.wait()
            self._inbox.put((self, Lost(_last_words(process.returncode, errors))))


def _read(told: dict[str, Any]) -> Event:
    kinds: dict[str, Any] = {"step": Step, "memory": Memory, "outcome": Outcome}
    event: Event = kinds[told.pop("event")](**told)
    return event


def _last_words(code: int, errors: IO[str]) -> str:
    errors.seek(0)
    said = errors.read().strip().rpartition("\n")[2]
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    return f"the process that ran the report {how}{': ' + said if said else ''}"


def main() -> None:
    """Run what comes on standard input, a task a line, and tell of it on lines of JSON."""
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints goes elsewhere
    lock = threading.Lock()
    meter = _Meter()

    def tell(event: Step | Memory | Outcome) -> None:
        line = json.dumps({"event": type(event).__name__.lower()} | asdict(event))
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with lock, suppress(BrokenPipeError):  # the reader is gone, as the watch will see
            while data:
                data = data[os.write(out, data) :]

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            if meter.is_running:
                tell(meter.read())
            time.sleep(WATCH_S)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=watch, args=(int(sys.argv[1]),), daemon=True).start()
    for line in sys.stdin:
        meter.start()
        try:
            outcome = perform(Task.from_json(line), lambda *step: tell(Step(*step)))
        except KeyboardInterrupt:  # the record is written
            tell(Outcome(kind="interrupted", problem="the run was stopped before it ended"))
            sys.exit(128 + signal.SIGTERM)
        tell(meter.stop())
        tell(outcome)


class _Meter:
    """How much memory this process and its kernels take."""

    def __init__(self) -> None:
        self.is_running = False
        self._peak = 0

    def start(self) -> None:
        self._peak = 0
        self.is_running = True

    def read(self) -> Memory:
        """Return what is taken now, and the most so far."""
        now = _taken()
        self._peak = max(self._peak, now)
        return Memory(now, self._peak)

    def stop(self) -> Memory:
        """Return the last reading."""
        self.is_running = False
        return Memory(0, self._peak)


def _taken() -> int:
    """Return the memory of this process and of its kernels, in bytes."""
    import psutil

    mine = psutil.Process()
    own = [each for each in mine.children() if not _is_shared(each)]
    below = [under for each in [*own, *_forked()] for under in [each, *_children(each)]]
    total = 0
    for process in [mine, *below]:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


def _is_shared(process: Any) -> bool:
    """Tell the parent of all kernels, which whoever came first has started, from our own."""
    import psutil

    with suppress(psutil.Error):
        return "aiopslab.kernels.parent" in process.cmdline()
    return False


def _children(process: Any) -> list[Any]:
    import psutil

    with suppress(psutil.Error):
        return list(process.children(recursive=True))
    return []


def _forked() -> Iterator[Any]:
    """Yield the kernels that are forked for us: nobody's children here, but held by a pidfd."""
    import psutil

    for path in Path("/proc/self/fdinfo").glob("*"):
        with suppress(OSError, ValueError, psutil.Error):
            lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
            if "Pid" in lines and int(lines["Pid"]) > 0:
                yield psutil.Process(int(lines["Pid"]))


if __name__ == "__main__":
    main()
