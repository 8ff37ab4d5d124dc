"""Pages that list runs: all of them, those of a month, those of a series."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiopslab.reports import addresses
from aiopslab.reports.facts import Facts
from aiopslab.reports.markup import asset, csp_hash, environment, safe
from aiopslab.reports.record import PAGE
from aiopslab.reports.render import GLYPHS, readable_number

if TYPE_CHECKING:
    from aiopslab.reports.index import Listed

TILES = 3  # headline figures a row has room for
ROOT = "<root>"  # stands in a kept row for the way to the gallery; no escaped text can hold it


def row(run: Facts) -> str:
    """Return a run as an item of a list, to be kept for all pages that will list it."""
    figures = [
        (name, readable_number(float("nan") if value is None else value))
        for name, value in list(run.metrics.items())[:TILES]
    ]
    return (
        environment()
        .get_template("row.html.j2")
        .render(
            run=run,
            glyph=GLYPHS[run.state],
            day=run.started[:10],
            time=run.started[11:16],
            took="" if run.seconds is None else _duration(run.seconds),
            figures=figures,
            root=safe(ROOT),
            report=f"{quote(run.id)}/{PAGE}",
            series=addresses.series(run.series),
        )
    )


def page(
    listed: "Listed",
    address: str,
    heading: str,
    *,
    total: int,
    trends: str = "",
    latest: str = "",
    months: Sequence[str] = (),
    problems: Sequence[str] = (),
    folder: str = "",
) -> str:
    """Render a page that lists runs, the newest first.

    Parameters
    ----------
    listed
        The runs.
    address
        Of the page, relative to the folder of the gallery.
    heading
        What is listed.
    total
        How many runs there are, of which the newest are listed.
    trends
        HTML to stand above the list.
    latest
        Address of the newest report, relative to the page.
    months
        Months that have pages of their own.
    problems
        What is wrong with each record that cannot be read.
    folder
        Name of the gallery's folder, for the command that makes the first report.
    """
    root = addresses.root(address)
    script = asset("gallery.js")
    return (
        environment()
        .get_template("gallery.html.j2")
        .render(
            heading=heading,
            root=root,
            index=addresses.INDEX,
            feed=addresses.FEED,
            trends=safe(trends),
            latest=latest,
            rows=safe("".join(listed.rows).replace(ROOT, root)),
            facts=safe(f"[{','.join(listed.facts)}]"),
            count=len(listed.rows),
            total=total,
            templates=listed.templates,
            states=listed.states,
            series=listed.series,
            months=[(each, addresses.month(each)) for each in months],
            problems=problems,
            folder=folder,
            style=safe(asset("style.css") + asset("gallery.css")),
            script=safe(script),
            script_hash=safe(csp_hash(script)),
        )
    )


def _duration(seconds: float) -> str:
    """Return a duration as a person says it.

    Examples
    --------
    >>> _duration(0.4), _duration(59.6), _duration(3725)
    ('0.4 s', '60 s', '1 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
