"""Gestures in a real JupyterLab: from the end of a drag until the page shows what came of it."""

import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser.conftest import ARGUMENTS
from tests.browser.lab import Lab, jupyter

TIMES = 9
MADE = """
import pandas as pd, plotly.graph_objects as go, numpy as np
from aiopslab.charts import small_multiples
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush
import ipywidgets
times = pd.date_range("2026-03-01", periods=10_000, freq="s", tz="UTC")
walks = np.random.default_rng(0).normal(size=(10_000, 1000)).cumsum(axis=0)
series = pd.DataFrame(walks, times, [f"series {at}" for at in range(1000)])
view, told = View("Window"), ipywidgets.Label("none")
brush = WindowBrush(view.page, small_multiples(series, "1,000 series"), times)
brush.observe(lambda _: setattr(told, "value", f"chosen {brush.window[0]:%H:%M:%S}"), "window")
view.show(told, brush.widget)
view.summary = lambda: ""
view
"""


def figures() -> list[dict[str, Any]]:
    """Measure a round trip: drag, kernel, and back to the page."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        jupyter(Path(folder) / "jupyter") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        lab = Lab(server, browser.new_page(viewport={"width": 1400, "height": 1000}))
        lab.open(MADE)
        plot = lab.page.locator(".js-plotly-plot .nsewdrag").first
        plot.wait_for(timeout=60_000)
        label = lab.page.locator(".aiopslab-view .widget-label", has_text=re.compile("none|chosen"))
        taken = []
        for start in [0.1 + 0.05 * at for at in range(TIMES)]:
            before = label.inner_text()
            lab.drag(plot, start, start + 0.3)
            began = time.perf_counter()
            while label.inner_text() == before:
                pass
            taken.append(time.perf_counter() - began)
        browser.close()
    return [
        {
            "name": "drag of a window, to the kernel and back to the page",
            "value": statistics.median(taken),
            "target": 0.2,
            "note": f"1,000 series × 10,000 points; median of {TIMES}, in Chromium",
        }
    ]
