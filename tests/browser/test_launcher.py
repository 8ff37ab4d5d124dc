"""The launcher in JupyterLab: typed into, run, looked at, stopped."""

import re

import pytest

pytestmark = pytest.mark.browser

MADE = """
import os
os.environ["MLFLOW_TRACKING_URI"] = "file:none"  # which is no server, so that nothing waits for it
from aiopslab.widgets import Launcher
ignored = [f"component_{number}" for number in range(6)]
launcher = Launcher("drift", ignored=ignored)
launcher
"""
CHOSEN = "launcher.selection['parameters'].get('confidence')"
STATUS = "[each.status for each in launcher.runs.records]"


@pytest.fixture
def launcher(lab):
    lab.open(MADE, name="launcher.ipynb")
    lab.page.wait_for_selector(".aiopslab-view")
    return lab


def test_times_are_of_utc_and_secrets_are_dots_wherever_the_reader_is(launcher):
    page = launcher.page
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    view = page.locator(".aiopslab-view")
    start = view.get_by_label("start", exact=True)
    calendar = view.locator("input[type=datetime-local]").first
    start.fill("2026-03-01T12:00:00+02:00")
    calendar_shows = "() => document.querySelector('input[type=datetime-local]').value"
    page.wait_for_function(f"({calendar_shows})().startsWith('2026-03-01T10:00')")
    calendar.fill("2026-03-01T11:30:00")
    calendar.press("Tab")
    launcher.until("launcher.selection['parameters'].get('start')", "2026-03-01T11:30:00Z")
    assert start.input_value() == "2026-03-01T11:30:00Z"

    model = view.get_by_label("model", exact=True)
    model.fill("https://me:hunter2@host/model")
    view.get_by_role("alert").filter(has_text="credentials").wait_for()
    dots = "(box) => getComputedStyle(box).webkitTextSecurity"
    assert model.evaluate(dots) == "disc" and start.evaluate(dots) == "none"
    assert "hunter2" not in view.inner_text()
    assert launcher.kernel("'hunter2' in launcher.summary() + repr(launcher)") is False
    assert launcher.broken() == [] and launcher.complaints == []
    session.send("Emulation.setTimezoneOverride", {"timezoneId": ""})
    session.detach()


def test_a_report_is_filled_in_run_opened_and_run_again_to_be_stopped(launcher):
    page = launcher.page
    view = page.locator(".aiopslab-view")
    confidence = view.get_by_label("confidence", exact=True)
    confidence.fill("2")
    view.get_by_role("alert").filter(has_text="should be less than 1").wait_for()
    view.get_by_text("Mend before running: confidence").wait_for()
    assert launcher.kernel(CHOSEN) is None
    run, stop = (view.get_by_role("button").filter(has_text=name) for name in ("Run", "Stop"))
    run.click()
    view.get_by_role("alert").filter(has_text="Mend confidence").wait_for()

    confidence.fill("")
    confidence.press_sequentially("0.9")
    launcher.until(CHOSEN, 0.9)
    view.get_by_role("alert").filter(has_text="should be").wait_for(state="detached")
    assert "-p confidence=0.9" in view.get_by_label("Command", exact=True).inner_text()
    run.press("Enter")
    progress = view.locator(".widget-html-content")
    progress.filter(has_text=re.compile(r"cell \d+ of 12")).wait_for(timeout=60_000)
    assert stop.is_enabled() and run.is_disabled()
    assert launcher.kernel("6 * 7") == 42, "the kernel is free"
    link = view.get_by_role("link", name="Open the report")
    link.wait_for(timeout=90_000)
    launcher.until(STATUS, ["finished"])
    with page.expect_popup() as opened:
        link.click()
    report = opened.value
    report.wait_for_selector("html[data-drawn]")
    assert "Drift" in report.title()
    report.close()

    run.click()
    progress.filter(has_text=re.compile(r"cell \d+ of 12")).wait_for(timeout=60_000)
    stop.click()
    view.get_by_role("listitem").filter(has_text="✕ failed").wait_for(timeout=60_000)
    launcher.until(STATUS, ["failed", "finished"])
    assert view.get_by_role("link", name="Open the report").count() == 2
    assert launcher.kernel("launcher.selection") == {
        "template": "drift",
        "parameters": {"ignored": [f"component_{n}" for n in range(6)], "confidence": 0.9},
    }
    page.set_viewport_size({"width": 1400, "height": 2000})  # so that all of the form is in view
    launcher.picture("launcher", view)
    assert launcher.broken() == [] and launcher.complaints == []
