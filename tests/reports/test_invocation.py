"""Runs in words: what a shell, the command and YAML read is what was meant."""

import subprocess

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiopslab.errors import ParameterError, ReportError
from aiopslab.reports import find
from aiopslab.reports.invocation import changed, command_line, plan_entry, refuse_credentials
from aiopslab.reports.parameters import validate
from tests.notebooks import CONCLUDES, template

CELL = """
ticket: str
note: str | None = None
share: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
rows: Annotated[int, Field(ge=1)] | durations.Duration | None = 10
quick: bool = False
mode: Literal["fast", "exact"] = "fast"
start: AwareDatetime | None = None
ids: list[str] = []
limits: dict[str, float] = {}
"""
# No program takes a NUL in an argument; a text that opens a bracket is read as JSON.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
texts = words.filter(lambda text: text.lstrip()[:1] not in {"[", "{"})
values = st.fixed_dictionaries(
    {"ticket": texts},
    optional={
        "note": st.none() | texts,
        "share": st.floats(0.5, 1, exclude_max=True),
        "rows": st.none() | st.integers(1) | st.sampled_from(["30min", "7D"]),
        "quick": st.booleans(),
        "mode": st.sampled_from(["fast", "exact"]),
        "start": st.none() | st.datetimes(timezones=st.timezones()),
        "ids": st.lists(words),
        "limits": st.dictionaries(words, st.floats(allow_nan=False, allow_infinity=False)),
    },
)
many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("it's a folder")
    return str(template(folder / "made up.ipynb", CONCLUDES, parameters=CELL))


def arguments(command):
    """Return what a shell hands to the program."""
    script = f"aiopslab() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    return ended.stdout.decode().split("\0")[:-1]


@many
@given(values=values)
def test_the_command_gives_the_run_the_same_values(values, made, aiopslab, monkeypatch):
    told = []
    monkeypatch.setattr(
        "aiopslab.reports.command.run_template",
        lambda template, values, folder, limits: told.append((values, str(folder))) or 1 / 0,
    )
    with pytest.raises(ZeroDivisionError):
        aiopslab(*arguments(command_line(made, values, "a folder's name")))
    ((given_values, folder),) = told
    parameters = find(made).parameters
    assert validate(parameters, given_values) == validate(parameters, values)
    assert folder == "a folder's name"


@many
@given(values=values)
def test_an_entry_of_a_plan_holds_the_same_values(values, made):
    (entry,) = yaml.safe_load(plan_entry(made, values))
    parameters = find(made).parameters
    assert entry["template"] == made
    assert validate(parameters, entry["parameters"]) == validate(parameters, values)


def test_only_what_differs_is_written_in_the_order_of_the_template():
    as_it_is = {each.name: each.default for each in find("drift").parameters}
    assert changed(find("drift"), as_it_is) == {}
    assert command_line("drift", as_it_is) == "aiopslab run drift"
    assert plan_entry("drift", as_it_is) == "- template: drift\n  parameters: {}\n"
    assert command_line("drift", {"confidence": "0.9", "model": "models:/a@b"}, "out") == (
        "aiopslab run drift -p model=models:/a@b -p confidence=0.9 -o out"
    )


def test_a_long_command_has_a_line_a_parameter():
    command = command_line("incident", {"limits": {"m" * 40: 1}, "also": ["sample://no-fault"]})
    assert [line.split("=")[0] for line in command.splitlines()] == [
        "aiopslab run incident \\",
        "  -p 'also",
        "  -p 'limits",
    ]
    assert len(arguments(command)) == 6


def test_a_required_parameter_is_written_once_it_is_given(made):
    assert changed(find(made), {}) == {}
    assert changed(find(made), {"ticket": ""}) == {"ticket": ""}


def test_what_a_run_would_refuse_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'confidence'"):
        command_line("drift", {"confidnce": 0.9})
    with pytest.raises(ParameterError, match="less than 1"):
        plan_entry("drift", {"confidence": 2})
    with pytest.raises(ReportError, match="drift"):
        command_line("drfit", {})


@pytest.mark.parametrize(
    "secret",
    [
        "https://me:hunter2@host/v1",
        "ask https://host/v1?api_key=hunter2 about it",
        '["https://me:hunter2@host',
        ["fine", {"loki+http://host?token=hunter2": 1}],
        "zip://a.csv::https://me:hunter2@host/a.zip",
        'https://me:hun"ter2@host',
    ],
)
def test_credentials_are_refused_in_every_parameter_and_not_repeated(secret):
    with pytest.raises(ParameterError) as caught:
        refuse_credentials("endpoint", secret)
    assert "endpoint" in str(caught.value) and "environment" in str(caught.value)
    assert "hun" not in str(caught.value)
    with pytest.raises(ParameterError, match="credentials"):
        command_line("prompt_ab", {"endpoint": "https://me:hunter2@host/v1"})


@pytest.mark.parametrize("fine", ["github://me:repository@main/a.csv", "a:b@c", 1, None, ["x"]])
def test_what_is_no_credential_passes(fine):
    refuse_credentials("evidence", fine)
