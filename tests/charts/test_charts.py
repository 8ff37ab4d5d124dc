import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.charts import Mark, ranked_bars, small_multiples
from aiopslab.charts.multiples import thinned
from aiopslab.charts.theme import PALETTE

TIMES = pd.date_range("2026-03-01", periods=5, freq="s", tz="UTC")


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("page", ["#ffffff", "#14171c"])
def test_every_colour_stands_out_on_light_and_on_dark(colour, page):
    low, high = sorted([luminance(colour), luminance(page)])
    assert (high + 0.05) / (low + 0.05) >= 3


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9) | st.just(np.nan), min_size=0, max_size=400))
def test_thinning_keeps_order_and_extremes(values):
    series = pd.Series(values, pd.RangeIndex(len(values)), dtype=float)
    thin = thinned(series, points=40)
    assert len(thin) <= max(40, min(len(series), 40))
    assert thin.index.is_monotonic_increasing and thin.index.is_unique
    if series.notna().any():
        assert (thin.min(), thin.max()) == (series.min(), series.max())


def test_gaps_stay_gaps_and_times_stay_utc():
    frame = pd.DataFrame({("auth", "cpu"): [1, np.nan, 3, 4, 5]}, TIMES.tz_convert("Asia/Tokyo"))
    figure = small_multiples(frame, "CPU", [Mark(TIMES[2], "onset", TIMES[1], TIMES[3])])
    assert figure.data[0].connectgaps is False
    assert pd.Timestamp(figure.data[0].x[0]) == TIMES[0].tz_localize(None)
    assert any(note.text == "onset" for note in figure.layout.annotations)


def test_empty_input_draws_an_empty_figure():
    small_multiples(pd.DataFrame(index=TIMES), "Nothing")
    ranked_bars(
        pd.DataFrame(columns=["service", "score", "low", "high"]), "service", "score", "", ""
    )


def test_words_that_read_as_numbers_have_a_bar_each():
    table = pd.DataFrame({"word": ["2026", "0800"], "change": 1.0, "low": 0.5, "high": 2.0})
    figure = ranked_bars(table, "word", "change", "Words", "points")
    assert (figure.layout.yaxis.type, figure.data[0].y) == ("category", ("0800", "2026"))


def test_the_name_of_a_mark_is_clear_of_the_name_of_the_first_row():
    frame = pd.DataFrame({"a": range(5), "b": range(5)}, TIMES)
    plain = small_multiples(frame, "Title")
    figure = small_multiples(frame, "Title", [Mark(TIMES[2], "onset")])
    notes = {note.text: note for note in figure.layout.annotations}
    assert (notes["onset"].yshift or 0) >= 12 + (notes["a"].yshift or 0)
    room = figure.layout.margin.t - plain.layout.margin.t
    assert room >= notes["onset"].yshift - (notes["a"].yshift or 0)
    assert figure.layout.height == plain.layout.height + room, "the rows are no lower for it"


def test_labels_are_escaped():
    frame = pd.DataFrame({("<b>x</b>", "cpu"): [1.0] * 5}, TIMES)
    assert "<b>x" not in small_multiples(frame, "t").layout.annotations[0].text
