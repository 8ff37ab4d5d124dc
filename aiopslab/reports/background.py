"""A run in a process of its own: it tells how far it is, can be stopped, and outlives nobody."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from aiopslab.errors import AIOpsLabError, ReportError
from aiopslab.reports.catalogue import Template, load
from aiopslab.reports.child import start
from aiopslab.reports.parameters import validate
from aiopslab.reports.record import FILE, Record, read

WATCH_S = 0.5  # how often a run looks whether the process that it reports to is still there


@dataclass(frozen=True)
class Step:
    """How far a run is.

    Parameters
    ----------
    cell, cells
        Number of the code cell that runs, and how many there are; 0 before the first.
    section
        The heading above it.
    """

    cell: int = 0
    cells: int = 0
    section: str = ""


class BackgroundRun:
    """A run that goes on while the caller does something else.

    It has its own process, in a session of its own: an interruption of the caller's cell is not
    meant for it. When the caller's process is gone it stops within a second, as if by `stop`.

    Parameters
    ----------
    template
        What to run.
    values
        Parameters by name; see `aiopslab.reports.parameters.validate`.
    folder
        Of the gallery.

    Attributes
    ----------
    step : Step
        How far it is.
    process : subprocess.Popen
        In which it runs.

    Raises
    ------
    ParameterError
        If the values do not fit; nothing has been started then.
    ReportError
        If no process can be started.

    Examples
    --------
    >>> from aiopslab.reports import find
    >>> run = BackgroundRun(find("drift"), {}, Path("reports"))  # doctest: +SKIP
    >>> run.step  # doctest: +SKIP
    Step(cell=4, cells=12, section='What was compared')
    >>> run.stop()  # doctest: +SKIP
    >>> run.record().status  # doctest: +SKIP
    'failed'
    """

    def __init__(self, template: Template, values: Mapping[str, Any], folder: Path) -> None:
        self.template = template
        self.values = validate(template.parameters, values)
        self.folder = folder.absolute()
        self.step = Step()
        self._problem = ""
        self._record: Record | None = None
        self._ended = threading.Event()
        self._is_told_to_stop = False
        self._started = time.monotonic()
        self._elapsed_s = 0.0
        self._errors = tempfile.TemporaryFile(  # noqa: SIM115 - closed by who follows
            "w+", encoding="utf-8", errors="replace"
        )
        self.process = self._start()
        self._created = psutil.Process(self.process.pid).create_time()
        threading.Thread(target=self._follow, name="aiopslab run", daemon=True).start()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was started, until it ended."""
        return time.monotonic() - self._started if self.is_running else self._elapsed_s

    def stop(self) -> None:
        """Ask it to stop; its kernel goes, and what there is of the report is kept."""
        if self.is_running and not self._is_told_to_stop:
            self._is_told_to_stop = True
            self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended, or for a time; tell whether it has."""
        return self._ended.wait(timeout_s)

    def record(self) -> Record:
        """Wait until it has ended and return its record.

        Raises
        ------
        ReportError
            If it ended before there was one.
        """
        self.wait()
        if self._record is None:
            raise ReportError(self._problem, "Run it again, or with `aiopslab run` to see more.")
        return self._record

    def _start(self) -> "subprocess.Popen[str]":
        process = start("aiopslab.reports.background", self._errors)
        request = {
            "template": str(self.template.path.absolute()),
            "values": self.values,
            "folder": str(self.folder),
        }
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as pipe:  # it may be dead by now
            json.dump(request, pipe)
        return process

    def _follow(self) -> None:
        with self.process as process, self._errors as errors:
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                if "problem" in told:
                    self._problem = told["problem"]
                else:
                    self.step = Step(**told)
            process.wait()
            self._record = self._find()
            self._problem = self._problem or self._why(errors)
        self._elapsed_s = time.monotonic() - self._started
        self._ended.set()

    def _find(self) -> Record | None:
        """Return the record that the process wrote, whatever became of the process."""
        paths = self.folder.glob(f"{self.template.name}-*/{FILE}")
        for path in sorted(paths, reverse=True):  # the last first
            try:
                record = read(path)
            except ReportError:
                continue
            if tuple(record.process) == (self.process.pid, self._created):
                return record
        return None

    def _why(self, errors: IO[str]) -> str:
        if self._is_told_to_stop:
            return "the run was stopped before it began"
        errors.seek(0)
        last = errors.read().strip().rpartition("\n")[2]
        return f"the run ended with {self.process.returncode} before it began: {last}"


def main() -> None:
    """Run what standard input asks for, telling each step on a line of JSON."""
    threading.Thread(target=_watch, args=(int(sys.argv[1]),), daemon=True).start()
    # What anything prints goes elsewhere, so that only steps reach the reader.
    steps = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    begun = threading.Event()

    def stop(number: int, frame: Any) -> None:
        # Once a cell has begun `run` sees to signals; then the partial report is being written.
        if not begun.is_set():
            sys.exit(128 + number)

    def tell(**told: Any) -> None:
        with suppress(BrokenPipeError):  # the reader is gone, which the watch will see
            os.write(steps, json.dumps(told).encode() + b"\n")

    def progress(cell: int, cells: int, section: str) -> None:
        begun.set()
        tell(**asdict(Step(cell, cells, section)))

    signal.signal(signal.SIGTERM, stop)
    from aiopslab.reports.run import run

    request = json.load(sys.stdin)
    try:
        with suppress(KeyboardInterrupt):  # of which the record tells
            template, folder = load(Path(request["template"])), Path(request["folder"])
            run(template, request["values"], folder, progress)
    except AIOpsLabError as error:
        tell(problem=str(error))


def _watch(parent: int) -> None:
    """Stop this process when the one that it reports to is gone."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
