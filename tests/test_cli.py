"""The command: what it prints, what it refuses, how it exits."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiopslab.cli import cli

HEAVY = {
    "chromadb", "httpx", "jupyter_client", "mlflow", "nbclient", "nbconvert", "nbformat", "numpy",
    "opentelemetry", "pandas", "pandera", "papermill", "plotly", "pyarrow", "pydantic", "scipy",
    "sklearn", "starlette", "uvicorn",
}  # fmt: skip


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


def test_the_gallery_is_built_on_demand(aiopslab, tmp_path):
    (tmp_path / "reports").mkdir()
    code, out, _ = aiopslab("gallery", tmp_path / "reports")
    assert code == 0 and Path(out.strip()).is_file()
    assert aiopslab("gallery", tmp_path / "nowhere")[0] == 1


def test_the_runner_of_click_agrees():
    assert CliRunner().invoke(cli, ["--version"]).exit_code == 0
