"""A real JupyterLab on loopback, whose notebooks a real browser opens, runs and uses."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from queue import Empty

import httpx

from tests.notebooks import code

TOKEN = "of-the-tests-alone"
APPLICATIONS = {"lab": "jupyterlab", "notebook": "notebook"}
PATHS = {"lab": "lab/tree", "notebook": "notebooks"}
ROOT = Path(__file__).parents[2]
# `make pictures` keeps them in the documentation; a test leaves the checkout as it is.
PICTURES = ROOT / os.environ.get("PICTURES", "test-artifacts/widgets")
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
# A hard timer of two seconds in anywidget, which a busy machine passes; the widget comes later.
# What a page says of widgets that it cannot make, at whatever level.
WIDGETS = re.compile(r"model not found|Could not create|No version of module")
TOLERATED = re.compile(r"Failed to initialize model")
BROKEN = ("Click to show javascript error", "No version of module", "Error displaying widget")


class Server:
    """JupyterLab, or plain Jupyter Notebook 7, with folders of its own and nothing of the person's.

    Parameters
    ----------
    folder
        Of all that it keeps; notebooks are under ``folder/work``.
    application
        ``lab`` or ``notebook``.
    """

    def __init__(self, folder, application="lab"):
        self.folder, self.application = folder, application
        self.root = folder / "work"
        self.root.mkdir(parents=True)
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))

    def start(self):
        command = [sys.executable, "-m", APPLICATIONS[self.application]]
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

    def stop_kernels(self):
        """Stop the kernels of all notebooks, so that the next one has the machine to itself."""
        for session in self.get("api/sessions"):
            address = f"{self.address}/api/sessions/{session['id']}"
            httpx.delete(address, headers={"Authorization": f"token {TOKEN}"}, timeout=20)

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

    def __init__(self, server, page):
        self.server, self.page = server, page
        self.complaints = []
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("console", self._heard)
        page.on("request", self._sent)

    def open(self, *cells, name="notebook.ipynb"):
        """Write a notebook with these sources as its code cells, and open and run it."""
        notebook = {
            "cells": [code(source) for source in cells],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.server.root / name).write_text(json.dumps(notebook))
        self.run(name)

    def run(self, name, seconds=150):
        """Open a notebook of the root folder and run all its cells."""
        self.name = name
        self.page.goto(
            f"{self.server.address}/{PATHS[self.server.application]}/{name}?token={TOKEN}&reset"
        )
        self.page.wait_for_function(
            "window.jupyterapp && document.querySelector('.jp-Notebook .jp-Cell')", timeout=60_000
        )
        # Asked before its kernel is ready, it would ask back which kernel to take.
        self.page.wait_for_function(_READY, timeout=60_000)
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(_FINISHED, timeout=1000 * seconds)
        failed = self.page.locator(
            ".jp-OutputArea-output[data-mime-type*='jupyter.stderr'] .ansi-red-fg"
        )
        assert failed.count() == 0, failed.first.inner_text()

    def kernel(self, expression, seconds=30):
        """Return the value of an expression in the notebook's kernel, a plain Python value."""
        from jupyter_client import BlockingKernelClient

        sessions = self.server.get("api/sessions")
        ident = next(each["kernel"]["id"] for each in sessions if each["path"] == self.name)
        client = BlockingKernelClient()
        client.load_connection_file(self.server.folder / "runtime" / f"kernel-{ident}.json")
        client.start_channels()
        try:
            asked = client.execute("", user_expressions={"value": expression}, store_history=False)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                try:
                    reply = client.get_shell_msg(timeout=1)
                except Empty:
                    continue
                if reply["parent_header"].get("msg_id") == asked:
                    value = reply["content"]["user_expressions"]["value"]
                    assert value["status"] == "ok", value
                    return ast.literal_eval(value["data"]["text/plain"])
            raise TimeoutError(expression)
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)  # else its sockets stay open, and one asks often

    def until(self, expression, expected, seconds=20):
        """Wait until an expression has this value in the kernel; return it."""
        deadline = time.monotonic() + seconds
        while (value := self.kernel(expression)) != expected and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        assert value == expected, f"{expression} is {value}, not {expected}"
        return value

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
        PICTURES.mkdir(parents=True, exist_ok=True)
        usual = self.page.viewport_size
        height = int(locator.bounding_box()["height"]) + 600
        self.page.set_viewport_size({**usual, "height": max(height, usual["height"])})
        locator.scroll_into_view_if_needed()
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(500)  # what was out of sight is drawn
        locator.screenshot(path=PICTURES / f"{name}.png")
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


_READY = """() => {
    const kernel = window.jupyterapp.shell.currentWidget?.sessionContext;
    return kernel?.isReady && kernel.session?.kernel?.connectionStatus === 'connected'
        && kernel.session.kernel.status === 'idle';
}"""
_FINISHED = """() => {
    const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
    const asked = cells.map((cell) => cell.querySelector('.jp-InputPrompt').textContent);
    return asked.length && asked.every((text) => /\\[\\d+\\]/.test(text));
}"""


@contextmanager
def jupyter(folder, application="lab"):
    """Start one, and stop it."""
    server = Server(folder, application)
    server.start()
    try:
        yield server
    finally:
        server.stop()
