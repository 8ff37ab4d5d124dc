"""What the Launcher of JupyterLab shows of this library."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aiopslab.lab.workspace import walkthroughs
from aiopslab.reports import templates

GALLERY = "aiopslab/reports/index.html"
STARTING_MLFLOW = "aiopslab/mlflow"
Icon = Literal["template", "walkthrough", "gallery", "mlflow"]


@dataclass(frozen=True)
class Tile:
    """One thing to open.

    Parameters
    ----------
    category, label, caption
        The heading it stands under, what is written on it, and what is said of it.
    icon
        Which picture it has.
    rank
        Of its category; the headings of JupyterLab itself begin at 0.
    template
        The name of the template that a click makes a notebook of.
    notebook
        The path, below the workspace, that a click opens.
    page
        The address, relative to JupyterLab's unless it has a host, that a click opens in a new
        tab of the browser.
    """

    category: str
    label: str
    caption: str
    icon: Icon
    rank: int
    template: str = ""
    notebook: str = ""
    page: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the Launcher reads it."""
        return asdict(self)


def tiles(folder: Path, mlflow: str) -> list[Tile]:
    """Return everything there is to open, in the order in which it is shown.

    Parameters
    ----------
    folder
        The workspace.
    mlflow
        The address of MLflow's pages.

    Examples
    --------
    >>> [tile.label for tile in tiles(Path(), "mlflow/") if tile.page]
    ['Report gallery', 'MLflow']
    """
    new = [
        Tile(
            "New from template",
            template.title,
            f"A notebook of your own, made from the template {template.name}: {template.summary}",
            "template",
            -3,
            template=template.name,
        )
        for template in templates()
    ]
    pages = [
        Tile(
            "Results",
            "Report gallery",
            "The reports that were run, newest first, in a new tab of the browser",
            "gallery",
            -2,
            page=GALLERY,
        ),
        Tile(
            "Results",
            "MLflow",
            "Runs, metrics and models, in a new tab of the browser; takes a moment to start",
            "mlflow",
            -2,
            page=mlflow,
        ),
    ]
    taught = [
        Tile(
            "Walkthroughs",
            heading(folder / "notebooks" / each.name),
            f"Opens notebooks/{each.name}",
            "walkthrough",
            -1,
            notebook=f"notebooks/{each.name}",
        )
        for each in walkthroughs()
        if (folder / "notebooks" / each.name).is_file()
    ]
    return [*new, *pages, *taught]


def heading(notebook: Path) -> str:
    """Return the first heading of a notebook; its name where it has none or cannot be read."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] != "code")
    except (OSError, ValueError, KeyError, TypeError):
        return notebook.stem
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")]
    return headings[0] if headings else notebook.stem
