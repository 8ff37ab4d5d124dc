"""Commands of prompts: what differs, what can be shown, versions and what is in use."""

from uuid import uuid4

import pandas as pd
import pytest
from click.testing import CliRunner

from aiopslab.cli import cli
from aiopslab.mlflow_server import connect
from aiopslab.prompts import aliases
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.registry import register

UNUSABLE = 2
SURE, HALF = "Sure {{ number }}", "Half {{ number }}"


# ---- what differs, and what can be shown ---------------------------------------------------------


def test_a_diff_is_coloured_where_somebody_looks(tmp_path):
    for name, text in (("old", "Be kind.\n-- {{ text }}"), ("new", "Be brief.\n-- {{ text }}")):
        (tmp_path / f"{name}.md").write_text(text)
    named = ["prompts", "diff", str(tmp_path / "old.md"), str(tmp_path / "new.md")]
    shown = CliRunner().invoke(cli, named, color=True)
    assert shown.exit_code == 0
    assert "\x1b[31m-Be kind.\x1b[0m" in shown.output
    assert "\x1b[32m+Be brief.\x1b[0m" in shown.output
    assert "\x1b" not in CliRunner().invoke(cli, named).output
    same = CliRunner().invoke(cli, [*named[:2], named[2], named[2]])
    assert (same.exit_code, same.output) == (0, "no difference\n")


def test_what_steers_a_terminal_is_shown_and_steers_nothing(aiopslab, tmp_path):
    (tmp_path / "old.md").write_text("Hi")
    (tmp_path / "new.md").write_text("Hi\x1b[2J\u200b\u202e")
    code, out, _ = aiopslab("prompts", "diff", tmp_path / "old.md", tmp_path / "new.md")
    assert code == 0 and r"+Hi\x1b[2J\u200b\u202e" in out and "\x1b" not in out


def test_power_is_told_of_a_number_or_a_table(aiopslab, tmp_path):
    code, out, err = aiopslab("prompts", "power", 500)
    assert (code, err) == (0, "") and "500 items show a difference of 0.057 or more" in out
    assert aiopslab("prompts", "power", 500, "--apart", 0.3)[1] != out
    table = pd.DataFrame({"text": map(str, range(500)), "group": [1, 2] * 250})
    table.to_csv(tmp_path / "items.csv")
    told = aiopslab("prompts", "power", tmp_path / "items.csv")[1]
    assert told.splitlines()[0] == out.splitlines()[0] and "2 groups" in told
    assert "show nothing" in aiopslab("prompts", "power", 3)[1]
    assert "258 items" in aiopslab("prompts", "power", 500, "--difference", 0.08)[1]
    assert "more than 1,000,000" in aiopslab("prompts", "power", 9, "--difference", 0.0001)[1]


@pytest.mark.parametrize(
    "arguments",
    [[0], ["nowhere.csv"], [500, "--apart", 2], [500, "--difference", 0.5], [500, "--apart", "x"]],
)
def test_power_of_nothing_is_refused(aiopslab, arguments):
    code, out, err = aiopslab("prompts", "power", *arguments)
    assert (code, out) == (UNUSABLE, "") and err and "Traceback" not in err


@pytest.mark.parametrize(
    "name", ["diff", "register", "gate", "rollback", "watch", "power", "pairs", "agreement"]
)
def test_help_teaches_with_an_example_and_the_exit_codes(aiopslab, name):
    code, out, _ = aiopslab("prompts", name, "--help")
    assert code == 0 and f"aiopslab prompts {name}" in out.partition("Options:")[0]
    assert "Exit codes" in out and "  2  a wrong command" in out
    assert f"aiopslab prompts {name}" in aiopslab("prompts", "--help")[1]


# ---- the registry --------------------------------------------------------------------------------


@pytest.fixture
def name():
    return f"prompt-{uuid4().hex[:8]}"


@pytest.fixture
def two(name, mlflow_at):
    """The name of a prompt whose first version is in production, and whose second is better."""
    for text in (HALF, SURE):
        register(Prompt.of("p", text), name, mlflow_at)
    aliases.promote(name, "production", 1, mlflow_at)
    return name


def in_production(name, mlflow_at):
    return connect(mlflow_at).get_prompt_version_by_alias(name, "production").version


@pytest.mark.server
@pytest.mark.slow
def test_a_text_is_registered_once(aiopslab, tmp_path, name, mlflow_at):
    (tmp_path / "p.md").write_text(HALF)
    told = ["--name", name, "--tracking-uri", mlflow_at]
    for _ in range(2):
        ended = aiopslab("prompts", "register", tmp_path / "p.md", *told)
        assert ended == (0, f"prompts:/{name}/1\n", "")
    (tmp_path / "p.md").write_text(SURE)
    more = ["--alias", "production", "--message", "Surer."]
    code, out, _ = aiopslab("prompts", "register", tmp_path / "p.md", *told, *more)
    assert code == 0 and out.startswith(f"prompts:/{name}/2\n  production of {name}")
    assert in_production(name, mlflow_at) == 2
    assert connect(mlflow_at).get_prompt_version(name, 2).commit_message == "Surer."
    sides = (f"prompts:/{name}/1", f"prompts:/{name}@production")
    _, out, _ = aiopslab("prompts", "diff", *sides, "--tracking-uri", mlflow_at)
    assert f"--- {name} v1" in out and "+Sure {{ number }}" in out


@pytest.mark.server
@pytest.mark.slow
def test_what_somebody_else_has_moved_is_not_rolled_back(aiopslab, two, mlflow_at):
    aliases.promote(two, "production", 2, mlflow_at)
    connect(mlflow_at).set_prompt_alias(two, "production", 1)
    told = ["--alias", "production", "--tracking-uri", mlflow_at]
    code, out, err = aiopslab("prompts", "rollback", two, *told)
    assert (code, out) == (UNUSABLE, "") and "Somebody has moved it since" in err
    code, _, err = aiopslab("prompts", "rollback", f"{two}x", *told)
    assert code == UNUSABLE and f"Did you mean '{two}'?" in err


def test_a_registry_that_is_down_is_told_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "p.md").write_text(SURE)
    away = ["--tracking-uri", "http://me:s@cret@127.0.0.1:9"]
    for arguments in (
        ["register", tmp_path / "p.md", "--name", "p"],
        ["rollback", "p", "--alias", "production"],
        ["diff", tmp_path / "p.md", "prompts:/p@production"],
    ):
        shown = CliRunner().invoke(cli, ["prompts", *map(str, arguments), *away])
        assert shown.exit_code == UNUSABLE and isinstance(shown.exception, SystemExit)
        assert "127.0.0.1" in shown.output and "cret" not in shown.output
