"""Arguments: what commands of remediation take."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aiopslab.runbooks.catalogue import Catalogue

LOG = "remediation.jsonl"

catalogued = click.option(
    "-c",
    "--catalogue",
    "catalogue",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Actions of your own, in YAML, besides those that come with it.",
)
valued = click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value of a parameter, as often as needed.",
)
audited = click.option(
    "--audit",
    "audit",
    type=click.Path(dir_okay=False, path_type=Path),
    default=LOG,
    show_default=True,
    metavar="FILE",
    help="The audit log.",
)
approved = click.option("--approve", is_flag=True, help="Do it. Without this it is only shown.")
signed = click.option("--by", metavar="NAME", help="Who approves.")
reasoned = click.option("--reason", metavar="TEXT", help="Why it is done.")
planned = click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))


def known_actions(path: Path | None) -> "Catalogue":
    """Return the actions of a file besides those that come with the library."""
    from aiopslab.runbooks.catalogue import built_in, load_catalogue

    return load_catalogue(path) if path else built_in()


def values_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME=VALUE`` pairs.

    Examples
    --------
    >>> values_of(("namespace=shop", "label=a=b"))
    {'namespace': 'shop', 'label': 'a=b'}
    """
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not (separator and name):
            raise click.UsageError(f"--set {pair!r} is not NAME=VALUE, e.g. --set namespace=shop.")
        values[name] = value
    return values
