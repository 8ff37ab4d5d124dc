"""The command ``aiopslab rerun``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiopslab.errors import AIOpsLabError
from aiopslab.reports.command import into_gallery
from aiopslab.terminal import UNUSABLE, aligned
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.comparison.changes import Change
    from aiopslab.comparison.rerun import Outlook

SAME, FAILED, DIFFERS = 0, 1, 4
SHORT = 60  # letters of a cell

EXIT_CODES = """\b
Exit codes
  0  it found the same, or nothing is in the way of that
  1  the repetition failed
  2  a wrong command, or a report that cannot be repeated; nothing was started
  4  it found something else, or template, parameters or data are not what they were
"""


@click.command(epilog=EXIT_CODES)
@click.argument("report")
@into_gallery
@click.option(
    "-p",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter in place of the report's; a secret's reference has to be given again.",
)
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The notebook to run, where the report is not of one of the library's templates.",
)
@click.option("--check", is_flag=True, help="Only say what is not as it was; run nothing.")
def rerun(
    report: str, output: Path, pairs: tuple[str, ...], template: Path | None, check: bool
) -> None:
    """Repeat REPORT from its own page or notebook, and say what differs.

    REPORT is an HTML page, a notebook, the folder of a run, an id in the gallery or
    SERIES@latest. Nothing in it is executed: its parameters are checked and handed to the template
    of its name that is here. Of a report by somebody you do not know, look at --check first: its
    parameters say which sources are asked.

    \b
    Examples
      aiopslab rerun report.html
      aiopslab rerun report.html --check
      aiopslab rerun drift-20260301T060000Z-1a2b3c -o reports/
      aiopslab rerun ours.ipynb --template templates/ours.ipynb
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.comparison.rerun import examine
    from aiopslab.reports.kept import find

    given = dict(_pair(each) for each in pairs)
    try:
        kept = find(report, output)
        outlook = examine(kept.record, template, given, opening=check)
    except AIOpsLabError as error:
        click.secho("\n".join(map(plain, f"Error: {error}".splitlines())), fg="red", err=True)
        sys.exit(UNUSABLE)
    _show(outlook)
    if check:
        sys.exit(DIFFERS if outlook.differs else SAME)
    sys.exit(_repeat(outlook, output))


def _pair(pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise click.UsageError(f"-p {pair!r} is not NAME=VALUE; write it as -p confidence=0.9.")
    return name, value


def _show(outlook: "Outlook") -> None:
    click.secho(f"{plain(outlook.record.id)}: {plain(outlook.template.title)}", bold=True)
    for name, value in outlook.values.items():
        click.echo(f"  -p {name}={plain(str(value))}")
    other = [each for each in outlook.changes if each.differs]
    unknown = [each for each in outlook.changes if not each.differs and each.note]
    if other:
        click.secho("Not as it was", bold=True)
        _rows(other)
    for each in unknown:
        click.echo(f"  {plain(each.name)}: {each.note}")
    if not other:
        click.echo("Template, parameters and versions are as they were.")


def _repeat(outlook: "Outlook", output: Path) -> int:
    """Run it, and hold what it found against what the report says."""
    from aiopslab.comparison.difference import compare
    from aiopslab.reports.record import Origin
    from aiopslab.reports.render import series_of
    from aiopslab.reports.run import run

    origin = Origin(series=series_of(outlook.record))
    record = run(outlook.template, outlook.values, output, origin=origin)
    difference = compare(outlook.record, record)
    for note in record.notes:
        click.echo(f"Note: {plain(note)}", err=True)
    click.secho(plain(difference.headline()), bold=True)
    _rows([each for each in difference.changed() if each.part != "duration"])
    click.echo(f"  report   {output / record.id / 'report.html'}")
    if record.status == "failed":
        return FAILED
    return SAME if difference.is_same else DIFFERS


def _rows(changes: "Sequence[Change]") -> None:
    import pandas as pd

    rows = [(each.part, each.name, each.before, each.after, each.note) for each in changes]
    table = pd.DataFrame(rows, columns=["part", "name", "before", "after", "note"])
    shown = table.map(lambda text: text if len(text) <= SHORT else f"{text[: SHORT - 1]}…")
    if len(shown):
        click.echo("\n".join(aligned(shown)))
