"""What all widgets are made of, in JupyterLab: windows, figures, tables, keys, the theme."""

import pytest

pytestmark = pytest.mark.browser

MADE = """
import numpy as np, pandas as pd, plotly.graph_objects as go
from aiopslab.charts import small_multiples
from aiopslab.widgets.panel import Panel
from aiopslab.widgets.table import PagedTable, Table
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush

class Sample(View):
    def __init__(self):
        super().__init__("A sample")
        times = pd.date_range("2026-03-01", periods=20_000, freq="s", tz="UTC")
        noise = np.random.default_rng(0).normal(size=(20_000, 2)).cumsum(axis=0)
        frame = pd.DataFrame(noise, times, ["<b>cpu", "memory"])
        self.brush = WindowBrush(self.page, small_multiples(frame, "Load"), times)
        self.lines = PagedTable(
            pd.DataFrame({"body": [f"<i>line {n}" for n in range(1000)]}),
            "Lines", searched=["body"],
        )
        self.marks = Panel(self.page, go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 1, 1],
            mode="markers", marker_size=40, text=["a", "b", "c"], name="marks")))
        self.picked, self.heard = [], []
        self.marks.on_pick(lambda pick: self.picked.append(pick.text))
        self.lines.table.on_pick(self.picked.append)
        self.page.shortcuts = ["u"]
        self.page.on_key(self.heard.append)
        self.show(self.brush.widget, self.marks.widget, self.lines.widget)

    def summary(self):
        return "<p>a sample</p>"

sample = Sample()
sample
"""


@pytest.fixture
def sample(lab):
    lab.open(MADE)
    lab.page.wait_for_selector(".aiopslab-view .js-plotly-plot .nsewdrag", timeout=30_000)
    lab.page.wait_for_selector(".aiopslab-view table.dataTable tbody tr")
    return lab


def window_is(start, end):
    """Return whether the window is from one second to another, but for the width of some pixels."""
    first, last = (
        f"(sample.brush.window[{at}] - sample.brush.first).total_seconds()" for at in (0, 1)
    )
    return f"abs({first} - {start}) < 500 and abs({last} - {end}) < 500"


def follows_the_theme(sample):
    page = sample.page
    ink = "document.querySelector('.js-plotly-plot').layout.font.color"
    light = page.evaluate(ink)
    choose = "theme => void window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    page.evaluate(choose, "JupyterLab Dark")
    page.wait_for_function(f"{ink} !== '{light}'")
    assert sample.kernel("sample.page.dark") is True
    page.evaluate(choose, "JupyterLab Light")
    page.wait_for_function(f"{ink} === '{light}'")


def test_windows_figures_tables_keys_and_the_theme_answer(sample):
    page = sample.page
    plot = page.locator(".aiopslab-view .js-plotly-plot").first
    sample.drag_until(plot.locator(".nsewdrag").first, 0.25, 0.5, window_is(5_000, 10_000))
    named = page.locator(".aiopslab-view [role=group][aria-label]").first
    assert "Load" in named.get_attribute("aria-label")
    # The window is marked on the figure, and moves by the keyboard.
    page.wait_for_function("document.querySelectorAll('.shapelayer path').length > 0")
    before = sample.kernel("str(sample.brush.window[1])")
    page.locator(".aiopslab-view .noUi-handle").nth(1).focus()
    page.keyboard.press("ArrowRight")
    sample.until(f"str(sample.brush.window[1]) > {before!r}", True)
    # A second window is dragged across the first.
    sample.drag_until(plot.locator(".nsewdrag").first, 0.4, 0.75, window_is(8_000, 15_000))
    mark = page.locator(".aiopslab-view .scatterlayer .point").nth(1)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    sample.until("sample.picked", ["b"])
    page.locator("table.dataTable tbody tr").nth(2).click()
    sample.until("sample.picked", ["b", 2])
    assert "<i>line 2" in page.locator("table.dataTable tbody tr").nth(2).inner_text()
    page.get_by_role("button", name="Last").focus()
    page.keyboard.press("Enter")
    sample.until("sample.lines.page", 19)
    page.keyboard.press("u")
    sample.until("sample.heard", ["u"])
    assert sample.page.locator(".jp-Notebook .jp-CodeCell").count() == 1, "no key reached the cells"
    page.get_by_placeholder("words, then Enter").fill("LINE 99")
    page.keyboard.press("Enter")
    sample.until("sample.lines.status.value", "rows 1 to 11 of 11 (of 1,000)")
    page.wait_for_function("document.querySelectorAll('table.dataTable tbody tr').length === 11")
    follows_the_theme(sample)
    assert sample.complaints == [] and sample.broken() == []
