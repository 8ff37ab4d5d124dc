"""A real Chromium, headless, with every request that leaves the disk blocked and counted."""

from pathlib import Path

import pytest

from tests.browser.lab import SIZE, Lab, jupyter
from tests.system import need

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"


@pytest.fixture(scope="package")  # Playwright's event loop must not outlive the browser tests
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def pytest_collection_modifyitems(items):
    """Keep all that use JupyterLab on one worker, so that one is started."""
    for item in items:
        if "jupyterlab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("jupyterlab"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


@pytest.fixture
def page(chromium, request):
    """Yield a page that knows its complaints: errors, console messages, requests to the network."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    context.tracing.start(snapshots=True)
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(f"error: {error}"))
    page.on("console", lambda message: page.complaints.append(f"{message.type}: {message.text}"))
    page.on("requestfailed", lambda lost: page.complaints.append(f"failed: {lost.url[:80]}"))
    page.on("request", lambda sent: _note(page, sent.url))
    yield page
    if has_failed(request):
        keep(page, request)
    context.close()


@pytest.fixture(scope="package")
def jupyterlab(tmp_path_factory):
    """A JupyterLab for all tests of one worker."""
    with jupyter(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server


@pytest.fixture
def lab(chromium, jupyterlab, request):
    """Yield a page in JupyterLab that can open notebooks, and ask page and kernel."""
    context = chromium.new_context(viewport=SIZE)
    context.tracing.start(snapshots=True)
    lab = Lab(jupyterlab, context.new_page())
    yield lab
    if has_failed(request):
        lab.disconnect()
        keep(lab.page, request)
    else:
        lab.close()
    context.close()


def has_failed(request):
    reports = (getattr(request.node, f"report_{when}", None) for when in ("setup", "call"))
    return any(report is not None and report.failed for report in reports)


def keep(page, request):
    """Keep a screenshot and a trace of a page on which a test failed."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
    page.context.tracing.stop(path=ARTIFACTS / f"{request.node.name}.zip")


def _note(page, url):
    if not url.startswith(("file:", "blob:", "data:")):
        page.complaints.append(f"request: {url[:80]}")
