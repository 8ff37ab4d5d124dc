"""Numbers, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts.scorers import number
from aiopslab.prompts.scorers.numbers import last_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("1 234 567,5", 1234567.5),
        ("1\u202f234", 1234),
        ("1'234.5", 1234.5),
        ("1.234.567", 1234567),
        ("1,5", 1.5),
        ("0.001", 0.001),
        ("$-5", -5),
        ("−$5", -5),
        ("GPT-4", 4),
        ("3-5", 5),
        ("from 10 to 20.", 20),
        ("½", 0.5),
        ("1½", 1.5),
        ("1 1/2", 1.5),
        ("-3/4", -0.75),
        ("1e5", 1e5),
        ("-3.2E-4", -3.2e-4),
        ("٣٫٥", 3.5),
        ("४२", 42),
        ("４２", 42),
        ("x=12", 12),
        ("the 1st", 1),
        ("#### 18", 18),
        ("1,2,3", 3),
        ("12 345 apples", 12345),
        ("call 911 or 2024 100", 100),
    ],
)
def test_the_last_number_is_read(text, value):
    assert last_number(text) == (pytest.approx(value), False)


@pytest.mark.parametrize(
    "text", ["", "none", "v1.2.3", "5/0", "9" * 400, "👍", "½".replace("½", "")]
)
def test_what_is_no_number_is_unparsed(text):
    assert last_number(text) is None
    assert number()(text, {"expected": 1}).status == "unparsed"


@given(st.floats(-1e12, 1e12).map(lambda each: round(each, 4)), st.sampled_from([",", " ", "'"]))
def test_a_number_is_read_back_with_separators(value, separator):
    written = f"{value:,.4f}".replace(",", separator)
    assert last_number(f"It is {written}.") == (pytest.approx(value), False)


@given(st.text(max_size=300), st.integers(-(10**9), 10**9))
def test_what_comes_last_counts_after_any_text(text, value):
    assert last_number(f"{text}\nSo it is: {value}") == (value, False)


@pytest.mark.parametrize(
    ("options", "output", "expected", "right"),
    [
        ({}, "45%", 45, True),
        ({}, "45%", 0.45, True),
        ({}, "45 percent", "45%", True),
        ({}, "0.45", "45%", True),
        ({}, "45", 0.45, False),
        ({}, "7.01", 7, False),
        ({"tolerance": 0.02}, "7.01", 7, True),
        ({"relative": 0.01}, "101", 100, True),
        ({"relative": 0.01}, "102", 100, False),
        ({}, "1/3", "0.3333333333", True),
    ],
)
def test_tolerance_and_percentages(options, output, expected, right):
    assert number(**options)(output, {"expected": expected}).value == right


def test_bad_options_and_references_are_said():
    with pytest.raises(ParameterError, match="tolerance is -1"):
        number(tolerance=-1)
    with pytest.raises(PromptError, match="is no number"):
        number()("1", {"expected": "one"})
