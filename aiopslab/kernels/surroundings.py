"""What a parent and a runner must have in common, and where they meet.

A forked kernel inherits from the parent what a process cannot change later: the interpreter, what
the libraries read of the environment when they were imported, control groups, limits. So runners
share a parent only where all of it is the same. What was imported has to be what is on the disk.
"""

import hashlib
import json
import os
import resource
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISDIR
from tempfile import gettempdir

from aiopslab.kernels.availability import CannotFork

PRELOAD = "AIOPSLAB_KERNEL_PRELOAD"
USUAL = "usual"
IDLE = "AIOPSLAB_KERNEL_IDLE_S"
IDLE_S = 600.0
# What is read when an interpreter starts or a library is imported, by the start of its name.
_READ_EARLY = (
    *("PYTHON", "LD_", "GLIBC_", "MALLOC_", "LANG", "LC_"),
    *("OMP_", "KMP_", "GOMP_", "OPENBLAS_", "MKL_", "BLIS_"),
    *("NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "PANDAS_", "PANDERA_", "PYDANTIC_"),
    *("ARROW_", "JE_ARROW_", "FSSPEC_", "PLOTLY_"),
    *(PRELOAD, "JUPYTER_RUNTIME_DIR"),
)
THREADS = "_NUM_THREADS"  # how many threads a library makes is set in the child
_ADDRESS_LIMIT = 107  # of the path of a socket, in bytes


@dataclass(frozen=True)
class Surroundings:
    """Where a process stands, as far as a parent has to stand there too.

    Parameters
    ----------
    place
        Digest of interpreter, early environment, control group, name spaces, limits.
    build
        Digest of the versions of all that can be imported.
    """

    place: str
    build: str

    @property
    def socket(self) -> Path:
        """Where the parent listens."""
        return folder() / f"{self.place}-{self.build}.sock"

    @property
    def lock(self) -> Path:
        """Held by who starts a parent."""
        return folder() / f"{self.place}.lock"

    @property
    def log(self) -> Path:
        """What a parent says, which is nothing unless it fails."""
        return folder() / f"{self.place}.log"


def here() -> Surroundings:
    """Return where this process stands."""
    return Surroundings(_digest(_place()), _digest(list(_build())))


def folder() -> Path:
    """Return the folder of sockets, which nobody else may enter.

    Raises
    ------
    CannotFork
        If it cannot be made, belongs to somebody else, or its path is too long for a socket.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    path = Path(base, "aiopslab") if base else Path(gettempdir(), f"aiopslab-{os.getuid()}")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise CannotFork(f"{path} cannot be made: {error.strerror}") from None
    if not S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotFork(f"others may enter {path}")
    if len(os.fsencode(path)) + len(f"/{'-' * 25}.sock") > _ADDRESS_LIMIT:
        raise CannotFork(f"{path} is too long for a socket")
    return path


def early_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment is read before a kernel has its own.

    Examples
    --------
    >>> early_environment({"PYTHONPATH": "lib", "OMP_NUM_THREADS": "4", "TOKEN": "secret"})
    {'PYTHONPATH': 'lib'}
    """
    return {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith(_READ_EARLY) and not name.endswith(THREADS)
    }


def wanted_modules(environment: Mapping[str, str]) -> list[str]:
    """Return the modules that the user wants a parent to import; `USUAL` stands for the usual ones.

    Examples
    --------
    >>> wanted_modules({}), wanted_modules({"AIOPSLAB_KERNEL_PRELOAD": "usual, torch"})
    (['usual'], ['usual', 'torch'])
    """
    return [each.strip() for each in environment.get(PRELOAD, USUAL).split(",") if each.strip()]


def _place() -> dict[str, object]:
    limits = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
    status = Path("/proc/self/status").read_text()
    return {
        "python": [sys.executable, sys.prefix],
        "environment": early_environment(os.environ),
        "groups": Path("/proc/self/cgroup").read_text(),
        "spaces": [str(path.readlink()) for path in sorted(Path("/proc/self/ns").iterdir())],
        "limits": [resource.getrlimit(each) for each in limits],
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "cores": sorted(os.sched_getaffinity(0)),
        "rights": [
            line for line in status.splitlines() if line.startswith(("Umask", "Cap", "Gid"))
        ],
    }


def _build() -> Iterator[object]:
    yield sys.version
    for name in ("purelib", "platlib"):  # an installation changes what is listed there
        path = sysconfig.get_path(name)
        yield path, os.stat(path).st_mtime_ns  # noqa: PTH116
    for name in sorted({"aiopslab", *(each.split(".")[0] for each in wanted_modules(os.environ))}):
        yield from _sources(name)


def _sources(name: str) -> Iterator[object]:
    """Yield the files of a module that may be worked on, with their times."""
    found = find_spec(name)
    if found is None:
        return
    for root in found.submodule_search_locations or []:
        yield from sorted(_files(root))
    if found.origin and Path(found.origin).is_file():
        yield found.origin, Path(found.origin).stat().st_mtime_ns


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield each file of Python in a folder, with its time and size.

    A Path for each takes five times longer, and this is asked for every report.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.name.endswith(".py"):
                known = entry.stat()
                yield entry.path, known.st_mtime_ns, known.st_size


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
