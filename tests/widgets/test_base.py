"""What all widgets are made of, without a browser."""

import base64
import io
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from aiopslab.charts import small_multiples
from aiopslab.errors import AIOpsLabError
from aiopslab.widgets.page import Page
from aiopslab.widgets.panel import INK, Panel
from aiopslab.widgets.table import PagedTable, Table
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush

TIMES = pd.date_range("2026-03-01T12:00", periods=601, freq="s", tz="UTC")
EVIL = "<script>alert(1)</script>"


def load(times=TIMES):
    return small_multiples(pd.DataFrame({"cpu": np.arange(len(times), dtype=float)}, times), "Load")


class Told(View):
    def summary(self):
        return "<p>what there is</p>"

    def pictures(self):
        return [load()]


def test_without_a_kernel_a_summary_and_pictures_with_their_words_are_seen():
    bundle = Told("Load")._repr_mimebundle_()
    read = BeautifulSoup(bundle["text/html"], "html.parser")
    assert read.p.get_text() == "what there is" and "cpu" in read.img["alt"]
    data = base64.b64decode(read.img["src"].partition(",")[2])
    assert Image.open(io.BytesIO(data)).size == (864, load().layout.height)
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bundle["text/plain"] == "Told({})"


def test_keys_that_were_not_asked_for_are_not_taken():
    page, heard = Page(shortcuts=["1", "u"]), []
    page.on_key(heard.append)
    for key in ("1", "2", "u", ""):
        page._hear({"key": key})
    assert heard == ["1", "u"]


def test_the_same_words_are_said_twice():
    page = Page()
    page.say("Stored.")
    first = page._said
    page.say("Stored.")
    assert page._said != first and page._said.strip("\N{NO-BREAK SPACE}") == "Stored."


def test_a_figure_is_redrawn_in_the_same_widget():
    panel = Panel(Page(), load())
    widget = panel.widget
    panel.draw(go.Figure(go.Bar(x=["a"], y=[1]), {"title": {"text": "Bars"}}))
    assert panel.widget is widget and [each.type for each in widget.data] == ["bar"]
    assert widget.layout.title.text == "Bars" and not widget.layout.annotations
    assert panel.page.names[panel.css_class] == "Bars"
    panel.draw(load())
    assert [each.type for each in widget.data] == ["scatter"] and widget.layout.annotations


def test_a_figure_is_as_wide_as_its_place_from_the_first_moment_on():
    state = Panel(Page(), load()).widget.get_state()
    assert state["_config"]["responsive"] and not state["_config"]["displayModeBar"]
    assert [each["type"] for each in state["_widget_data"]] == ["scatter"]


def test_text_has_the_ink_of_the_theme():
    panel = Panel(Page(), load())
    assert panel.widget.layout.font.color == INK[False]
    panel.page.dark = True
    assert panel.widget.layout.font.color == INK[True]
    panel.draw(load())
    assert panel.widget.layout.font.color == INK[True]


@pytest.mark.parametrize(("dark", "page"), [(False, "#ffffff"), (True, "#111111")])
def test_the_ink_is_read_on_the_page(dark, page):
    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    low, high = sorted([luminance(INK[dark]), luminance(page)])
    assert (high + 0.05) / (low + 0.05) >= 7


def test_who_zooms_in_is_sent_the_points_of_the_part():
    spike = np.zeros(1_000_000)
    spike[500_001] = 1
    panel = Panel(Page(), go.Figure(go.Scatter(x=np.arange(len(spike)), y=spike, mode="lines")))
    assert 1000 < len(panel.widget.data[0].x) <= 4000 and max(panel.widget.data[0].y) == 1
    panel.widget.layout.xaxis.range = (500_000, 500_010)
    assert list(panel.widget.data[0].x) == list(range(499_999, 500_011))
    panel.widget.layout.xaxis.range = None
    assert 1000 < len(panel.widget.data[0].x) <= 4000


def test_a_drag_is_a_window_of_time_and_of_numbers():
    panel, seen = Panel(Page(), load(), brush=True), []
    panel.on_brush(lambda low, high: seen.append((low, high)))
    late, early = "2026-03-01 12:05:00.25", "2026-03-01 12:01"
    panel.page._hear({"brush": panel.css_class, "range": [late, early]})
    panel.page._hear({"brush": panel.css_class, "range": [3, 1.5]})
    panel.page._hear({"brush": "another", "range": [3, 1.5]})
    times = tuple(pd.Timestamp(each, tz="UTC") for each in (early, late))
    assert seen == [times, (1.5, 3.0)]


