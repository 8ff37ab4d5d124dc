"""What a parent imports, and how: such that one thread is all there is when it forks."""

import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# What the templates import, directly or in their course, and what a kernel needs to answer. Left
# out is what starts threads on import (onnxruntime) or what few reports use (mlflow, chromadb).
MODULES = (
    *("ipykernel.kernelapp", "ipykernel.pylab.backend_inline", "IPython.core.completer"),
    *("numpy", "pandas", "pyarrow.parquet", "pyarrow.dataset"),
    *("scipy.stats", "scipy.optimize", "scipy.signal", "scipy.cluster.hierarchy"),
    *("plotly.graph_objects", "plotly.io", "plotly.subplots"),
    *("sklearn.linear_model", "sklearn.ensemble", "sklearn.model_selection"),
    *("networkx", "pandera.pandas", "pydantic", "fsspec", "aiohttp"),
    *("aiopslab.sources", "aiopslab.charts", "aiopslab.incident", "aiopslab.drift"),
    *("aiopslab.prompts", "aiopslab.retrieval", "aiopslab.runbooks"),
)
# Pools that would be alive at the fork: of BLAS and OpenMP, and jemalloc's thread in pyarrow.
SINGLE = {
    **dict.fromkeys(
        (f"{each}_NUM_THREADS" for each in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")), "1"
    ),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_THREADS_OF = {"blas": ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}

pools: Any = None  # threadpoolctl's view of the libraries that were loaded


def load(added: Iterable[str]) -> None:
    """Import everything with one thread.

    Parameters
    ----------
    added
        What the user wants imported as well; what cannot be imported is told on standard error,
        since it is up to the kernel that needs it to fail.

    Raises
    ------
    RuntimeError
        If something started a thread; forking would lose it.
    """
    global pools  # noqa: PLW0603 - what a parent has once, for its children
    os.environ.update(SINGLE)
    for name in (*MODULES, *added):
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"{name} is not preloaded: {type(error).__name__}: {error}", file=sys.stderr)
    from threadpoolctl import ThreadpoolController

    pools = ThreadpoolController()
    threads = [(path / "comm").read_text().strip() for path in Path("/proc/self/task").iterdir()]
    if len(threads) > 1:
        raise RuntimeError(f"what was imported started threads: {', '.join(threads)}")


def restore_threads(environment: dict[str, str]) -> None:
    """Give a child the threads that its environment and its cores allow."""
    cores = len(os.sched_getaffinity(0))
    for library in pools.lib_controllers:
        names = _THREADS_OF.get(library.user_api, ("OMP_NUM_THREADS",))
        said = next((environment[name] for name in names if environment.get(name)), "")
        library.set_num_threads(int(said) if said.isdigit() and int(said) else cores)
