"""Writing: a folder of Chroma has one writer at a time, and nobody reads it meanwhile.

Of two processes that have a folder open and of which one writes, Chroma warns neither: vectors are
lost for good, or a search breaks. So whoever opens or copies one holds a lock beside it.
"""

import os
from pathlib import Path
from types import TracebackType

import psutil
from filelock import FileLock, Timeout

from aiopslab.errors import RetrievalError

WAIT = 10.0  # seconds for whoever holds the lock; the copy of a large folder takes some


class Hold:
    """The right to use a folder, alone, until it is released.

    Parameters
    ----------
    folder
        Of a Chroma store; its parent is created where it is not there.

    Raises
    ------
    RetrievalError
        If somebody else holds or uses the folder, naming the process, or no lock can be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent, Hold(Path(parent) / "index") as hold:
    ...     hold.holder == os.getpid()
    True
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()  # one lock, whatever the way to the folder
        self._pid = _beside(self.folder, ".pid")
        self._lock = FileLock(_beside(self.folder, ".lock"), thread_local=False)
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=WAIT)
        except Timeout:
            raise self._in_use(self.holder) from None
        except OSError as error:
            raise RetrievalError(
                f"{self.folder} cannot be locked: {error.strerror}",
                "Pass a folder in a place where this account may write, or use a Chroma server.",
            ) from error
        try:
            # Servers and programs other than this one know nothing of the lock.
            if (stranger := _user_of(self.folder)) is not None:
                raise self._in_use(stranger)
            self._pid.write_text(str(os.getpid()))
        except BaseException:
            self._lock.release()
            raise

    @property
    def holder(self) -> int | None:
        """The process that took the lock last."""
        try:
            return int(self._pid.read_text())
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        """Let others in; a second time does nothing."""
        self._lock.release()

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _in_use(self, pid: int | None) -> RetrievalError:
        who = "another process" if pid is None else f"process {pid}{_told(pid)}"
        return RetrievalError(
            f"the index {self.folder} is in use by {who}",
            "Wait until it has finished, or stop it. For several at a time run "
            f"`chroma run --path {self.folder}` and open chroma+http://host:port/collection.",
        )


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)


def _user_of(folder: Path) -> int | None:
    """Return another process that has a file of a folder open, as far as may be looked at."""
    for process in psutil.process_iter():
        try:
            opened = [] if process.pid == os.getpid() else process.open_files()
        except (psutil.Error, OSError):
            continue  # it has ended, or is another account's
        if any(Path(each.path).is_relative_to(folder) for each in opened):
            return int(process.pid)
    return None


def _told(pid: int) -> str:
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return ", which has ended"
    return f" ({Path(words[0]).name}{'' if len(words) < 2 else f' {Path(words[1]).name}'})"
