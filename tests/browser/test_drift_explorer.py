"""The drift explorer in a real JupyterLab: brushed, picked, slid and typed, as a person does."""

IMPORTS = """
import numpy as np
import pandas as pd
from aiopslab.widgets import DriftExplorer

rng = np.random.default_rng(0)
rows = 4_000
plan = rng.choice(["basic", "pro"], rows)
late = (np.arange(rows) >= 3_000) & (plan == "pro")
loans = pd.DataFrame(
    {
        "timestamp": pd.date_range("2026-03-01", periods=rows, freq="864s", tz="UTC"),
        "age": rng.normal(40, 10, rows) + 12 * late,
        "income": rng.lognormal(3, 0.5, rows),
        "plan": plan,
        "score": rng.random(rows),
    }
)
"""
EXPLORER = "explorer = DriftExplorer(loans)\nexplorer"


def test_windows_are_brushed_features_picked_and_alarms_counted(lab):
    lab.open(IMPORTS, EXPLORER)
    view = lab.page.locator(".aiopslab-view")
    view.get_by_text("columns drifted").first.wait_for()
    before = lab.kernel("explorer.selection")

    # The current window is dragged over the second strip, the reference set by its slider's keys.
    strips = view.locator(".js-plotly-plot")
    strips.nth(1).locator(".nsewdrag").first.wait_for()
    moved = f"explorer.selection['current'] != {before['current']!r}"
    lab.drag_until(strips.nth(1).locator(".nsewdrag").first, 0.8, 0.99, moved)
    assert lab.kernel("explorer.selection['current'][0]") > "2026-03-30"
    handle = view.locator(".noUi-handle-upper").first
    handle.focus()
    for _ in range(4):  # two bins of time
        lab.page.keyboard.press("ArrowLeft")
    lab.until(f"explorer.selection['reference'][1] < {before['reference'][1]!r}", True)

    # A row of the table is clicked: its distributions are drawn, in the page and in the kernel.
    view.locator("table tbody tr", has_text="income").first.click()
    lab.until("explorer.selection['feature']", "income")
    view.get_by_text("income:").first.wait_for()
    view.get_by_label("Feature", exact=True).select_option("age")
    lab.until("explorer.selection['feature']", "age")

    # The threshold is moved by keys, until there is no alarm.
    view.get_by_text("alarm").first.wait_for()
    slider = view.locator(".widget-hslider", has_text="Threshold").locator(".noUi-handle")
    slider.focus()
    lab.page.keyboard.press("End")
    view.get_by_text("No alarm in 40 days.").wait_for()
    assert lab.kernel("explorer.selection['threshold']") > 40
    slider.focus()
    lab.page.keyboard.press("Home")
    view.get_by_text("the first raised").first.wait_for()

    view.get_by_role("button", name="Find segments").click()
    view.get_by_text("plan = pro").first.wait_for(timeout=60_000)
    assert "plan = pro" in lab.kernel("explorer.tree.value")
    lab.picture("drift", view)
    assert lab.broken() == []
    assert lab.complaints == []
