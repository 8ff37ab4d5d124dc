"""What was told of each series: kept beside the reports, so that nothing is said twice."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiopslab.errors import ReportError
from aiopslab.notifications.events import Standing
from aiopslab.reports.record import write_atomically

FOLDER = ".notify"


@dataclass(frozen=True)
class Told:
    """How a series stood for each of those who are told.

    Parameters
    ----------
    series
        Its name.
    started
        Of the last run that was looked at; one that began earlier changes nothing any more.
    targets
        By the name of the target.
    """

    series: str
    started: str = ""
    targets: Mapping[str, Standing] = field(default_factory=dict)


def place(gallery: Path, name: str, suffix: str) -> Path:
    """Return the file that is kept under a name, whatever letters it has."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return gallery / FOLDER / f"{digest}.{suffix}.json"


@contextmanager
def held(path: Path, patience_s: float) -> Iterator[None]:
    """Let one process at a time use a file.

    Raises
    ------
    ReportError
        If another keeps it for too long, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"), timeout=patience_s)
        lock.acquire()
    except Timeout:
        raise ReportError(
            f"another process has kept {path} for {patience_s:g} s", "Try again."
        ) from None
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror}", "Check the folder.") from None
    try:
        yield
    finally:
        lock.release()


def read(path: Path, series: str) -> Told:
    """Read what was told of a series; nothing where the file is missing or cannot be read.

    A file that is lost costs a message that was sent before, never one that was not.
    """
    plain = load(path)
    try:
        targets = {name: _standing(each) for name, each in plain["targets"].items()}
        return Told(series, plain["started"], targets)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Told(series)


def write(path: Path, told: Told) -> None:
    """Keep what was told."""
    save(path, asdict(told))


def load(path: Path) -> Any:
    """Return the JSON in a file; ``None`` where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def save(path: Path, plain: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    write_atomically(path, json.dumps(plain, indent=1, default=datetime.isoformat))


def _standing(plain: Mapping[str, Any]) -> Standing:
    told = plain["told"]
    return Standing(
        str(plain["state"]),
        str(plain["key"]),
        datetime.fromisoformat(plain["since"]),
        datetime.fromisoformat(told) if told else None,
    )
