"""A report as it was kept: found by id, series or path, and read from a page or a notebook alone.

What is read may come from anywhere: it is data that is checked, and nothing of it is run.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from aiopslab.errors import AIOpsLabError, ReportError, did_you_mean
from aiopslab.reports.record import FILE, NOTEBOOK, PAGE, Record, from_json, read, records
from aiopslab.reports.render import series_of

KEY = "aiopslab"  # of a notebook's metadata
LARGEST = 200_000_000  # bytes of a page or a notebook
PLOTLY_MIME = "application/vnd.plotly.v1+json"
PLACES = {"latest": 1, "previous": 2}
_BLOCK = '<script type="application/json" id="{}">'
_OUTLINE = re.compile(
    r'<h2 id="section-\d+">(?P<section>.*?)</h2>'
    r'|<figure data-figure="(?P<figure>figure-\d+)" aria-label="(?P<title>[^"]*)"',
    re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Evidence(BaseModel):
    source: str
    digest: str
    start: str | None = None
    end: str | None = None
    frames: dict[str, int] = {}
    notes: list[str] = []


class _Shape(BaseModel):
    """What a record must be before anything is done with it."""

    id: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    template: str
    title: str
    template_digest: Digest
    parameters: dict[str, Any]
    started: datetime
    ended: str = ""
    evidence: list[_Evidence] = []
    versions: dict[str, str] = {}
    notes: list[str] = []
    series: str = ""
    seconds: dict[str, float] = {}


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Parameters
    ----------
    section, title
        The heading above it, and its own.
    figure
        As plotly's JSON.
    """

    section: str
    title: str
    figure: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A report that was found.

    Parameters
    ----------
    record
        Of its run.
    file
        The page or notebook with its figures; ``None`` where there is none.
    """

    record: Record
    file: Path | None

    def pictures(self) -> tuple[Picture, ...]:
        """Return its figures, in their order; none where they cannot be read."""
        if self.file is None:
            return ()
        try:
            text = _text(self.file)
            found = _in_notebook(json.loads(text)) if _is_notebook(self.file) else _in_page(text)
            return tuple(found)
        except (ReportError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return ()


def find(reference: str, gallery: Path) -> Kept:
    """Find a report.

    Parameters
    ----------
    reference
        The id of a run in the gallery; ``SERIES@latest`` or ``SERIES@previous``; or the path of a
        folder of a run, of its ``run.json``, of its page or of its notebook.
    gallery
        The folder of the reports.

    Raises
    ------
    ReportError
        If there is none, or what is there is not a report.
    """
    series, _, place = reference.rpartition("@")
    if series and place in PLACES:
        return _of_series(series, place, gallery)
    path = Path(reference)
    if path.suffix in {".html", ".ipynb"} and path.is_file():
        return Kept(_alone(path), path)
    home = path.parent if path.name == FILE else path
    for folder in (home, gallery / reference):
        if (folder / FILE).is_file():
            return _in_folder(folder)
    known = [each.parent.name for each in gallery.glob(f"*/{FILE}")]
    near = did_you_mean(reference, known) if known else f"There is no report in {gallery}."
    raise ReportError(
        f"there is no report {reference!r}. {near if len(near) < 300 else ''}".strip(),
        "Give an id, SERIES@latest, SERIES@previous, or a path; -g names the gallery.",
    )


def block(record: Record) -> dict[str, Any]:
    """Return a record as it is kept in a page or a notebook: what this machine did is left out."""
    return {name: value for name, value in record.to_json().items() if name != "process"}


def _of_series(series: str, place: str, gallery: Path) -> Kept:
    ended = [
        each
        for each in records(gallery)
        if isinstance(each, Record) and each.ended and series_of(each) == series
    ]
    ended.sort(key=lambda record: (record.started, record.id))
    if len(ended) < PLACES[place]:
        raise ReportError(
            f"{series!r} has {len(ended)} reports in {gallery}; there is no {place} one",
            "Name a series as its page does.",
        )
    return _in_folder(gallery / ended[-PLACES[place]].id)


def _in_folder(folder: Path) -> Kept:
    files = (folder / NOTEBOOK, folder / PAGE)
    return Kept(read(folder / FILE), next((each for each in files if each.is_file()), None))


def _alone(path: Path) -> Record:
    """Read the record in a page or a notebook."""
    text = _text(path)
    try:
        if _is_notebook(path):
            plain = json.loads(text)["metadata"][KEY]
        else:
            # What a cell showed may look like our block; ours stands below all of them.
            _, opening, rest = text.rpartition(_BLOCK.format("record"))
            plain = json.loads(rest.partition("</script>")[0]) if opening else None
        if plain is None:
            raise KeyError("record")
        return _checked(plain)
    except (KeyError, TypeError):
        raise ReportError(
            f"{path} does not hold the record of its run",
            "Give a page or a notebook of this version, not of the redacted edition.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise ReportError(f"the record in {path} cannot be read: {_reason(error)}") from None


def _checked(plain: dict[str, Any]) -> Record:
    _Shape.model_validate(plain)
    try:
        return from_json({"verdict": None, "failure": None, **plain, "process": (0, 0.0)})
    except (AIOpsLabError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return str(error)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ReportError(f"{path} has more than {LARGEST:,} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path} is no text in UTF-8") from None


def _is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"


def _in_notebook(notebook: dict[str, Any]) -> Iterator[Picture]:
    section = ""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^## (.+)$", "".join(cell["source"]), re.MULTILINE)
            section = headings[-1].strip() if headings else section
        for output in cell.get("outputs", ()):
            figure = output.get("data", {}).get(PLOTLY_MIME)
            if figure is not None:
                yield _picture(section, figure)


def _picture(section: str, figure: dict[str, Any]) -> Picture:
    layout = figure.get("layout") or {}
    title = _TAG.sub("", (layout.get("title") or {}).get("text") or "Figure")
    return Picture(section, title, {"data": figure["data"], "layout": layout})


def _in_page(text: str) -> Iterator[Picture]:
    section = ""
    for found in _OUTLINE.finditer(text):
        if found["figure"] is None:
            section = unescape(_TAG.sub("", found["section"])).strip()
            continue
        _, opening, rest = text.rpartition(_BLOCK.format(found["figure"]))
        if opening:
            figure = json.loads(rest.partition("</script>")[0])
            yield _picture(section, figure)
