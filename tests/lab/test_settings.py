"""What JupyterLab is told."""

import json
import socket
import sys
from pathlib import Path

import pytest

from aiopslab.lab import settings
from aiopslab.lab.errors import LabError
from aiopslab.lab.mlflow_ui import command
from aiopslab.lab.session import USUAL_PORTS, free_port
from aiopslab.lab.settings import Address
from aiopslab.lab.workspace import Workspace

HERE = Address("127.0.0.1", 8888, "secret")


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path / "lab", tmp_path / "reports")
    made.state.mkdir(parents=True)
    return made


def configured(workspace, address=HERE, tracking_uri=None, browser=False):
    return settings.configuration(workspace, address, Path("/scratch"), browser, tracking_uri)


def test_the_server_answers_where_it_was_told_and_only_with_the_token(workspace):
    told = configured(workspace, Address("127.0.0.1", 9001, "secret"), browser=True)
    assert told["IdentityProvider"] == {"token": "secret"}
    server = told["ServerApp"]
    assert (server["ip"], server["port"], server["port_retries"]) == ("127.0.0.1", 9001, 0)
    assert server["open_browser"] and server["root_dir"] == str(workspace.folder)
    assert not configured(workspace)["ServerApp"]["open_browser"]


def test_nothing_asks_the_network_for_news(workspace):
    told = configured(workspace)["LabApp"]
    assert told["news_url"] is None
    assert told["check_for_updates_class"].endswith("NeverCheckForUpdate")
    assert told["extension_manager"] == "readonly"


def test_mlflow_stands_behind_the_token_on_a_socket_of_ones_own(workspace):
    told = configured(workspace)
    assert told["AIOpsLab"]["mlflow"] == "aiopslab/mlflow"
    (server,) = told["ServerProxy"]["servers"].values()
    assert server["unix_socket"] == "/scratch/mlflow.sock" in server["command"]
    assert server["command"][0] == sys.executable
    assert server["command"][-1] == str(workspace.reports), "no origin but loopback"
    assert told["ServerProxy"]["host_allowlist"] == []


def test_an_mlflow_server_is_linked_without_credentials_and_none_is_started(workspace):
    told = configured(workspace, tracking_uri="https://me:hunter2@host:5000/")
    assert told["AIOpsLab"]["mlflow"] == "https://host:5000/"
    assert told["ServerProxy"]["servers"] == {}
    assert "hunter2" not in json.dumps(told)
    store = configured(workspace, tracking_uri="sqlite:////srv/mlflow.db")
    assert list(store["ServerProxy"]["servers"]) == ["mlflow"]


def test_who_opens_it_to_others_may_use_mlflow_from_there(workspace):
    told = configured(workspace, Address("10.0.0.7", 8888, "secret"))
    (server,) = told["ServerProxy"]["servers"].values()
    origins = ["http://10.0.0.7:8888", f"http://{socket.gethostname()}:8888"]
    assert server["command"][-2:] == origins
    made = command(Path("/s"), "/mlflow", "sqlite:///x", Path("a"), origins)
    assert made[made.index("--cors-allowed-origins") + 1] == ",".join(origins)


@pytest.mark.parametrize(
    ("ip", "url"),
    [("::1", "http://[::1]:1/"), ("::", "http://[::1]:1/"), ("10.0.0.7", "http://10.0.0.7:1/")],
)
def test_addresses_as_a_browser_reaches_them(ip, url):
    assert Address(ip, 1, "").url == url


def test_kernels_keep_bytecode_send_no_telemetry_and_find_what_a_person_has(workspace):
    inherited = {"PYTHONDONTWRITEBYTECODE": "1", "JUPYTER_PATH": "/mine", "PATH": "/bin"}
    told = settings.environment(workspace, Path("/scratch"), inherited)
    assert "PYTHONDONTWRITEBYTECODE" not in told
    assert told["DO_NOT_TRACK"] and told["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert told["ANONYMIZED_TELEMETRY"] == "False"
    first, *_, last = told["JUPYTER_PATH"].split(":")
    assert (first, last, told["PATH"]) == ("/scratch/share", "/mine", "/bin")


def test_a_persons_choice_of_environment_stands_but_not_over_the_private_folders(workspace):
    inherited = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "99", "JUPYTER_CONFIG_DIR": "/etc/mine"}
    told = settings.environment(workspace, Path("/scratch"), inherited)
    assert told["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "99"
    private = [value for name, value in told.items() if name.endswith("_DIR")]
    assert len(private) == 5
    assert all(each.startswith(("/scratch", str(workspace.state))) for each in private)


def test_the_kernel_is_the_python_that_runs_this(tmp_path):
    settings.write(tmp_path, {"ServerApp": {"port": 1}})
    spec = json.loads((tmp_path / "share/kernels/python3/kernel.json").read_text())
    assert spec["argv"][0] == sys.executable
    written = json.loads((tmp_path / "config/jupyter_server_config.json").read_text())
    assert written == {"ServerApp": {"port": 1}}


def test_a_persons_theme_is_taken_over_once(workspace, tmp_path, monkeypatch):
    own = tmp_path / "own" / "lab" / "user-settings" / "themes"
    own.mkdir(parents=True)
    (own / "theme").write_text("dark")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "own"))
    settings.take_over_settings(workspace)
    taken = workspace.state / "settings" / "themes" / "theme"
    assert taken.read_text() == "dark"
    taken.write_text("light")
    settings.take_over_settings(workspace)
    assert taken.read_text() == "light" and (own / "theme").read_text() == "dark"


def test_a_port_that_is_taken_is_said_so_and_the_usual_ones_are_gone_through():
    with socket.create_server(("127.0.0.1", 0)) as held:
        taken = held.getsockname()[1]
        with pytest.raises(LabError, match=f"port {taken}") as raised:
            free_port("127.0.0.1", taken)
        assert "--port" in raised.value.remedy
    assert free_port("127.0.0.1", 0) > 0
    first = free_port("127.0.0.1", None)
    assert first in USUAL_PORTS
    with socket.create_server(("127.0.0.1", first)):
        assert free_port("127.0.0.1", None) in USUAL_PORTS[USUAL_PORTS.index(first) + 1 :]


def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(LabError, match=r"192\.0\.2\.1"):
        free_port("192.0.2.1", 0)


def test_bad_input_ends_the_command_with_a_message(aiopslab, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    code, _, errors = aiopslab("lab", file, "--port", 0)
    assert code == 1 and "is a file" in errors and "→" in errors
    code, _, errors = aiopslab("lab", tmp_path, "--ip", "example")
    assert code == 1 and "expected an IP address" in errors
    code, _, errors = aiopslab("lab", tmp_path, "--port", 70_000)
    assert code == 2


def test_help_teaches(aiopslab):
    code, output, _ = aiopslab("lab", "--help")
    assert code == 0
    for word in ("New from template", "MLflow", "--reports", "--no-browser", "Ctrl-C"):
        assert word in output
