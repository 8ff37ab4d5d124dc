"""The overview board in a real JupyterLab: chosen, slid and dragged, as a person does."""

BOARD = """
from aiopslab import sources
from aiopslab.overview import REHEARSAL
from aiopslab.widgets import OverviewBoard

source = "sample://classifier-degraded"
board = OverviewBoard(sources.open(source).frames, REHEARSAL, source=source)
board
"""


def test_tiles_are_chosen_targets_moved_and_a_window_dragged(lab):
    lab.open(BOARD)
    view = lab.page.locator(".aiopslab-view")
    cards = view.get_by_role("radio")
    cards.nth(4).wait_for()
    accuracy = view.get_by_role("radio", name="model accuracy")
    assert accuracy.get_attribute("aria-checked") == "true"
    assert "▲ act" in accuracy.inner_text() and "75.6 %" in accuracy.inner_text()

    # The keyboard alone: arrow keys move in the cards, and the focus goes with them.
    accuracy.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.until("board.selection['tile']", "response quality")
    lab.page.keyboard.press("End")
    lab.until("board.selection['tile']", "cost per query")
    view.get_by_text("Cost per query through time").first.wait_for()
    view.get_by_text("aiopslab run prompt_ab").first.wait_for()
    lab.page.wait_for_function("document.activeElement.dataset.tile === 'cost per query'")
    lab.page.keyboard.press("ArrowRight")  # around the end
    lab.until("board.selection['tile']", "infrastructure health")

    # A click, and the target of that tile by the keys of its slider.
    accuracy.click()
    lab.until("board.selection['tile']", "model accuracy")
    handle = view.locator(".widget-hslider", has_text="right predictions").locator(".noUi-handle")
    handle.focus()
    lab.page.keyboard.press("Home")
    lab.until("board.overview.targets.accuracy", 0.01)
    view.get_by_role("radio", name="model accuracy: watch").wait_for()
    view.get_by_role("button", name="Targets as given").click()
    view.get_by_role("radio", name="model accuracy: act").wait_for()
    assert lab.kernel("board.overview.targets.accuracy") == 0.8

    # The first half, before the fault, is dragged: then all was well.
    whole = lab.kernel("board.selection")
    figures = view.locator(".js-plotly-plot")
    lab.page.set_viewport_size({"width": 1400, "height": 1400})
    lab.picture("overview", view)
    moved = f"board.selection['end'] != {whole['end']!r}"
    lab.drag_until(figures.nth(1).locator(".nsewdrag").first, 0.02, 0.5, moved)
    view.get_by_role("radio", name="model accuracy: ok").wait_for()
    view.get_by_text("5 of 5 tiles meet their targets").first.wait_for()
    chosen = lab.kernel("board.selection")
    assert whole["start"] <= chosen["start"] and chosen["end"] < whole["end"]
    assert lab.kernel("board.to_parameters()['end']")[:19] == chosen["end"][:19]
    assert lab.broken() == []
    assert lab.complaints == []
