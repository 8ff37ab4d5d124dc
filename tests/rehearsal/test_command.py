import asyncio
import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from aiopslab.rehearsal.command import rehearse
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.faults import KINDS
from aiopslab.rehearsal.rehearsal import rehearse as start


def run(*arguments):
    return CliRunner().invoke(rehearse, arguments)


def test_help_teaches_with_examples():
    shown = run("--help")
    assert shown.exit_code == 0
    assert "aiopslab rehearse --fault retriever:latency" in shown.output


def test_faults_are_listed_with_what_they_do():
    shown = run("--list-faults")
    assert shown.exit_code == 0
    assert all(name in shown.output for name in KINDS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fault", "retriever:latensy"], "Did you mean 'latency'?"),
        (["--fault", "llm:cpu", "--at", "900"], "begin at 900 s"),
        (["--fault", "none", "--minutes", "0"], "minutes is 0"),
        (["--fault", "none", "--minutes", "nan"], "minutes is nan"),
        (["--fault", "none", "--port", "80"], "port is 80"),
        (["--fault", "none", "--seed", "-1"], "-1"),
        ([], "Missing option '--fault'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(arguments, told, tmp_path):
    shown = run("-o", str(tmp_path / "recording"), *arguments)
    assert shown.exit_code == 2
    assert told in shown.output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    shown = run("-o", str(tmp_path / "file" / "recording"), "--fault", "none")
    assert shown.exit_code == 2
    assert "cannot be made" in shown.output


def test_importing_the_command_is_cheap():
    heavy = "{'pandas', 'sklearn', 'chromadb', 'numpy', 'httpx', 'starlette'}"
    code = f"import sys, aiopslab.rehearsal.command; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "set()"


def test_a_terminal_shows_a_panel():
    code = """
from aiopslab.rehearsal.command import _Display
from aiopslab.rehearsal.run import Progress
with _Display("llm:cpu") as display:
    display(Progress("recording", 30, 60, 123, 4, True, (("CpuSaturated", "llm"),)))
"""
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run([sys.executable, "-c", code], stderr=child, env=environment, check=True)
    os.close(child)
    shown = os.read(parent, 100_000).decode()
    os.close(parent)
    for part in ("recording", "123, 4 failed", "llm:cpu on", "CpuSaturated llm", "30 s"):
        assert part in shown


def test_a_notebook_is_told_to_run_the_command(tmp_path):
    async def cell():
        start("none", tmp_path / "recording")

    with pytest.raises(PlanError, match="event loop"):
        asyncio.run(cell())
    with ThreadPoolExecutor() as pool, pytest.raises(PlanError, match="main thread"):
        pool.submit(start, "none", tmp_path / "recording").result()
    assert not list(tmp_path.iterdir())
