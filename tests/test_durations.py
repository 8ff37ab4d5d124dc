import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.durations import parse
from aiopslab.errors import ParameterError
from aiopslab.reports.parameters import read, validate

HORIZON = read('horizon: durations.Duration = "1h"  # How far ahead')


@pytest.mark.parametrize(
    ("text", "minutes"), [("30min", 30), ("1.5h", 90), ("7D", 10_080), ("01:30:00", 90)]
)
def test_durations_are_read(text, minutes):
    assert parse(text) == pd.Timedelta(minutes=minutes)
    assert validate(HORIZON, {"horizon": text}) == {"horizon": text}


@pytest.mark.parametrize("text", ["", "soon", "90", "0h", "-1h", "NaT", "1e300D", "1 fortnight"])
def test_what_is_no_duration_is_refused_before_anything_starts(text):
    assert parse(text) is None
    with pytest.raises(ParameterError, match=r"horizon is .*expected a duration above 0"):
        validate(HORIZON, {"horizon": text})


@given(st.text())
def test_any_text_is_a_duration_above_nothing_or_none(text):
    duration = parse(text)
    assert duration is None or duration > pd.Timedelta(0)
