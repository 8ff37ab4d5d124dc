"""The command: what it prints, what it refuses, how it exits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from aiopslab.cli import main
from tests.notebooks import template

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
HEAVY = {
    "chromadb", "httpx", "jupyter_client", "mlflow", "nbclient", "nbconvert", "nbformat", "numpy",
    "opentelemetry", "pandas", "pandera", "papermill", "plotly", "pyarrow", "pydantic", "scipy",
    "sklearn", "starlette", "uvicorn",
}  # fmt: skip
WATCHES = "from aiopslab import Verdict, conclude\nconclude(Verdict('watch', 'Look again.'))"


@pytest.fixture
def aiopslab(monkeypatch, capsys):
    """Call the command in this process; return its exit code, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["aiopslab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return ended.value.code or 0, output.out, output.err

    return call


def loaded_by(code):
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("import aiopslab") & HEAVY == set()
    assert loaded_by("import aiopslab.sources") & HEAVY <= {"pydantic", "numpy"}


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['aiopslab', '--help']\nfrom aiopslab.cli import main\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert loaded_by(code) & HEAVY == set()


def test_help_teaches(aiopslab):
    code, out, _ = aiopslab("--help")
    assert code == 0
    assert "aiopslab run incident" in out and "rehearse" in out


def test_a_templates_help_shows_its_parameters(aiopslab):
    code, out, _ = aiopslab("run", "incident", "--help")
    assert code == 0
    for words in ("evidence: ", "number, at least 0.5, below 1", "default: 0.95", "Exit codes"):
        assert words in out


def test_templates_and_samples_are_listed(aiopslab):
    assert "incident" in aiopslab("templates")[1]
    assert "sample://no-fault" in aiopslab("samples")[1]


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["runn"], "Did you mean 'run'?"),
        (["run", "incidnt"], "Did you mean 'incident'?"),
        (["run", "incident", "-p", "evidnce=x"], "Did you mean 'evidence'?"),
        (["run", "incident", "-p", "evidence=sample://no-falt"], "no-fault"),
        (["run", "incident", "-p", "confidence=2"], "confidence is '2'"),
        (["run", "incident", "-p", "confidence"], "not NAME=VALUE"),
        (["run", "incident", "-f", "missing.yml"], "cannot read missing.yml"),
        (["run", "incident", "--fail-on", "never"], "never"),
        (["run", "incident", "-p", "evidence=https://me:secret@host/x"], "environment"),
    ],
)
def test_a_mistake_is_told_with_the_way_out_and_starts_nothing(
    aiopslab, tmp_path, monkeypatch, arguments, suggestion
):
    monkeypatch.chdir(tmp_path)
    code, _, err = aiopslab(*arguments)
    assert code == 2
    assert suggestion in err
    assert "secret" not in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


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


def test_the_gallery_is_built_on_demand(aiopslab, tmp_path):
    (tmp_path / "reports").mkdir()
    code, out, _ = aiopslab("gallery", tmp_path / "reports")
    assert code == 0 and Path(out.strip()).is_file()
    assert aiopslab("gallery", tmp_path / "nowhere")[0] == 1


@pytest.mark.slow
def test_an_embedded_recording_becomes_a_report(tmp_path):
    command = [AIOPSLAB, "run", "incident", "-o", str(tmp_path / "out"), "--fail-on", "act"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 3, run.stderr
    assert "retriever" in run.stdout
    assert "Traceback" not in run.stderr and "WARNING" not in run.stderr
    assert (tmp_path / "out" / ".mlflow" / "mlflow.db").is_file()


def test_the_runner_of_click_agrees():
    from aiopslab.cli import cli

    assert CliRunner().invoke(cli, ["--version"]).exit_code == 0
