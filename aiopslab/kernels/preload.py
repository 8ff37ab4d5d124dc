"""What a parent imports, and how: such that one thread is all there is when it forks."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aiopslab.kernels.surroundings import USUAL

KERNEL = ("ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.completer")
# What the templates load in their course. Left out is what starts threads on import (onnxruntime)
# or what few reports use (mlflow, chromadb).
MODULES = (
    *("numpy", "pandas", "pandas.io.formats.html", "pandas.io.formats.style"),
    *("pyarrow.parquet", "pyarrow.dataset", "fsspec.implementations.local", "yaml", "jinja2"),
    *("scipy.stats", "scipy.optimize", "scipy.signal", "scipy.cluster.hierarchy"),
    *("statsmodels.stats.proportion", "statsmodels.tsa.statespace.structural", "networkx"),
    *("sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection"),
    *("plotly.graph_objects", "plotly.io", "plotly.subplots", "nbformat", "pandera.pandas"),
    *("drain3", "bm25s", "onnx", "tokenizers", "aiohttp", "pydantic", "filelock"),
)
# Of this library, all that analyses may turn to.
ROOMS = (
    *("findings", "frames", "statistics", "sources", "models", "charts", "wording", "durations"),
    *("incident", "drift", "prompts", "retrieval", "runbooks"),
)
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
files: list[str] = []  # of all modules that were imported


def load(wanted: Iterable[str]) -> None:
    """Import everything with one thread.

    Parameters
    ----------
    wanted
        Names of modules, or `USUAL` for what the templates need. What cannot be imported is told
        on standard error, since it is up to the kernel that needs it to fail.

    Raises
    ------
    RuntimeError
        If something started a thread; forking would lose it.
    """
    global pools  # noqa: PLW0603 - what a parent has once, for its children
    os.environ.update(SINGLE)
    for name in (*KERNEL, *wanted):
        try:
            if name == USUAL:
                _load_usual()
            else:
                importlib.import_module(name)
        except Exception as error:
            print(f"{name} is not preloaded: {type(error).__name__}: {error}", file=sys.stderr)
    from threadpoolctl import ThreadpoolController

    pools = ThreadpoolController()
    found = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    files.extend(file for file in found if file)
    threads = [(path / "comm").read_text().strip() for path in Path("/proc/self/task").iterdir()]
    if len(threads) > 1:
        raise RuntimeError(f"what was imported started threads: {', '.join(threads)}")


def _load_usual() -> None:
    for name in (*MODULES, *_rooms()):
        importlib.import_module(name)
    _rehearse()


def _rooms() -> Iterator[str]:
    """Yield the modules of this library, which are otherwise imported where they are used."""
    for room in ROOMS:
        name = f"aiopslab.{room}"
        yield name
        folder = getattr(importlib.import_module(name), "__path__", [])
        yield from (found.name for found in pkgutil.walk_packages(folder, f"{name}."))


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
