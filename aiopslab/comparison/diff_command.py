"""The command ``aiopslab diff``."""

from pathlib import Path

import click

from aiopslab.terminal import aligned
from aiopslab.wording import plain

_SHORT = 60  # letters of a cell on a terminal; the page has them all


@click.command()
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@click.option(
    "-g",
    "--gallery",
    type=click.Path(path_type=Path),
    default="reports",
    show_default=True,
    help="Folder of the gallery.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an HTML page, with the figures side by side.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(before: str, after: str, gallery: Path, output: Path | None, as_json: bool) -> None:
    """Say what changed from RUN_A to RUN_B.

    Each is the id of a run in the gallery, SERIES@latest, SERIES@previous, or the path of a folder
    of a run, its run.json, page or notebook.

    \b
    Examples
      aiopslab diff drift-e7fcc53d@previous drift-e7fcc53d@latest
      aiopslab diff old/report.html reports/drift-20260301T060000Z-1a2b3c -o difference.html
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    import json

    from aiopslab.comparison.difference import compare
    from aiopslab.comparison.difference_page import page
    from aiopslab.reports.kept import find
    from aiopslab.reports.record import write_atomically

    one, other = find(before, gallery), find(after, gallery)
    difference = compare(one.record, other.record)
    if output is not None:
        write_atomically(output, page(difference, one.pictures(), other.pictures()))
    if as_json:
        click.echo(json.dumps(difference.to_json(), indent=1))
        return
    click.secho(plain(difference.headline()), bold=True)
    table = difference.table().map(_shortened)
    if len(table):
        click.echo("\n".join(aligned(table)))
    click.echo(plain(difference.independence))
    if output is not None:
        click.echo(f"  page  {output}")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
