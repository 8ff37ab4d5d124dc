"""What JupyterLab's server answers for this library: tiles, notebooks from templates, reports."""

import asyncio
import json
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler, AuthenticatedFileHandler, JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import ensure_async
from tornado import web
from traitlets import Unicode

from aiopslab.errors import ReportError
from aiopslab.lab.settings import MLFLOW
from aiopslab.lab.tiles import STARTING_MLFLOW, tiles
from aiopslab.reports import find

STARTING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0; url={address}">
<title>MLflow starts</title>
<body style="font-family: system-ui, sans-serif; margin: 4rem auto; max-width: 40rem">
<h1>MLflow starts</h1>
<p role="status">This takes some ten seconds, the first time in a workspace twice that.
<p><a href="{address}">Go there</a>
</html>
"""
_MAKING = asyncio.Lock()  # a name is free until the notebook is written


class TilesHandler(APIHandler):
    """What the Launcher shows."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with a list of tiles."""
        folder = Path(self.contents_manager.root_dir)
        shown = tiles(folder, self.settings["aiopslab_config"]["mlflow"])
        self.finish(json.dumps([tile.to_json() for tile in shown]))


class NotebooksHandler(APIHandler):
    """Notebooks that are made from templates."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """Make a notebook of a template in a folder of the workspace; answer with its path."""
        folder = (self.get_json_body() or {}).get("folder", "")
        try:
            source = find(name).path.read_text(encoding="utf-8")
        except ReportError as error:
            raise web.HTTPError(404, error.problem) from None
        async with _MAKING:
            contents: Any = self.contents_manager
            free = await ensure_async(
                contents.increment_filename(f"aiopslab-{name}.ipynb", folder, insert="-")
            )
            model = {"type": "notebook", "format": "json", "content": json.loads(source)}
            saved = await ensure_async(contents.save(model, f"{folder}/{free}"))
        self.set_status(201)
        self.finish({"path": saved["path"]})


class ReportsHandler(AuthenticatedFileHandler):
    """The gallery and its reports, as pages that cannot reach JupyterLab itself."""

    @property
    def content_security_policy(self) -> str:
        """What Jupyter allows the files that it serves, and links that open a tab or a file."""
        return f"{super().content_security_policy} allow-popups allow-downloads"


class PlotlyHandler(web.StaticFileHandler):
    """The plotly.js of the gallery, for anybody: it is published software."""

    @allow_unauthenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with the file."""
        await super().get(path, include_body)


class StartingHandler(JupyterHandler):
    """What is seen until MLflow, which starts when it is asked for, answers."""

    auth_resource = "server"

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with a page that gives way to MLflow's."""
        self.finish(STARTING.format(address=f"{self.base_url}{MLFLOW}/#/experiments"))


class AIOpsLab(ExtensionApp):
    """The library's part of a Jupyter server."""

    name = "aiopslab"
    reports = Unicode(help="Folder of the gallery.").tag(config=True)
    mlflow = Unicode(STARTING_MLFLOW, help="Address of MLflow's pages.").tag(config=True)

    def initialize_settings(self) -> None:
        """Hand on what the tiles need to know."""
        self.settings["aiopslab_config"] = {"mlflow": self.mlflow}

    def initialize_handlers(self) -> None:
        """Say who answers to which address."""
        reports: dict[str, Any] = {"path": self.reports, "default_filename": "index.html"}
        assets: dict[str, Any] = {"path": str(Path(self.reports) / "assets")}
        self.handlers.extend(
            [
                (r"/aiopslab/tiles", TilesHandler),
                (f"/{STARTING_MLFLOW}", StartingHandler),
                (r"/aiopslab/notebooks/([\w-]+)", NotebooksHandler),
                # A page that cannot reach JupyterLab sends no cookie for the plotly.js it needs.
                (r"/aiopslab/reports/assets/(plotly-[\d.]+\.min\.js)", PlotlyHandler, assets),
                (r"/aiopslab/reports/(.*)", ReportsHandler, reports),
            ]
        )


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "aiopslab.lab.extension", "app": AIOpsLab}]
