"""The gallery: one page over all the reports of a folder, newest first."""

from pathlib import Path
from typing import Any

from aiopslab.errors import ReportError
from aiopslab.reports import render
from aiopslab.reports.record import PAGE, Record, records, write_atomically

INDEX = "index.html"
TILES = 3  # headline figures a row has room for
STATES = ("act", "watch", "ok", "failed", "running")


def build(folder: Path) -> Path:
    """Write ``FOLDER/index.html`` from the records on disk.

    Parameters
    ----------
    folder
        The output folder of the runs.

    Returns
    -------
    pathlib.Path
        Of the page.

    Raises
    ------
    ReportError
        If the folder does not exist or cannot be written.

    Notes
    -----
    Runs that end side by side take turns, and each reads all records anew, so the last to write
    knows of them all. A record that cannot be read is named on the page.
    """
    from filelock import FileLock

    if not folder.is_dir():
        raise ReportError(f"there is no folder {folder}", "Give the folder that reports are in.")
    try:
        with FileLock(folder / ".gallery.lock"):
            found = list(records(folder))
            write_atomically(folder / INDEX, page(found, folder))
    except OSError as error:
        raise ReportError(
            f"cannot write the gallery in {folder}: {error.strerror}", "Choose another folder."
        ) from None
    return folder / INDEX


def page(found: list[Record | ReportError], folder: Path) -> str:
    """Render the gallery.

    Parameters
    ----------
    found
        Records, and an error for each that could not be read.
    folder
        The output folder of the runs.
    """
    runs = [each for each in found if isinstance(each, Record)]
    runs.sort(key=lambda record: record.started, reverse=True)
    script = render.asset("gallery.js")
    template = render.environment().get_template("gallery.html.j2")
    return template.render(
        folder=folder.name,
        rows=[_row(record, folder) for record in runs],
        templates=sorted({record.template for record in runs}),
        states=[state for state in STATES if state in {render.state(record) for record in runs}],
        unread=[each.problem for each in found if isinstance(each, ReportError)],
        style=render.safe(render.asset("style.css")),
        script=render.safe(script),
        script_hash=render.safe(render.csp_hash(script)),
    )


def _row(record: Record, folder: Path) -> dict[str, Any]:
    state = render.state(record)
    concluded = record.verdict.headline if record.verdict else ""
    return {
        "record": record,
        "state": state,
        "glyph": render.GLYPHS[state],
        "headline": str(record.failure) if record.failure else concluded or "still running",
        "tiles": render.tiles(record)[:TILES],
        "sources": [each["source"] for each in record.evidence],
        "took": f"{record.duration_s:.0f} s" if record.ended else "",
        "has_page": (folder / record.id / PAGE).is_file(),
    }
