"""Each walkthrough opened and run in JupyterLab, and one in plain Jupyter Notebook 7."""

from pathlib import Path

import pytest

from tests.browser.lab import Lab, jupyter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted(Path(__file__).parents[2].glob("notebooks/*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_walkthrough_runs_to_its_verdict_without_a_complaint(lab, notebook):
    (lab.server.root / notebook.name).write_bytes(notebook.read_bytes())
    lab.run(notebook.name)
    verdict = lab.page.locator(".jp-OutputArea-output .aiopslab-verdict").last
    verdict.scroll_into_view_if_needed()
    assert verdict.is_visible()
    # A notebook builds what is out of sight when it comes into sight.
    for cell in lab.page.locator(".jp-Notebook .jp-CodeCell").all():
        cell.scroll_into_view_if_needed()
    assert lab.broken() == [] and lab.complaints == []


def test_widgets_answer_in_plain_jupyter_notebook_too(chromium, tmp_path):
    made = """
import plotly.graph_objects as go
from aiopslab.widgets.page import Page
from aiopslab.widgets.panel import Panel
page, seen = Page(), []
import ipywidgets
panel = Panel(page, go.Figure(go.Scatter(x=[0, 10], y=[1, 2], mode="lines")), brush=True)
panel.on_brush(lambda low, high: seen.append([round(low), round(high)]))
box = ipywidgets.VBox([page, panel.widget])
box.add_class("aiopslab-view")
box
"""
    with jupyter(tmp_path / "notebook", "notebook") as server:
        context = chromium.new_context(viewport={"width": 1200, "height": 900})
        notebook = Lab(server, context.new_page())
        notebook.open(made)
        plot = notebook.page.locator(".js-plotly-plot .nsewdrag").first
        plot.wait_for(timeout=30_000)
        notebook.drag(plot, 0.25, 0.5)
        notebook.until("len(seen)", 1)
        low, high = notebook.kernel("seen[0]")
        assert (abs(low - 2), abs(high - 5)) <= (1, 1)
        # Jupyter Notebook 7.6 itself misses a setting while it starts, and says so.
        told = [each for each in notebook.complaints if "reading 'schema'" not in each]
        assert told == [] and notebook.broken() == []
        context.close()
