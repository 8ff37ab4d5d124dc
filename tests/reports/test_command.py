"""The command from a template and its parameters to a report and an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.notebooks import template

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
WATCHES = "from aiopslab import Verdict, conclude\nconclude(Verdict('watch', 'Look again.'))"


def test_a_templates_help_shows_its_parameters(aiopslab):
    code, out, _ = aiopslab("run", "incident", "--help")
    assert code == 0
    for words in ("evidence: ", "number, at least 0.5, below 1", "default: 0.95", "Exit codes"):
        assert words in out


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\x00"])
def test_a_parameters_file_of_anything_else_is_told(aiopslab, tmp_path, text):
    path = tmp_path / "parameters.yml"
    path.write_text(text)
    code, _, err = aiopslab("run", "incident", "-f", path, "-o", tmp_path / "out")
    assert code == 2 and str(path) in err


def test_a_missing_notebook_is_told(aiopslab, tmp_path):
    code, _, err = aiopslab("run", tmp_path / "none.ipynb")
    assert code == 1 and "none.ipynb" in err and "Traceback" not in err


@pytest.fixture
def without_mlflow(monkeypatch):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")


def test_exit_codes_follow_the_verdict(aiopslab, tmp_path, without_mlflow):
    made = template(tmp_path / "made.ipynb", WATCHES)
    code, out, _ = aiopslab("run", made, "-o", tmp_path / "out", "--fail-on", "watch")
    assert code == 3
    assert "◐ watch: Look again." in out and "report.html" in out and "index.html" in out
    assert aiopslab("run", made, "-o", tmp_path / "out", "--fail-on", "act")[0] == 0


def test_a_template_opens_models_where_its_run_is_logged(
    aiopslab, tmp_path, without_mlflow, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:1")  # and taken back afterwards
    asks = "import os\nassert os.environ['MLFLOW_TRACKING_URI'] == 'http://named:5000'\n" + WATCHES
    made = template(tmp_path / "made.ipynb", asks)
    at = ["--tracking-uri", "http://named:5000"]
    assert aiopslab("run", made, "-o", tmp_path / "out", *at)[0] == 0
    assert aiopslab("run", made, "-o", tmp_path / "out", "--tracking-uri", "http://other:1")[0] == 1


def test_a_failing_report_exits_with_one(aiopslab, tmp_path, without_mlflow):
    made = template(tmp_path / "made.ipynb", "1 / 0")
    code, out, err = aiopslab("run", made, "-o", tmp_path / "out")
    assert code == 1
    assert "✕ failed: cell 3: ZeroDivisionError" in out
    assert "Traceback" not in err


def test_a_file_gives_parameters_and_p_overrides_them(aiopslab, tmp_path, without_mlflow):
    made = template(tmp_path / "made.ipynb", WATCHES, parameters="rows: int = 1\nname: str = 'x'")
    given = tmp_path / "given.yml"
    given.write_text(yaml.safe_dump({"rows": 5, "name": "from the file"}))
    aiopslab("run", made, "-f", given, "-p", "rows=7", "-o", tmp_path / "out")
    (kept,) = (tmp_path / "out").glob("*/run.json")
    assert json.loads(kept.read_text())["parameters"] == {"rows": 7, "name": "from the file"}


@pytest.mark.slow
def test_an_embedded_recording_becomes_a_report(tmp_path):
    command = [AIOPSLAB, "run", "incident", "-o", str(tmp_path / "out"), "--fail-on", "act"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 3, run.stderr
    assert "retriever" in run.stdout
    assert "Traceback" not in run.stderr and "WARNING" not in run.stderr
    assert (tmp_path / "out" / ".mlflow" / "mlflow.db").is_file()


def test_a_report_may_take_so_long(aiopslab, tmp_path, without_mlflow):
    made = template(tmp_path / "made.ipynb", "import time\ntime.sleep(300)", WATCHES)
    code, out, err = aiopslab("run", made, "-o", tmp_path / "out", "--cell-timeout", "1s")
    assert code == 1 and "cell 3: Timeout: the cell took longer than the 1 s" in out
    assert "Traceback" not in err
    code, _, err = aiopslab("run", made, "-o", tmp_path / "out", "--timeout", "10")
    assert code == 2 and "'10' is no duration" in err
