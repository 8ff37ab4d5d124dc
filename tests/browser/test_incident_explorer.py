"""The incident explorer in a real JupyterLab: brushed, pinned, searched, analysed, and judged."""

import pytest

pytestmark = pytest.mark.browser

EXPLORER = """
from aiopslab import sources
from aiopslab.widgets import IncidentExplorer

explorer = IncidentExplorer(sources.open("sample://database-pool"), labels="causes.db")
explorer
"""


def test_a_window_is_brushed_a_service_pinned_and_the_cause_marked(lab):
    lab.open(EXPLORER)
    view = lab.page.locator(".aiopslab-view")
    view.get_by_text("First reading of").wait_for()
    before = lab.kernel("explorer.selection")
    strip = view.locator(".js-plotly-plot").first.locator(".nsewdrag").first
    strip.wait_for()

    # A window is dragged over the timeline, and its start moved by the keyboard.
    lab.drag_until(strip, 0.7, 0.9, f"explorer.selection['start'] != {before['start']!r}")
    dragged = lab.kernel("explorer.selection")
    assert dragged["start"] < dragged["end"] < before["end"]
    view.locator(".noUi-handle-lower").first.focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until(f"explorer.selection['start'] < {dragged['start']!r}", True)
    lab.until("explorer.ranking['service'].iloc[0]", "database")
    view.locator("pre", has_text="-p onset=2026-11-23").wait_for()

    # A service is clicked on the map, another chosen in the list.
    marks = view.locator(".js-plotly-plot").nth(1).locator(".scatterlayer .point")
    marks.last.wait_for()
    box = marks.last.bounding_box()
    marks.last.scroll_into_view_if_needed()
    box = marks.last.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.until("explorer.selection['service'] in explorer.case.services", True)
    view.get_by_label("Pinned:").select_option("gateway")
    lab.until("explorer.selection['service']", "gateway")
    view.get_by_text("Of gateway alone.").first.wait_for()

    # The next tab is opened, and log lines are searched.
    view.get_by_role("tab", name="Traces").click()
    view.get_by_text("Where the slowest requests").first.wait_for()
    view.get_by_role("tab", name="Logs").click()
    view.get_by_label("search").first.fill("nothing says this")
    view.get_by_label("search").first.press("Enter")
    view.get_by_text("no rows of").first.wait_for()

    # The window is analysed, and the cause is marked.
    view.get_by_role("button", name="Analyse this window").click()
    view.get_by_text("most likely in database").first.wait_for(timeout=60_000)
    view.get_by_label("Pinned:").select_option("database")
    view.get_by_label("Who:").fill("ann")
    view.get_by_label("Who:").press("Tab")
    view.get_by_role("button", name="This was the cause").click()
    view.locator("p", has_text="Stored: database was the cause, says ann.").wait_for()
    lab.until("explorer.cause.labels.table()['service'].tolist()", ["database"])

    view.get_by_label("search").first.fill("")
    view.get_by_label("search").first.press("Enter")
    view.get_by_label("Pinned:").select_option(index=0)
    view.get_by_role("tab", name="Alerts").click()
    lab.picture("incident_explorer", view)
    assert lab.broken() == [] and lab.complaints == []
