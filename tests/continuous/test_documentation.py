"""Commands of the documentation: each is there, and has the options that it is shown with."""

import re
import shlex
from pathlib import Path

import click
import pytest

from aiopslab.cli import cli

DOCS = Path(__file__).parents[2] / "docs"
OF_RUN = {"-p"}  # of `aiopslab run TEMPLATE`, which makes its options of the template


def commands(page):
    """Return the commands of a page, as words."""
    blocks = re.findall(r"```\n(.*?)```", (DOCS / page).read_text(), re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("aiopslab ")]


def misfits(words):
    """Return the options of a command that it does not have."""
    command, rest = cli, words[1:]
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), rest[0])
        assert command is not None, f"there is no {' '.join(words[:3])}"
        rest = rest[1:]
        if words[1] == "run":
            break  # the templates are its commands
    known = {option for each in command.params for option in each.opts} | OF_RUN
    return [each for each in rest if re.match(r"--?[a-z]", each) and each not in known]


@pytest.mark.parametrize("page", ["continuous.md", "cards.md"])
def test_commands_have_the_options_that_are_shown(page):
    shown = commands(page)
    assert len(shown) >= 4
    assert [(words, wrong) for words in shown if (wrong := misfits(words))] == []


def test_an_option_that_is_not_there_is_found():
    assert misfits(["aiopslab", "promote", "x", "--candidates", "y"]) == ["--candidates"]
