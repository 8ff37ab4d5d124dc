"""The command group ``aiopslab card``: of a model, a prompt or an index."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.terminal import Group
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.cards.card import Card

EXIT_CODES = """\b
Exit codes
  0  written
  2  a wrong command, or a registry, an index, a gallery or a trail that cannot be used
"""

_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default="cards",
        show_default=True,
        help="Folder in which HTML, Markdown and JSON are written.",
    ),
    click.option(
        "--gallery",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of reports, of which those that judged it are named.",
    ),
    click.option(
        "--trail",
        envvar="AIOPSLAB_AUDIT",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Audit trail or log of remediations; AIOPSLAB_AUDIT if not given.",
    ),
    click.option(
        "--decision",
        "decisions",
        multiple=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="What a gate wrote with --json, as often as needed.",
    ),
    click.option("--tracking-uri", help="Of the MLflow server; MLFLOW_TRACKING_URI if not given."),
)


def _documented(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(cls=Group)
def card() -> None:
    """Write the card of a model, a prompt or an index, from what was recorded of it.

    What it is, its versions and aliases, on which data it was trained or judged, metrics with their
    intervals, the gates that it passed, known limits, who approved it, and the reports that judged
    it. What nobody recorded is said to be not known.

    \b
    Examples
      aiopslab card model models:/loans@champion --gallery reports/
      aiopslab card prompt prompts:/support@production --trail audit.jsonl
      aiopslab card index indexes/docs --corpus docs/
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@card.command(epilog=EXIT_CODES)
@click.argument("address")
@_documented
def model(address: str, output: Path, **told: Any) -> None:
    """Write the card of the model at ADDRESS, models:/NAME@ALIAS or models:/NAME/VERSION.

    \b
    Example
      aiopslab card model models:/loans@champion --gallery reports/ --decision decision.json
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.cards.model_card import card_of_model

    _write(card_of_model(address, **told), output)


@card.command(epilog=EXIT_CODES)
@click.argument("address")
@_documented
def prompt(address: str, output: Path, **told: Any) -> None:
    """Write the card of the prompt at ADDRESS, prompts:/NAME@ALIAS or NAME@ALIAS.

    \b
    Example
      aiopslab card prompt support@production --gallery reports/
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.cards.prompt_card import card_of_prompt

    scheme = "" if address.startswith("prompts:/") else "prompts:/"
    _write(card_of_prompt(f"{scheme}{address}", **told), output)


@card.command(epilog=EXIT_CODES)
@click.argument("address")
@click.option("--corpus", help="Its sources, by which it is told how current it is.")
@_documented
def index(address: str, output: Path, **told: Any) -> None:
    """Write the card of the index at ADDRESS: a folder, a URL, or indexes:/NAME@ALIAS.

    \b
    Examples
      aiopslab card index indexes/docs --corpus docs/
      aiopslab card index indexes:/docs@production --gallery reports/
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.cards.index_card import card_of_index

    _write(card_of_index(address, **told), output)


def _write(made: "Card", output: Path) -> None:
    page = made.write(output)
    click.secho(plain(made.title), bold=True)
    click.echo(f"  {plain(str(page))}")
