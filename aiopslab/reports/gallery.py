"""The gallery: a static site over all the reports of a folder, newest first."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from aiopslab.errors import ReportError
from aiopslab.reports import addresses, listing, render
from aiopslab.reports.facts import Facts
from aiopslab.reports.feed import ENTRIES, feed
from aiopslab.reports.index import Index, Touched, discard, opened
from aiopslab.reports.markup import environment
from aiopslab.reports.record import PAGE, write_atomically
from aiopslab.reports.trends import RUNS, trends

INDEX = addresses.INDEX
LOCK = ".gallery.lock"
LISTED = 1_000  # runs a page lists; older ones are on the pages of their months


def build(folder: Path) -> Path:
    """Bring the gallery of a folder up to date.

    Parameters
    ----------
    folder
        The output folder of the runs.

    Returns
    -------
    pathlib.Path
        Of its first page.

    Raises
    ------
    ReportError
        If the folder does not exist or cannot be written.

    Notes
    -----
    A run that is new costs reading one record and writing the pages that tell of it: the first
    page, that of its series, that of its month, and the feed. Runs that end side by side take
    turns, and each sees all that have ended before. A record that cannot be read is named on the
    page. An index that is torn is made anew from the records.
    """
    from filelock import FileLock

    if not folder.is_dir():
        raise ReportError(f"there is no folder {folder}", "Give the folder that reports are in.")
    try:
        with FileLock(folder / LOCK):
            try:
                _update(folder)
            except sqlite3.DatabaseError:
                discard(folder)
                _update(folder)
    except OSError as error:
        raise ReportError(
            f"cannot write the gallery in {folder}: {error.strerror}", "Choose another folder."
        ) from None
    except sqlite3.Error as error:
        raise ReportError(
            f"cannot keep the index of {folder}: {error}", "Choose another folder."
        ) from None
    return folder / INDEX


def runs(folder: Path) -> list[Facts]:
    """Return all runs of a gallery, brought up to date, the newest first.

    Parameters
    ----------
    folder
        The output folder of the runs.

    Raises
    ------
    ReportError
        If the folder does not exist or cannot be written.
    """
    from filelock import FileLock

    build(folder)
    with FileLock(folder / LOCK), opened(folder) as index:
        return index.all()


def rebuild(folder: Path) -> Path:
    """Make the gallery of a folder anew from its records, whatever its index says.

    Parameters
    ----------
    folder
        The output folder of the runs.

    Raises
    ------
    ReportError
        If the folder does not exist or cannot be written.
    """
    discard(folder)
    return build(folder)


def _update(folder: Path) -> None:
    """Write the pages that are out of date, and keep the index when all are written."""
    with opened(folder) as index:
        touched = index.refresh()
        plotly = folder / addresses.plotly()
        if not plotly.is_file():
            write_atomically(plotly, render.plotly_js())
        if touched or not (folder / INDEX).is_file():
            _write_series(index, touched, folder)
            _write_months(index, touched, folder)
            _write_feed(index, folder)
            _write_first(index, folder)


def _write_first(index: Index, folder: Path) -> None:
    total = index.count()
    text = listing.page(
        index.listed(LISTED),
        INDEX,
        "Reports",
        total=total,
        months=index.months(),
        problems=index.problems(),
        folder=folder.name,
    )
    write_atomically(folder / INDEX, text)


def _write_months(index: Index, touched: Touched, folder: Path) -> None:
    """Write the pages of months, which only a gallery has that is too long for one page."""
    if index.count() <= LISTED:
        return
    for month in index.months():
        path = folder / addresses.month(month)
        if month in touched.months or not path.is_file():
            listed = index.listed(-1, month=month)
            text = listing.page(
                listed, addresses.month(month), f"Reports of {month}", total=len(listed.rows)
            )
            write_atomically(path, text)


def _write_series(index: Index, touched: Touched, folder: Path) -> None:
    left = set(index.series())
    for name in touched.series:
        path = folder / addresses.series(name)
        latest = folder / addresses.latest(name)
        if name not in left:
            path.unlink(missing_ok=True)
            latest.unlink(missing_ok=True)
            continue
        ended = index.newest(RUNS, name)
        report = next((f"../../{quote(run.id)}/{PAGE}" for run in ended if run.has_page), "")
        text = listing.page(
            index.listed(LISTED, series=name),
            addresses.series(name),
            name,
            total=index.count(name),
            trends=trends(ended),
            latest="latest.html" if report else "",
            months=index.months(),
        )
        write_atomically(path, text)
        if report:
            page = environment().get_template("latest.html.j2")
            write_atomically(latest, page.render(series=name, report=report))


def _write_feed(index: Index, folder: Path) -> None:
    path = folder / addresses.FEED
    previous = path.read_text("utf-8", "replace") if path.is_file() else ""
    write_atomically(
        path, feed(index.newest(ENTRIES), f"Reports: {folder.resolve().name}", previous)
    )
