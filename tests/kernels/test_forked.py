"""A forked kernel is like a cold one: its own process, place, environment and chance."""

import os

import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from aiopslab.kernels import NAME, client, kernel_name, warm_up
from aiopslab.kernels.provisioner import WarmProvisioner
from tests.kernels.conftest import printed, until

WHO = "import os; print(os.getpid(), os.getppid())"


def test_the_kernelspec_is_found_and_names_the_provisioner():
    spec = KernelSpecManager().get_kernel_spec(NAME)
    assert spec.metadata["kernel_provisioner"]["provisioner_name"] == "aiopslab-warm"
    assert kernel_name() == NAME


def test_papermill_and_nbclient_get_processes_of_their_own_from_one_parent(execute, written):
    path = written(WHO)
    done = papermill.execute_notebook(path, path, kernel_name=NAME, progress_bar=False)
    first, second = printed(done)[0].split(), execute(WHO)[0].split()
    (parent,) = client.known()
    assert first[1] == second[1] == str(parent["pid"])
    assert first[0] != second[0]


def test_it_has_the_folder_environment_and_arguments_of_its_run(execute, tmp_path):
    told = execute(
        "import os, sys, json",
        "print(os.getcwd(), os.environ['MINE'], len(os.environ))",
        "print(sys.argv[0], '' in sys.path, 'numpy' in sys.modules)",
        "print('JE_ARROW_MALLOC_CONF' in os.environ, os.environ.get('OMP_NUM_THREADS'))",
        env=os.environ | {"MINE": "mine"},
    )
    folder, mine, _ = told[1].split()
    assert (folder, mine) == (str(tmp_path), "mine")
    assert told[2] == "ipykernel_launcher True True"
    assert told[3].startswith("False")


def test_a_secret_of_one_run_is_not_in_another(execute):
    look = """
import os, pathlib
def seen(pid):
    return 's3cr3t-of-one' in pathlib.Path(f'/proc/{pid}/environ').read_text()
print(os.environ.get('TOKEN'), seen('self'), seen(os.getppid()))
"""
    first = execute(look, env=os.environ | {"TOKEN": "s3cr3t-of-one"})
    second = execute(look, env={name: os.environ[name] for name in os.environ if name != "TOKEN"})
    assert first == ["s3cr3t-of-one False False"]
    assert second == ["None False False"]


def test_the_first_run_gives_its_secrets_to_no_parent(execute, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-of-the-first")  # of the process that starts the parent
    look = "import os, pathlib; print(pathlib.Path(f'/proc/{os.getppid()}/environ').read_text())"
    assert "s3cr3t" not in execute(look)[0]


def test_chance_differs_between_kernels(execute):
    draw = "import random, numpy; print(random.random(), numpy.random.random())"
    first, second = execute(draw)[0].split(), execute(draw)[0].split()
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_it_holds_nothing_open_of_the_parent_or_of_others(execute):
    look = """
import os, pathlib
def opened(pid):
    links = [os.readlink(p) for p in pathlib.Path(f'/proc/{pid}/fd').iterdir() if p.exists()]
    return {each for each in links if each.startswith('socket')}
print(len(opened(os.getpid()) & opened(os.getppid())))
"""
    other = KernelManager(kernel_name=NAME)
    other.start_kernel()
    try:
        assert execute(look) == ["0"]
    finally:
        other.shutdown_kernel(now=True)


def test_threads_are_those_that_its_environment_allows(execute):
    look = """
import numpy, os
from threadpoolctl import threadpool_info
print({each['num_threads'] for each in threadpool_info() if each['user_api'] == 'blas'})
"""
    clean = {name: os.environ[name] for name in os.environ if not name.endswith("_NUM_THREADS")}
    cores = len(os.sched_getaffinity(0))
    assert execute(look, env=clean) == [str({cores})]
    assert execute(look, env=clean | {"OPENBLAS_NUM_THREADS": "1"}) == ["{1}"]


def test_libraries_with_pools_of_threads_work_in_it(execute, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "usual")
    warm_up()
    until(lambda: not client.known()[0]["is_importing"], 240)
    told = execute(
        "import sys; print(all(name in sys.modules for name in "
        "('aiopslab.incident.analysis', 'scipy.stats', 'plotly.graph_objs', 'pandera')))",
        "import numpy as np; n = np.random.default_rng(0).normal(size=(400, 400)); "
        "print(np.allclose(np.linalg.inv(n) @ n, np.eye(400), atol=1e-6))",
        "from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier\n"
        "for model in (HistGradientBoostingClassifier(max_iter=5), "
        "RandomForestClassifier(20, n_jobs=2)):\n"
        "    print(model.fit(n, n[:, 0] > 0).score(n, n[:, 0] > 0) > 0.9)",
        "import pyarrow as pa, pyarrow.compute as pc; print(pc.sum(pa.array(range(9))))",
        "import onnx, onnxruntime as ort\n"
        "from onnx import TensorProto, helper\n"
        "x, y = (helper.make_tensor_value_info(v, TensorProto.FLOAT, [2]) for v in 'xy')\n"
        "graph = helper.make_graph([helper.make_node('Abs', ['x'], ['y'])], 'g', [x], [y])\n"
        "model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], "
        "ir_version=8)\n"
        "session = ort.InferenceSession(model.SerializeToString())\n"
        "print(session.run(None, {'x': np.array([-1, 2], 'f')})[0])",
        "import chromadb; c = chromadb.EphemeralClient().create_collection('ccc')\n"
        "c.add(ids=['a'], embeddings=[[1., 2.]]); print(c.count())",
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "from mlflow.entities import ViewType; print(mlflow.__name__)",
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, -2])))",
    )
    assert told == ["True", "True", "True\nTrue", "36", "[1. 2.]", "1", "mlflow", "[1, 2]"]


def test_the_debugger_knows_what_was_imported_before_the_fork(execute):
    look = (
        "import numpy; kernel = get_ipython().kernel; "
        "print(numpy.__file__ in kernel._kernel_modules, numpy.__file__ in "
        "kernel.debugger.kernel_modules, 'numpy' in get_ipython()._sys_modules_keys)"
    )
    assert execute(look) == ["True True True"]


def test_it_has_what_it_is_to_import_and_waits_for_nothing_else(execute, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "usual")
    look = "import sys; print(*(name in sys.modules for name in ('pandas', 'sklearn')))"
    warm_up([look])
    assert execute(look) == ["False False"]
    warm_up(["import pandas as pd", "%no_python", "from aiopslab import conclude"])
    assert execute(look) == ["True False"]
    assert len(client.known()) == 1


def test_what_a_user_wants_imported_as_well_is(execute, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "numpy, colorsys, no_such_module")
    look = "import sys; print('colorsys' in sys.modules, 'wave' in sys.modules)"
    assert execute(look) == ["True False"]


def test_what_it_says_outside_of_cells_goes_where_its_runner_says(tmp_path):
    path = tmp_path / "said"
    manager = KernelManager(kernel_name=NAME)
    with path.open("wb") as said:
        # It warns while it starts, before its streams are those of cells.
        manager.start_kernel(stderr=said, extra_arguments=["--no_such_option"])
    assert isinstance(manager.provisioner, WarmProvisioner)
    until(lambda: "no_such_option" in path.read_text())
    manager.shutdown_kernel(now=True)
