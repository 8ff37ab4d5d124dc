"""Single: a report as one file that opens without its gallery, which leaves by a policy's leave."""

from pathlib import Path

from aiopslab.errors import ReportError
from aiopslab.governance import Publication, doing, environment
from aiopslab.governance.canonical import sha256
from aiopslab.reports.record import FILE, PAGE, read, write_atomically
from aiopslab.reports.render import self_contained, state
from aiopslab.sharing.editions import FOLDER
from aiopslab.sharing.recall import measure


def single(run: str, folder: Path, to: Path | None = None) -> Path:
    """Make one file of a report.

    Parameters
    ----------
    run
        Id of a run in the gallery, or the path of its folder or page.
    folder
        Of the gallery.
    to
        The file; named by the run in the present folder unless given.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ReportError
        If there is no such report, or the file cannot be written.
    Denied
        If a policy does not let it leave; nothing was written.
    """
    place = Path(run) if Path(run).exists() else folder / run
    page = place / PAGE if place.is_dir() else place
    try:
        html = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ReportError(
            f"there is no report {run} in {folder}", "Name a run that `aiopslab gallery` lists."
        ) from None
    text = self_contained(html)
    made = to or Path(f"{page.resolve().parent.name}.html")
    with doing(_publication(page.resolve(), made)):
        write_atomically(made, text)
    return made


def _publication(page: Path, to: Path) -> Publication:
    """Return what a policy is asked; a page without its record is of no template."""
    is_redacted = FOLDER in page.parts
    record = read(page.with_name(FILE)) if page.with_name(FILE).is_file() else None
    return Publication(
        str(page.parent),
        str(to.resolve()),
        "redacted" if is_redacted else "internal",
        ((record.template, state(record)),) if record else (),
        sha256([page.parent.name]),
        measure().percent if is_redacted and environment.trail() else 0,
    )
