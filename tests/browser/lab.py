"""A real JupyterLab on loopback, whose notebooks a real browser opens, runs and uses."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from queue import Empty

import httpx

from aiopslab.kernels import kernel_name
from tests.notebooks import code

TOKEN = "of-the-tests-alone"
LAB, NOTEBOOK = "lab/tree", "notebooks"  # where either application opens a notebook
SIZE = {"width": 1400, "height": 1000}
ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("PICTURES")  # where `make pictures` keeps them; else none are taken
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
# A hard timer of two seconds in anywidget, which a busy machine passes; the widget comes later.
# What a page says of widgets that it cannot make, at whatever level.
WIDGETS = re.compile(r"model not found|Could not create|No version of module")
TOLERATED = re.compile(r"Failed to initialize model")
BROKEN = (
    "Click to show javascript error",
    "No version of module",
    "Error displaying widget",
    "Loading widget",
)


class Server:
    """JupyterLab, with folders of its own and nothing of the person's; it serves Notebook 7, too.

    Parameters
    ----------
    folder
        Of all that it keeps; notebooks are under ``folder/work``.
    """

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "work"
        self.root.mkdir(parents=True)
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))

    def start(self):
        command = [sys.executable, "-m", "jupyterlab"]
        command += ["--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
        command += ["--allow-root", f"--IdentityProvider.token={TOKEN}"]
        command += [f"--ServerApp.root_dir={self.root}", "--LabApp.news_url="]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        command += ["--LabApp.extension_manager=readonly"]
        command += [f"--LabApp.user_settings_dir={self.folder / 'settings'}"]
        command += [f"--LabApp.workspaces_dir={self.folder / 'workspaces'}"]
        command += ["--LabApp.expose_app_in_browser=True"]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        own = {
            f"JUPYTER_{each.upper()}_DIR": str(self.folder / each)
            for each in ("config", "data", "runtime")
        }
        own |= {"IPYTHONDIR": str(self.folder / "ipython"), "DO_NOT_TRACK": "1"}
        own["AIOPSLAB_KERNEL_IDLE_S"] = "60"  # until the parent of its kernels ends, too
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment | own, stdout=log, stderr=log, cwd=self.root
            )
        deadline = time.monotonic() + 90
        while not self._is_up():
            said = (self.folder / "log").read_text()
            assert self.process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.2)

    def stop(self):
        """Stop it, and the kernels that it started with it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)

    @cached_property
    def address(self):
        (about,) = (self.folder / "runtime").glob("jpserver-*.json")
        return json.loads(about.read_text())["url"].rstrip("/")

    def get(self, path):
        return httpx.get(f"{self.address}/{path}", params={"token": TOKEN}, timeout=10).json()

    def _is_up(self):
        try:
            return "started" in self.get("api/status")
        except (httpx.HTTPError, ValueError):
            return False


