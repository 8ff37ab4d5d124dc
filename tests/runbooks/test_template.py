"""No value gets out of the word that it stands in, whatever a shell makes of the command."""

import shlex
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiopslab.runbooks import built_in
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.template import fill, render
from tests.system import need

SHELLS = ["a; rm -rf /", "$(id)", "`id`", "a' 'b", 'a" "b', "a\\", "*", "~root", "a && b", "{a,b}"]
printable = st.text(min_size=1, max_size=40).filter(str.isprintable)
tricky = st.one_of(st.sampled_from(SHELLS), printable)
COMMANDS = sorted(
    {command for action in built_in().actions for command in action.commands if command}
)


@given(st.sampled_from(COMMANDS), st.data())
def test_a_value_stays_within_its_word(template, data):
    words = shlex.split(template)
    values = {
        name: data.draw(tricky, name) for action in built_in().actions for name in action.parameters
    }
    expected = [fill(word, values) for word in words]
    if any(
        e.startswith("-") and not w.startswith("-") for e, w in zip(expected, words, strict=True)
    ):
        with pytest.raises(RunbookError, match="option"):
            render(template, values)
    else:
        assert shlex.split(render(template, values)) == expected


@given(tricky, st.sampled_from(["printf %s {x}", "printf %s '{x}'", 'printf %s "{x}"']))
@settings(max_examples=60)
@example("$(touch /tmp/never)", 'printf %s "{x}"')
@example("'; touch /tmp/never; '", "printf %s '{x}'")
def test_a_real_shell_passes_the_value_as_it_is(value, template):
    if value.startswith("-"):
        return
    shown = subprocess.run(
        [need("sh"), "-c", render(template, {"x": value})], capture_output=True, check=True
    )
    assert shown.stdout == value.encode()


@pytest.mark.parametrize(
    "value", ["", "a\nb", "a\x00b", "\x1b[2J", "a\u202eb", "\ud800", "x" * 301]
)
def test_a_value_that_nobody_could_read_is_refused(value):
    with pytest.raises(RunbookError, match="service is"):
        render("echo {service}", {"service": value})


def test_a_value_is_never_read_as_an_option():
    with pytest.raises(RunbookError, match="option of kubectl"):
        render("kubectl delete {service}", {"service": "--all"})
    assert render("kubectl get app={service}", {"service": "--all"}) == "kubectl get app=--all"


def test_holes_in_a_value_are_not_filled():
    values = {"a": "{b}", "b": "secret"}
    assert shlex.split(render("echo {a}", values)) == ["echo", "{b}"]


def test_the_commands_for_mlflow_are_python():
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "python":
            compile(words[2], sys.executable, "exec")
