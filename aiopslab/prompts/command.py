"""The command group ``aiopslab prompts``: from two texts to the one that is in use."""

from typing import TYPE_CHECKING

import click

from aiopslab.prompts.feedback_command import agreement, pairs
from aiopslab.prompts.gate_command import gate
from aiopslab.prompts.registry_command import register, rollback, tracking
from aiopslab.prompts.watch_command import watch
from aiopslab.terminal import Group
from aiopslab.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
DIFF_CODES = """\b
Exit codes
  0  shown, whether they differ or not
  2  a wrong command, or a prompt that cannot be read
"""
POWER_CODES = """\b
Exit codes
  0  shown
  2  a wrong command, or items that cannot be used
"""


@click.group(cls=Group)
def prompts() -> None:
    """Compare prompts, let the better one into production, and watch it there.

    \b
    From a text to production
      aiopslab prompts diff prompts:/support@production new.md     what differs
      aiopslab prompts power questions.csv                         what the items can show
      aiopslab prompts register new.md --name support              a version in MLflow
      aiopslab prompts gate --baseline prompts:/support@production
        --candidate prompts:/support@latest --items questions.csv --set-alias production
      aiopslab prompts watch calls.parquet                         is it worse in use?
      aiopslab prompts rollback support --alias production         back to the one before

    \b
    What people and judges said of outputs
      aiopslab prompts agreement feedback.db                       do they agree, and on which
      aiopslab prompts pairs feedback.db -o pairs.jsonl            preferences to train on

    \b
    A prompt is a file (YAML, JSON or text), prompts:/NAME@ALIAS or
    prompts:/NAME/VERSION in MLflow, or embedded:plain and embedded:examples.
    """  # noqa: D301 - click reads \b as the start of a verbatim block


for each in (register, gate, rollback, watch, pairs, agreement):
    prompts.add_command(each)


@prompts.command(epilog=DIFF_CODES)
@click.argument("baseline")
@click.argument("candidate")
@tracking
def diff(baseline: str, candidate: str, tracking_uri: str | None) -> None:
    """Show what differs between the prompts BASELINE and CANDIDATE, line by line.

    \b
    Examples
      aiopslab prompts diff old.md new.md
      aiopslab prompts diff prompts:/support@production new.md
      aiopslab prompts diff prompts:/support/2 prompts:/support/3
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.prompts.items import open_prompt
    from aiopslab.prompts.prompt import diff as compare

    found = compare(*(open_prompt(each, tracking_uri) for each in (baseline, candidate)))
    for line in _coloured(found.lines):
        click.echo(line)
    if not found.lines:
        click.echo("no difference")


def _coloured(lines: tuple[str, ...]) -> "Iterator[str]":
    for number, line in enumerate(lines):
        names_a_prompt = number < 2
        colour = None if names_a_prompt else COLOURS.get(line[:1])
        yield click.style(plain(line), fg=colour, bold=names_a_prompt or None)


@prompts.command(epilog=POWER_CODES)
@click.argument("items", metavar="ITEMS|NUMBER")
@click.option(
    "--apart",
    type=float,
    help="Share of the items that only one of the two prompts gets right; a fifth if not given.",
)
@click.option(
    "--difference",
    type=float,
    default=0.05,
    show_default=True,
    help="Of the shares of right answers, that is to be shown.",
)
def power(items: str, apart: float | None, difference: float) -> None:
    """Tell what a number of items can show, before anything is spent on them.

    ITEMS is a table with one row an item, or their NUMBER. A difference is shown where the test of
    the gate finds it in four of five cases. The fewer items tell the prompts apart, the smaller a
    difference can be seen: two prompts that say nearly the same need fewer items.

    \b
    Examples
      aiopslab prompts power questions.csv
      aiopslab prompts power 500 --apart 0.3 --difference 0.02
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    import math

    from aiopslab.prompts.items import open_items
    from aiopslab.prompts.power import DISCORDANT, LARGEST, items_needed, least_effect

    share = DISCORDANT if apart is None else apart
    table = None if items.isdecimal() else open_items(items)
    number = int(items) if table is None else len(table)
    least, needed = least_effect(number, share), items_needed(difference, share)
    shown = f"show a difference of {least:.3f} or more" if math.isfinite(least) else "show nothing"
    click.secho(f"{number:,} items {shown} in four of five cases.", bold=True)
    takes = f"{needed:,} items" if needed < LARGEST else f"more than {LARGEST:,} items"
    click.echo(f"  A difference of {difference:g} takes {takes}.")
    click.echo(f"  Both if {100 * share:g} % of the items tell the prompts apart (--apart).")
    if table is not None and "group" in table:
        click.echo(f"  They are in {table['group'].nunique():,} groups, and tell less than that.")
