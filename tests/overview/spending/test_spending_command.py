"""The command: what it says, and how it exits."""

import pytest
from click.testing import CliRunner

from aiopslab.overview.spending.command import spending
from tests.overview.spending.test_spending_burn import daily
from tests.overview.spending.worlds import calls, two_models


@pytest.fixture
def ask(tmp_path):
    """Ask of calls in a file, and return how it ended."""

    def asked(frame, *arguments):
        path = tmp_path / "calls.parquet"
        frame.to_parquet(path)
        return CliRunner().invoke(spending, [str(path), *arguments])

    return asked


@pytest.mark.parametrize(
    ("frame", "arguments", "code"),
    [
        (daily([2.0] * 50), ["--budget", "150", "--period", "60D"], 0),
        (daily([2.0] * 30), [], 0),
        (daily([2.0] * 30), ["--budget", "90", "--period", "60D"], 3),
        (daily([2.0] * 30), ["--budget", "20", "--period", "60D"], 3),
        (calls(3), ["--budget", "90"], 4),
        (calls(30, cost=float("nan")), [], 4),
    ],
)
def test_the_exit_code_says_whether_the_budget_lasts(ask, frame, arguments, code):
    assert ask(frame, *arguments).exit_code == code


def test_it_tells_splits_savings_and_what_they_rest_on(ask):
    frame = two_models(rows=2_000, tenant=["a", "\x1b[2Jb"] * 1_000)
    told = ask(frame, "--by", "tenant", "--by", "model,tenant").output
    assert "Model small instead of large: saves" in told
    assert "both were called" in told
    assert "\x1b[2J" not in told
    assert "\\x1b[2Jb" in told


def test_prices_are_read_from_a_file(ask, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("model,input_usd,output_usd\nlarge,100,500\n")
    told = ask(calls(40, cost=float("nan")), "--prices", str(path))
    assert told.exit_code == 0
    assert "worked out from the prices" in told.output


def test_help_teaches_with_examples_and_exit_codes():
    told = CliRunner().invoke(spending, ["--help"]).output
    for each in ("Examples", "Exit codes", "--prices", "model,input_usd,output_usd"):
        assert each in told
