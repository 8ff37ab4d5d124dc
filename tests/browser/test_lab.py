"""The Launcher of `aiopslab lab`, used as a person would: every tile is clicked."""

import re

import pytest

from tests.browser.conftest import has_failed, keep
from tests.browser.lab import PICTURES, ROOT
from tests.lab.running import running

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.slow]

# MLflow's own page asks this even of a server that knows no users.
TOLERATED = re.compile(r"/mlflow/ajax-api/[\d.]+/mlflow/users/current")
LIMIT_MS, MLFLOW_LIMIT_MS = 60_000, 150_000  # on a very busy machine


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workbench")
    with running(folder / "lab", home=folder) as lab:
        yield lab


@pytest.fixture
def context(chromium, workbench, request):
    """Yield a browser's window that notes errors and whatever goes to another host."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(LIMIT_MS)
    context.tracing.start(snapshots=True)
    context.complaints = complaints = []
    inside = (f"{workbench.address}/", workbench.address.replace("http", "ws"), "data:", "blob:")
    context.on("request", lambda sent: sent.url.startswith(inside) or complaints.append(sent.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: _hear(message, complaints))
    yield context
    if has_failed(request):
        keep(context.pages[0], request)
    context.close()


def _hear(message, complaints):
    if message.type == "error" and not TOLERATED.search(message.location.get("url", "")):
        complaints.append(f"{message.text} {message.location}")


def tile(page, label):
    return page.locator(".jp-LauncherCard", has_text=label)


def launcher(page):
    """Open the Launcher again; a notebook has taken its place."""
    page.keyboard.press("Control+Shift+L")
    tile(page, "MLflow").wait_for()


def test_every_tile_of_the_launcher_and_the_palette_open_what_they_say(context, workbench):
    page = context.new_page()
    page.goto(f"{workbench.address}/lab?token={workbench.token}")
    tile(page, "Find the cause of an incident, by hand").wait_for()
    headings = page.locator(".jp-Launcher-sectionTitle").all_inner_texts()
    assert headings[:3] == ["New from template", "Results", "Walkthroughs"]
    page.locator(".jp-DirListing-item", has_text="notebooks").wait_for()
    assert page.locator(".jp-Notification-List, .Toastify__toast").count() == 0, "no news"
    if PICTURES is not None:
        page.screenshot(path=ROOT / PICTURES / "lab.png")

    with context.expect_page() as opened:
        tile(page, "Report gallery").click()
    gallery = opened.value
    gallery.get_by_text("aiopslab run incident").wait_for()
    background = "getComputedStyle(document.body).backgroundColor"
    light = gallery.evaluate(background)
    gallery.get_by_role("button", name="Light or dark").click()
    assert gallery.evaluate(background) != light, "its script works"
    assert gallery.evaluate("self.origin") == "null", "and cannot reach JupyterLab"
    gallery.close()

    # The same from the palette of commands, by the keyboard alone.
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("Report gallery")
    page.locator(".lm-CommandPalette-item", has_text="Results: Report gallery").wait_for()
    with context.expect_page() as opened:
        page.keyboard.press("Enter")
    opened.value.get_by_text("aiopslab run incident").wait_for()
    opened.value.close()

    tile(page, "Incident root-cause analysis").click()
    page.locator(".jp-Notebook").wait_for()
    page.locator(".jp-NotebookPanel-toolbar, .jp-Toolbar").get_by_text("Python 3").wait_for()
    tab = page.locator(".lm-TabBar-tab.lm-mod-current", has_text="aiopslab-incident.ipynb")
    tab.wait_for()
    page.locator(".jp-Cell:not(.jp-MarkdownCell) .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-InputPrompt", has_text="[1]:").wait_for()

    launcher(page)
    tile(page, "Find the cause of an incident, by hand").click()
    page.locator(".lm-TabBar-tab.lm-mod-current", has_text="incident.ipynb").last.wait_for()
    page.locator(".jp-Notebook", has_text="by hand").last.wait_for()

    launcher(page)
    with context.expect_page() as opened:
        tile(page, "MLflow").click()
    mlflow = opened.value
    mlflow.wait_for_url("**/mlflow/**", timeout=MLFLOW_LIMIT_MS)
    mlflow.get_by_role("link", name="Default").first.wait_for()
    assert context.complaints == []