class Lab:
    """What a test does in JupyterLab: opens a notebook, runs it, uses it, asks page and kernel.

    `page` is Playwright's; `complaints` is what its console said and any request to another host.
    """

    def __init__(self, server, page, application=LAB):
        self.server, self.page, self.application = server, page, application
        self.complaints, self.name, self._client = [], None, None
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("console", self._heard)
        page.on("request", self._sent)

    def open(self, *cells, name="notebook.ipynb"):
        """Write a notebook with these sources as its code cells, and open and run it.

        Its kernel is one that has imported what the library needs.
        """
        notebook = {
            "cells": [code(source) for source in cells],
            "metadata": {"kernelspec": {"name": kernel_name(), "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        self.run(name, json.dumps(notebook))

    def run(self, name, notebook, seconds=150):
        """Write a notebook, open it and run all its cells."""
        (self.server.root / name).write_text(notebook)
        self.name = name
        if self.page.url == "about:blank":
            self.page.goto(f"{self.server.address}/{self.application}/{name}?token={TOKEN}&reset")
            self.page.wait_for_function("window.jupyterapp", timeout=60_000)
        else:
            self.page.evaluate(_OPEN, name)
        # Asked before its kernel is ready, it would ask back which kernel to take.
        self.page.wait_for_function(_READY, timeout=60_000)
        self.page.evaluate(_RESTORED)
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(_FINISHED, timeout=1000 * seconds)
        failed = self.page.locator(
            ".jp-OutputArea-output[data-mime-type*='jupyter.stderr'] .ansi-red-fg"
        )
        assert failed.count() == 0, failed.first.inner_text()

    def close(self):
        """Close the notebook and stop its kernel, so that the next one finds all as it was."""
        self.disconnect()
        if self.name is not None:
            self.page.evaluate(_CLOSE)
            self.page.set_viewport_size(SIZE)
        self.complaints, self.name = [], None

    def disconnect(self):
        """Let go of the kernel: a client that is only forgotten can block its process for ever."""
        if self._client is not None:
            self._client.stop_channels()
            self._client.context.destroy(linger=0)
            self._client = None

    def kernel(self, expression, seconds=30):
        """Return the value of an expression in the notebook's kernel, a plain Python value."""
        client = self._client = self._client or self._connected()
        asked = client.execute("", user_expressions={"value": expression}, store_history=False)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(Empty):
                reply = client.get_shell_msg(timeout=1)
                if reply["parent_header"].get("msg_id") == asked:
                    value = reply["content"]["user_expressions"]["value"]
                    assert value["status"] == "ok", value
                    return ast.literal_eval(value["data"]["text/plain"])
        raise TimeoutError(expression)

    def _connected(self):
        from jupyter_client import BlockingKernelClient

        sessions = self.server.get("api/sessions")
        ident = next(each["kernel"]["id"] for each in sessions if each["path"] == self.name)
        client = BlockingKernelClient()
        client.load_connection_file(self.server.folder / "runtime" / f"kernel-{ident}.json")
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        return client

    def until(self, expression, expected, seconds=20):
        """Wait until an expression has this value in the kernel; return it."""
        deadline = time.monotonic() + seconds
        while (value := self.kernel(expression)) != expected and time.monotonic() < deadline:
            time.sleep(0.05)  # to wait in the page would keep a snapshot of it each time
        assert value == expected, f"{expression} is {value}, not {expected}"
        return value

    def drag_until(self, locator, start, end, expression, seconds=60):
        """Drag until an expression is true in the kernel.

        A figure that is being drawn lets go of the mouse, and how long it is drawn is up to the
        machine: so the same drag is repeated, as a person would.
        """
        deadline = time.monotonic() + seconds
        self.drag(locator, start, end)
        while not self._comes(expression) and time.monotonic() < deadline:
            self.drag(locator, start, end)
        self.until(f"bool({expression})", True, seconds=1)

    def _comes(self, expression, seconds=3):
        deadline = time.monotonic() + seconds
        while not (is_so := self.kernel(f"bool({expression})")) and time.monotonic() < deadline:
            time.sleep(0.05)
        return is_so

    def drag(self, locator, start, end):
        """Drag over an element from one share of its width to another, at half its height."""
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        height = box["y"] + box["height"] / 2
        mouse = self.page.mouse
        mouse.move(box["x"] + start * box["width"], height)
        mouse.down()
        mouse.move(box["x"] + (start + end) / 2 * box["width"], height, steps=4)
        mouse.move(box["x"] + end * box["width"], height, steps=4)
        mouse.up()

    def picture(self, name, locator):
        """Keep a screenshot of an element, on a screen that is high enough for all of it."""
        if PICTURES is None:
            return
        usual = self.page.viewport_size
        height = int(locator.bounding_box()["height"]) + 600
        self.page.set_viewport_size({**usual, "height": max(height, usual["height"])})
        locator.scroll_into_view_if_needed()
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(500)  # what was out of sight is drawn
        locator.screenshot(path=ROOT / PICTURES / f"{name}.png")
        self.page.set_viewport_size(usual)

    def broken(self):
        """Return what outputs say of widgets that did not come."""
        text = self.page.locator("body").inner_text()
        return [each for each in BROKEN if each in text]

    def _heard(self, message):
        is_grave = message.type == "error" or WIDGETS.search(message.text)
        if is_grave and not TOLERATED.search(message.text):
            self._note(f"{message.type}: {message.text}")

    def _sent(self, request):
        host = self.server.address.removeprefix("http://").partition("/")[0]
        if not re.match(rf"(https?|wss?)://{re.escape(host)}/|blob:|data:", request.url):
            self._note(f"request: {request.url[:120]}")

    def _note(self, complaint):
        self.complaints.append(complaint)


_OPEN = """(path) => void window.jupyterapp.commands.execute('docmanager:open', {path})"""
_READY = """() => {
    const panel = window.jupyterapp.shell.currentWidget, kernel = panel?.sessionContext;
    return kernel?.isReady && panel.content?.widgets?.length
        && kernel.session?.kernel?.connectionStatus === 'connected'
        && kernel.session.kernel.status === 'idle';
}"""
# Until it has asked the kernel for earlier widgets, it may make new ones twice, the second empty.
_RESTORED = """async () => {
    const { rendermime } = window.jupyterapp.shell.currentWidget.content;
    const renderer = rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
    const manager = await renderer._manager.promise;
    while (!manager.restoredStatus) await new Promise((wake) => setTimeout(wake, 50));
    renderer.dispose();
}"""
_CLOSE = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.sessionContext.shutdown();
    panel.dispose();  // closed, it would ask whether to save
}"""
_FINISHED = """() => {
    const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
    const asked = cells.map((cell) => cell.querySelector('.jp-InputPrompt').textContent);
    return asked.length && asked.every((text) => /\\[\\d+\\]/.test(text));
}"""


@contextmanager
def jupyter(folder):
    """Start one, and stop it."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