def dragged(brush, low, high):
    brush.panel.page._hear({"brush": brush.panel.css_class, "range": [low, high]})


def test_a_window_is_dragged_within_the_time_there_is():
    brush = WindowBrush(Page(), load(), TIMES)
    assert brush.window == (TIMES[0], TIMES[-1])
    dragged(brush, "2026-03-01 11:00", "2026-03-01 12:03")
    assert brush.window == (TIMES[0], TIMES[180])
    assert brush.told.value == "window: 2026-03-01 12:00:00 to 12:03:00 UTC"
    dragged(brush, "2026-03-02 11:00", "2026-03-02 12:03")  # nothing of it is there
    assert brush.window == (TIMES[0], TIMES[180])
    (shape,) = [each for each in brush.panel.widget.layout.shapes if each.name]
    assert (shape.x0, shape.x1) == ("2026-03-01T12:00:00", "2026-03-01T12:03:00")


def test_slider_and_drag_are_one_window():
    brush, seen = WindowBrush(Page(), load(), TIMES, (TIMES[60], TIMES[120])), []
    brush.observe(lambda change: seen.append(change["new"]), "window")
    dragged(brush, "2026-03-01 12:02:00.4", "2026-03-01 12:04:00.4")
    exact = (TIMES[120] + pd.Timedelta("400ms"), TIMES[240] + pd.Timedelta("400ms"))
    assert brush.window == exact, "the slider's stops do not round what was dragged"
    stops = brush.slider._options_values if hasattr(brush.slider, "_options_values") else None
    brush.slider.value = (stops[0], stops[5])
    assert brush.window == (stops[0], stops[5]) and seen == [exact, brush.window]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_times_are_a_window_too(count):
    brush = WindowBrush(Page(), load(TIMES[:count]), TIMES[:count])
    assert brush.window == (TIMES[0], TIMES[count - 1])


def test_no_time_is_told():
    with pytest.raises(AIOpsLabError, match="no time to choose"):
        WindowBrush(Page(), go.Figure(), TIMES[:0])


def sent(table):
    return str(table.widget._dt_args)


def test_markup_in_a_table_stays_dead():
    table = Table(pd.DataFrame({EVIL: [EVIL], "π": ["é"]}), "caption")
    assert "<script" not in sent(table).replace("&lt;script", "").replace("\\u003cscript", "")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame({"a": [np.nan], "b": [None], "c": [{"d": 1}], "e": [pd.NaT]}),
        pd.DataFrame({"t": TIMES[:3]}, index=[1, 1, 1]),
    ],
)
def test_tables_of_nothing_and_of_odd_things(frame):
    Table(pd.DataFrame({"a": [1]}), "rows").draw(frame)
    paged = PagedTable(frame, "rows")
    assert paged.pages == 1 and str(len(frame)) in paged.status.value


def test_names_in_a_category_are_found_as_texts_are():
    lines = pd.DataFrame(
        {"service": ["auth", None, "cache", "auth"], "body": ["x", "auth", "y", "z"]}
    )
    for frame in (lines, lines.astype({"service": "category"})):
        paged = PagedTable(frame, "lines", searched=["service", "body"])
        paged.search.value = "AUTH"
        assert paged.status.value == "rows 1 to 3 of 3 (of 4)"


def test_pages_hold_every_row_once_and_searching_finds_each():
    frame = pd.DataFrame({"body": [f"line {n}" for n in range(107)], "number": range(107)})
    paged, seen = PagedTable(frame, "lines", rows=10, searched=["body"]), []
    for _ in range(paged.pages):
        seen += paged.table.widget.df["number"].tolist()
        paged.next.click()
    assert seen == list(range(107)) and paged.page == 10
    assert not any(each.disabled for each in (paged.first, paged.next, paged.last))
    paged.search.value = "Line 10"
    assert paged.table.widget.df["number"].tolist() == [10, *range(100, 107)]
    paged.search.value = "no such (line"
    assert paged.status.value == "no rows of 107" and paged.pages == 1
    paged.draw(frame.head(3))
    assert paged.status.value == "no rows of 3"
    paged.search.value = ""
    assert re.fullmatch("rows 1 to 3 of 3", paged.status.value)
