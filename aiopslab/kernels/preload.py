"""What a parent imports, and how: such that one thread is all there is when it forks."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiopslab.kernels.surroundings import USUAL

KERNEL = (
    *("ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.completer"),
    *("threadpoolctl", "aiopslab.findings", "aiopslab.reports.kernel_side"),
)
# What any analysis loads in its course. Left out, here and below, is what starts threads on import
# (onnxruntime) or what few reports use (mlflow, chromadb).
SHARED = (
    *("numpy", "pandas", "pandas.io.formats.html", "pydantic", "yaml"),
    *("scipy.stats", "scipy.optimize", "plotly.graph_objects", "plotly.io", "pandera.pandas"),
    *(f"aiopslab.{each}" for each in ("frames", "sources", "charts", "statistics", "wording")),
)
_FILES = ("pyarrow.parquet", "pyarrow.dataset", "fsspec.implementations.local")
_MODELS = ("sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "sklearn.ensemble")
# What each workflow of this library loads on top of its own modules.
OF_ROOM: dict[str, tuple[str, ...]] = {
    "incident": (*_FILES, "networkx", "drain3", "plotly.subplots"),
    "drift": (*_FILES, *_MODELS, "statsmodels.stats.proportion"),
    "prompts": ("aiohttp", "jinja2", "aiopslab.models"),
    "retrieval": (
        *("bm25s", "onnx", "tokenizers", "nbformat", "plotly.subplots", "filelock"),
        *("statsmodels.stats.proportion", "aiopslab.models"),
    ),
    "runbooks": (),
    "overview": (
        *_FILES,
        *("networkx", "drain3", "plotly.subplots", "statsmodels.stats.proportion"),
    ),
}
# What fewer need, who then wait for it no longer either.
_RARER = (
    *("pandas.io.formats.style", "scipy.signal", "scipy.cluster.hierarchy"),
    *("statsmodels.tsa.statespace.structural",),
)
Step = Callable[[], object]
# Pools that would be alive at the fork: of BLAS and OpenMP, and jemalloc's thread in pyarrow.
SINGLE = {
    **dict.fromkeys(
        (f"{each}_NUM_THREADS" for each in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")), "1"
    ),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # of the debugger, which would complain in the log
}
_THREADS_OF = {"blas": ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}

pools: Any = None  # threadpoolctl's view of the libraries that were loaded
names: set[str] = set()  # of all modules that were imported
files: list[str] = []  # of them


def begin(wanted: Iterable[str]) -> None:
    """Import what every kernel has, with one thread.

    Parameters
    ----------
    wanted
        Names of modules that the user wants as well; `USUAL` is left for later.
    """
    os.environ.update(SINGLE)
    for name in (*KERNEL, *wanted):
        if name != USUAL:
            take(partial(importlib.import_module, name))


def take(step: Step) -> None:
    """Take a step. What cannot be imported is told, and is up to the kernel that needs it.

    Raises
    ------
    RuntimeError
        If it started a thread; forking would lose it.
    """
    try:
        step()
    except Exception as error:
        print(f"not preloaded: {type(error).__name__}: {error}", file=sys.stderr)
    threads = [(path / "comm").read_text().strip() for path in Path("/proc/self/task").iterdir()]
    if len(threads) > 1:
        raise RuntimeError(f"what was imported started threads: {', '.join(threads)}")


def needed(names: Iterable[str]) -> Iterator[Step]:
    """Yield the steps to all that a notebook loads which imports some names.

    Parameters
    ----------
    names
        As it imports them; those that are not of the usual ones are left to its kernel.
    """
    rooms = [room for room in OF_ROOM if f"aiopslab.{room}" in names]
    if rooms:
        yield from _imports(SHARED)
        yield _rehearse
    for room in rooms:
        yield from _imports(OF_ROOM[room])
        yield from _room(room)
    yield from _imports(name for name in names if name in SHARED)


def usual() -> Iterator[Step]:
    """Yield the steps to all that reports may turn to."""
    yield from needed([f"aiopslab.{room}" for room in OF_ROOM])
    yield from _imports(_RARER)


def _imports(names: Iterable[str]) -> Iterator[Step]:
    return (partial(importlib.import_module, name) for name in names if name not in sys.modules)


def _room(room: str) -> Iterator[Step]:
    """Yield the imports of a room's modules, which it imports where they are used."""
    name = f"aiopslab.{room}"
    yield partial(importlib.import_module, name)
    folder = getattr(sys.modules.get(name), "__path__", [])
    yield from _imports(found.name for found in pkgutil.walk_packages(folder, f"{name}."))


def settle() -> None:
    """Look at what has been imported, for the children that are forked from now on."""
    global pools  # noqa: PLW0603 - what a parent has once, for its children
    if len(names) == len(sys.modules):
        return
    from threadpoolctl import ThreadpoolController

    pools = ThreadpoolController()
    found = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    files[:] = [file for file in found if file]
    names.clear()
    names.update(sys.modules)


@cache
def _rehearse() -> None:
    """Show a table and a figure, and check a frame: much is imported the first time only."""
    import pandas as pd
    import pandera.pandas as pa
    import plotly.graph_objects as go

    table = pd.DataFrame({"n": [0]}, index=pd.DatetimeIndex(["2026-01-01"], tz="UTC"))
    table.to_html()
    pa.DataFrameSchema({"n": pa.Column(int, pa.Check.ge(0))}).validate(table)
    figure = go.Figure([go.Scatter(x=table.index, y=table["n"]), go.Bar(x=[0]), go.Heatmap()])
    figure.update_layout(title={"text": "", "font": {"size": 9}}, xaxis={}, yaxis={}, legend={})
    figure.add_annotation(text="").add_shape(type="line")
    figure._repr_mimebundle_()


def restore_threads(environment: dict[str, str]) -> None:
    """Give a child the threads that its environment and its cores allow."""
    cores = len(os.sched_getaffinity(0))
    for library in pools.lib_controllers:
        names = _THREADS_OF.get(library.user_api, ("OMP_NUM_THREADS",))
        said = next((environment[name] for name in names if environment.get(name)), "")
        library.set_num_threads(int(said) if said.isdigit() and int(said) else cores)
