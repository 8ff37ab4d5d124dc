"""The real JupyterLab that `aiopslab lab` starts, asked as its browser would ask it."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from aiopslab.lab.workspace import walkthroughs
from aiopslab.reports import addresses, templates
from tests.lab.running import running

pytestmark = [pytest.mark.server, pytest.mark.slow]

ROOT = Path(__file__).parents[2]

# What kernels and JupyterLab keep, and the log of npm, which jupyter-lsp asks for its folder.
OTHERS = ("ipython/", "lab/", ".npm/")


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_is_ready_and_leaves_no_process_behind(tmp_path):
    home = tmp_path / "home"
    folder = home / "lab"
    (home / ".jupyter").mkdir(parents=True)
    # A person's own configuration that would open what is closed here.
    (home / ".jupyter" / "jupyter_server_config.json").write_text(
        json.dumps({"IdentityProvider": {"token": ""}, "ServerApp": {"ip": "0.0.0.0"}})
    )
    before = files(home)  # and nothing is added to it but the workspace
    with running(folder, home=home) as lab:
        assert sum("http" in line for line in lab.said) == 1, "the address is said once"
        assert lab.address.startswith("http://127.0.0.1:")
        assert lab.get("api/status").json()["kernels"] == 0
        for path in ("api/status", "aiopslab/tiles"):
            assert lab.get(path, token="wrong").status_code == 403, "a token is always needed"
        check_launcher(lab)
        check_templates(lab, folder)
        check_gallery(lab)
        kernel = lab.post("api/kernels", {"name": "python3"}).json()
        assert kernel["name"] == "python3"
        page = lab.get("mlflow/")
        assert page.status_code == 200 and "<title>MLflow</title>" in page.text
        found = lab.get("mlflow/ajax-api/2.0/mlflow/experiments/search?max_results=5").json()
        assert [each["name"] for each in found["experiments"]] == ["Default"]
        assert (folder / "reports" / ".mlflow" / "mlflow.db").is_file()
        family = lab.family()
        lines = [" ".join(each.cmdline()) for each in family]
        assert any("ipykernel" in line for line in lines)
        assert any("uvicorn" in line for line in lines)
        assert not any(lab.token in line for line in lines), "others can see the arguments"
        code, rest = lab.stop()
        assert code == 0 and "Stopped." in rest and "Traceback" not in rest
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    assert {each for each in files(home) - before if not each.startswith(OTHERS)} == set()


def check_launcher(lab):
    """The tiles, and the extension that shows them."""
    tiles = lab.get("aiopslab/tiles").json()
    assert [each["template"] for each in tiles if each["template"]] == [
        each.name for each in templates()
    ]
    assert {"Report gallery", "MLflow"} <= {each["label"] for each in tiles}
    opened = [each["notebook"] for each in tiles if each["notebook"]]
    assert opened == [f"notebooks/{path.name}" for path in walkthroughs()]
    page = lab.get("lab").text
    shown = json.loads(page.split('id="jupyter-config-data"')[1].split(">")[1].split("<")[0])
    assert shown["news"] == {"disabled": True}
    mine = next(each for each in shown["federated_extensions"] if each["name"] == "aiopslab")
    script = lab.get(f"lab/extensions/aiopslab/{mine['load']}")
    assert script.status_code == 200 and "_JUPYTERLAB" in script.text


def check_templates(lab, folder):
    """A notebook of one's own, and another one, and none over what is there."""
    made = [lab.post("aiopslab/notebooks/incident", {"folder": ""}).json() for _ in range(2)]
    assert [each["path"] for each in made] == [
        "aiopslab-incident.ipynb",
        "aiopslab-incident-1.ipynb",
    ]
    template = json.loads((ROOT / "templates" / "incident.ipynb").read_text())
    copy = json.loads((folder / "aiopslab-incident.ipynb").read_text())
    assert [each["source"] for each in copy["cells"]] == [
        each["source"] for each in template["cells"]
    ]
    below = lab.post("aiopslab/notebooks/drift", {"folder": "notebooks"}).json()
    assert below["path"] == "notebooks/aiopslab-drift.ipynb"
    assert lab.post("aiopslab/notebooks/nonsense", {}).status_code == 404
    assert lab.post("aiopslab/notebooks/drift", {"folder": "../.."}).status_code in {403, 404}


def check_gallery(lab):
    """The empty gallery, which says how to fill it, away from JupyterLab itself."""
    page = lab.get("aiopslab/reports/")
    assert "aiopslab run incident" in page.text
    assert "sandbox allow-scripts" in page.headers["Content-Security-Policy"]
    assert "same-origin" not in page.headers["Content-Security-Policy"]
    assert lab.get("aiopslab/reports/.gallery.lock").status_code == 404
    assert lab.get("aiopslab/reports/index.html", token="wrong").is_redirect
    shared = f"aiopslab/reports/{addresses.plotly()}"
    assert "plotly.js v" in lab.get(shared, token="wrong").text[:500], "its pages send no cookie"


def test_it_ends_with_a_polite_signal_and_says_why_it_did_not_start(tmp_path):
    with running(tmp_path / "lab", home=tmp_path) as lab:
        family = lab.family()
        code, _ = lab.stop(signal.SIGTERM)
        assert code == 0 and psutil.wait_procs(family, timeout=5)[1] == []
    with (
        pytest.raises(AssertionError, match="JupyterLab ended with code 1"),
        running(tmp_path / "lab", "--", "--ServerApp.port=none", home=tmp_path),
    ):
        pass
