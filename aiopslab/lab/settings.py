"""What JupyterLab is told: a configuration, an environment and a kernel, made anew at each start.

They live in a folder that is gone when JupyterLab has ended. A person's own configuration of
Jupyter is neither read nor written, since it could open what is closed here; their kernels and,
from the first start on a workspace, their settings of JupyterLab (theme, keys) are taken over.
"""

import json
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir

from aiopslab.lab import mlflow_ui
from aiopslab.lab.tiles import STARTING_MLFLOW
from aiopslab.lab.workspace import Workspace
from aiopslab.mlflow_server import SETTINGS, without_credentials

EXTENSIONS = Path(__file__).parent / "labextensions"
MLFLOW = "mlflow"  # the path below which its pages are
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}
_MLFLOW_START_S = 240  # much more than it takes, unless the machine is very busy


@dataclass(frozen=True)
class Address:
    """Where JupyterLab answers.

    Parameters
    ----------
    ip, port
        What it listens on.
    token
        What whoever wants in has to know.
    """

    ip: str
    port: int
    token: str

    @property
    def url(self) -> str:
        """The address without the token, as a browser on this machine reaches it.

        Examples
        --------
        >>> Address("0.0.0.0", 8888, "secret").url
        'http://127.0.0.1:8888/'
        """
        ip = ip_address(self.ip)
        if ip.is_unspecified:
            ip = ip_address("127.0.0.1" if ip.version == 4 else "::1")
        return f"http://{ip if ip.version == 4 else f'[{ip}]'}:{self.port}/"


def configuration(
    workspace: Workspace, address: Address, scratch: Path, browser: bool, tracking_uri: str | None
) -> dict[str, dict[str, Any]]:
    """Return the configuration of the server, by class.

    Parameters
    ----------
    workspace
        What is opened.
    address
        Where.
    scratch
        A folder that nobody else may read and that is gone in the end.
    browser
        Whether a browser is opened on it.
    tracking_uri
        Of the MLflow server or store that runs are logged to; the embedded one unless given.
    """
    remote = without_credentials(tracking_uri or "")
    is_page = remote.startswith(("http://", "https://"))
    return {
        "ServerApp": {
            "root_dir": str(workspace.folder),
            "ip": address.ip,
            "port": address.port,
            "port_retries": 0,
            "open_browser": browser,
            "allow_root": True,
            "answer_yes": True,
            "jpserver_extensions": {"aiopslab.lab.extension": True, "jupyter_server_proxy": True},
        },
        "IdentityProvider": {"token": address.token},
        "LabApp": {
            "extra_labextensions_path": [str(EXTENSIONS)],
            "extension_manager": "readonly",
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        },
        "AIOpsLab": {
            "reports": str(workspace.reports),
            "mlflow": remote if is_page else STARTING_MLFLOW,
        },
        "ServerProxy": {
            "servers": {} if is_page else {MLFLOW: _mlflow(workspace, address, scratch)},
            "host_allowlist": [],  # nothing but what is named here is proxied
        },
    }


def _mlflow(workspace: Workspace, address: Address, scratch: Path) -> dict[str, Any]:
    socket_path = str(scratch / mlflow_ui.SOCKET)
    command = [sys.executable, "-m", mlflow_ui.__name__, socket_path, f"{{base_url}}{MLFLOW}"]
    return {
        "command": [*command, str(workspace.reports), *_origins(address)],
        "unix_socket": socket_path,
        "absolute_url": True,
        "timeout": _MLFLOW_START_S,
        # Jupyter has asked who is there and checked the host; MLflow knows loopback alone.
        "request_headers_override": {"Host": "localhost"},
        "launcher_entry": {"enabled": False},  # the tile is ours
    }


def _origins(address: Address) -> list[str]:
    """Return the addresses of JupyterLab that MLflow does not take for this machine's own."""
    if ip_address(address.ip).is_loopback:
        return []
    return [f"http://{host}:{address.port}" for host in (address.ip, socket.gethostname())]


def environment(
    workspace: Workspace, scratch: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the server and its kernels: private folders, no telemetry.

    Parameters
    ----------
    workspace
        What is opened.
    scratch
        A folder that nobody else may read and that is gone in the end.
    inherited
        The environment of the command.
    """
    paths = [str(scratch / "share"), jupyter_data_dir(), inherited.get("JUPYTER_PATH", "")]
    kept = {
        name: value
        for name, value in inherited.items()
        # Kernels import five times slower where bytecode is not kept.
        if name not in {"PYTHONDONTWRITEBYTECODE", "JUPYTER_CONFIG_PATH", "JUPYTER_TOKEN"}
    }
    return (
        SETTINGS
        | {"DO_NOT_TRACK": "1", "ANONYMIZED_TELEMETRY": "False"}
        | kept
        | {
            "JUPYTER_CONFIG_DIR": str(scratch / "config"),
            "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
            "JUPYTER_PATH": ":".join(filter(None, paths)),
            "JUPYTER_DATA_DIR": str(workspace.state / "data"),
            "JUPYTERLAB_SETTINGS_DIR": str(workspace.state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(workspace.state / "layouts"),
        }
    )


def write(scratch: Path, configured: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what `environment` names: the configuration, and the kernel of notebooks.

    The kernel is the Python that runs this, whatever else there is by the name ``python3``.
    """
    from ipykernel.kernelspec import write_kernel_spec

    _write(scratch / "config" / "jupyter_server_config.json", configured)
    _write(scratch / "config" / "labconfig" / "default_setting_overrides.json", QUIET)
    (scratch / "share" / "kernels").mkdir(parents=True)
    write_kernel_spec(scratch / "share" / "kernels" / "python3")


def take_over_settings(workspace: Workspace) -> None:
    """Copy a person's settings of JupyterLab into a workspace that has none yet."""
    own, target = Path(jupyter_config_dir()) / "lab" / "user-settings", workspace.state / "settings"
    if own.is_dir() and not target.exists():
        shutil.copytree(own, target)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
