"""MLflow's pages over the store of the reports: ``python -m aiopslab.lab.mlflow_ui``.

JupyterLab starts it when somebody asks for MLflow, and hands requests on to it through a socket
that nobody else on the machine may open: MLflow itself asks nobody who they are.
"""

import os
import shlex
import sys
from pathlib import Path

from aiopslab.lab.parent import end_with_parent
from aiopslab.mlflow_server import configure, connect
from aiopslab.reports.tracking import STORE

SOCKET = "mlflow.sock"


def command(
    socket: Path, prefix: str, store: str, artefacts: Path, origins: list[str]
) -> list[str]:
    """Return the command of MLflow's own server.

    Parameters
    ----------
    socket
        What it listens on.
    prefix
        Of the paths that it answers to, such as ``/mlflow``.
    store
        The address of runs and models.
    artefacts
        Where files go that clients send through the server.
    origins
        Addresses, besides those of loopback, whose pages may change something.

    Examples
    --------
    >>> command(Path("/run/me/a b"), "/mlflow", "sqlite:///runs.db", Path("files"), [])[-2:]
    ['--uvicorn-opts', "--uds '/run/me/a b'"]
    """
    cors = ["--cors-allowed-origins", ",".join(origins)] if origins else []
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", store, "--artifacts-destination", str(artefacts)),
        *("--static-prefix", prefix, *cors),
        *("--uvicorn-opts", f"--uds {shlex.quote(str(socket))}"),
    ]


def embedded(reports: Path) -> str:
    """Return the address of the store that runs are logged to where no server is set; make it.

    Parameters
    ----------
    reports
        Folder of the gallery.
    """
    from filelock import FileLock

    folder = (reports / STORE).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "mlflow.db"
    store = f"sqlite:///{database}"
    with FileLock(folder / "lock"):  # lest a report that runs just now creates it as well
        if not database.exists():
            connect(store).search_experiments(max_results=1)
    return store


def main() -> None:
    """Become MLflow's server; the arguments are a socket, a prefix, a folder and origins."""
    end_with_parent()
    socket, prefix, reports, *origins = sys.argv[1:]
    configure()
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # nothing here runs any
    store = os.environ.get("MLFLOW_TRACKING_URI") or embedded(Path(reports))
    artefacts = Path(reports) / STORE / "artifacts"
    arguments = command(Path(socket), prefix, store, artefacts, origins)
    os.execv(sys.executable, arguments)  # noqa: S606 - the arguments are made above


if __name__ == "__main__":
    main()
