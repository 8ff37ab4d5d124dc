"""The templates there are, read from their notebooks."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiopslab.errors import ReportError, did_you_mean
from aiopslab.reports.parameters import Parameter, read

PACKAGE = Path(__file__).parents[1]
LARGEST = 20_000_000  # bytes of a template, which is stored without outputs
FOLDERS = (PACKAGE / "templates", PACKAGE.parent / "templates")  # in a wheel; in a checkout


@dataclass(frozen=True)
class Template:
    """A parameterised notebook.

    Parameters
    ----------
    name
        What the command line calls it: the file's name.
    path
        Where it is.
    title, summary
        The heading and the first paragraph of its first cell.
    parameters
        What it takes.
    digest
        SHA-256 of the file, in hexadecimal.
    """

    name: str
    path: Path
    title: str
    summary: str
    parameters: tuple[Parameter, ...]
    digest: str


def templates() -> list[Template]:
    """Return the templates that ship with the library, by name.

    Examples
    --------
    >>> "incident" in [template.name for template in templates()]
    True
    """
    folder = next(each for each in FOLDERS if each.is_dir())
    return [load(path) for path in sorted(folder.glob("*.ipynb"))]


def find(name: str) -> Template:
    """Return a template by its name or by the path of a notebook.

    Raises
    ------
    ReportError
        If there is none, or its notebook cannot be read.
    """
    if name.endswith(".ipynb"):
        return load(Path(name))
    known = {template.name: template for template in templates()}
    if name not in known:
        raise ReportError(
            f"there is no template {name!r}. {did_you_mean(name, list(known))}",
            "Run `aiopslab templates` to see them, or give the path of a notebook.",
        )
    return known[name]


def load(path: Path) -> Template:
    """Read a template from its notebook.

    Raises
    ------
    ReportError
        If the file is missing, is not a notebook, or has no single parameters cell.
    ParameterError
        If its parameters cell cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise ReportError(
            f"cannot read the template {path}: {error.strerror}",
            "Give the path of a notebook, or a name that `aiopslab templates` lists.",
        ) from None
    if len(raw) > LARGEST:
        raise ReportError(
            f"{path} has more than {LARGEST / 1e6:.0f} MB; a template is stored without outputs",
            "Clear its outputs, e.g. with nbstripout.",
        )
    try:
        cells = _cells(raw)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReportError(
            f"{path} is not a notebook", "Give a Jupyter notebook of format 4."
        ) from None
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ReportError(
            f"{path} has {len(tagged)} cells tagged `parameters`; a template has one",
            "Tag the cell of typed assignments with `parameters` (JupyterLab: Property Inspector).",
        )
    title, summary = _introduction(cells)
    parameters = read(_source(tagged[0]))
    digest = hashlib.sha256(raw).hexdigest()
    return Template(path.stem, path, title or path.stem, summary, parameters, digest)


def _cells(raw: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook, whose file may hold anything."""
    cells: list[dict[str, Any]] = json.loads(raw)["cells"]
    for cell in cells:
        has_text = all(isinstance(line, str) for line in cell["source"])
        if not (has_text and isinstance(cell["metadata"], dict) and cell["cell_type"]):
            raise TypeError
    return cells


def _introduction(cells: list[dict[str, Any]]) -> tuple[str, str]:
    first = next((_source(cell) for cell in cells if cell["cell_type"] == "markdown"), "")
    heading, _, rest = first.partition("\n")
    paragraph = rest.strip().split("\n\n")[0].replace("\n", " ")
    return heading.lstrip("# ").strip(), paragraph


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
