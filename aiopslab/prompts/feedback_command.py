"""The commands ``aiopslab prompts agreement`` and ``pairs``: what raters said, and to what end."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiopslab.errors import PromptError
from aiopslab.terminal import aligned

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.prompts.feedback import Feedback

NOT_ENOUGH = 4
KINDS = {"human": "people", "judge": "judges"}
CODES = """\b
Exit codes
  0  {done}
  2  a wrong command, or a file that cannot be used
  4  not enough data: {lacking}
"""

_file = click.argument(
    "file", metavar="FEEDBACK.db", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.command(epilog=CODES.format(done="written", lacking="no output is preferred to another"))
@_file
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON lines.")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="human",
    show_default=True,
    help="Whose ratings.",
)
def pairs(file: Path, output: Path, kind: str) -> None:
    """Write which output raters prefer to which as JSON lines to train on.

    A line is {"prompt": ..., "chosen": ..., "rejected": ...}. Pairs whose outputs are preferred as
    often as each other are left out.

    \b
    Example
      aiopslab prompts pairs feedback.db -o pairs.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    with _opened(file) as feedback:
        told = feedback.export_preferences(output, "judge" if kind == "judge" else "human")
    click.echo(f"{output}: {told.pairs:,} pairs; {told.ties:,} ties are left out")
    if not told.pairs:
        raise SystemExit(NOT_ENOUGH)


@click.command(epilog=CODES.format(done="shown", lacking="nobody has rated anything"))
@_file
def agreement(file: Path) -> None:
    """Show who rated, how far raters agree, and which prompts people and judges prefer.

    Krippendorff's alpha of all people and Cohen's kappa of every two raters are 1 for full
    agreement and 0 for that of chance. Strengths are those of Bradley and Terry: natural logarithms
    of odds, 0 for a prompt like the average. Intervals hold in 95 % of cases.

    \b
    Example
      aiopslab prompts agreement feedback.db
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    with _opened(file) as feedback:
        raters = feedback.progress()
        for line in _lines(feedback, raters):
            click.echo(line)
    if not raters["rated"].sum():
        raise SystemExit(NOT_ENOUGH)


def _opened(file: Path) -> "Feedback":
    """Open a file that holds feedback already, so that no other is changed."""
    from aiopslab.prompts.feedback import Feedback

    if not _is_feedback(file):
        raise PromptError(
            f"{str(file)!r} is no store of feedback", "Name the file that Feedback(...) made."
        )
    return Feedback(file)


def _is_feedback(file: Path) -> bool:
    """Tell feedback from other files of SQLite; what is none at all is refused when opened."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as there:
            found = there.execute("SELECT 1 FROM sqlite_master WHERE name = 'ratings'").fetchone()
    except sqlite3.Error:
        return True
    return found is not None


def _lines(feedback: "Feedback", raters: "pd.DataFrame") -> Iterator[str]:
    yield click.style(f"{raters['rated'].sum():,} ratings of {len(raters)} raters", bold=True)
    if len(raters):
        yield from aligned(raters)
    for pairs, of_what in ((True, "pairs"), (False, "single outputs")):
        agreed = feedback.agreement(pairs)
        if len(agreed):
            yield click.style(f"\nAgreement on {of_what}", bold=True)
            yield from aligned(_readable(agreed))
    preferences = feedback.preferences()
    if len(preferences):
        yield click.style("\nStrength of the prompts", bold=True)
        yield from aligned(_strengths(preferences))


def _readable(agreed: "pd.DataFrame") -> "pd.DataFrame":
    """Return an agreement with its interval in one column."""
    told = [
        "not enough data" if value != value else _with_interval(value, low, high)  # noqa: PLR0124
        for value, low, high in agreed[["value", "low", "high"]].to_numpy()
    ]
    table = agreed[["one", "other", "measure", "items"]].copy()
    table.insert(3, "agreement (interval)", told)
    return table


def _strengths(preferences: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row a prompt, with what people and what judges make of it side by side."""
    import pandas as pd

    from aiopslab.prompts.preferences import bradley_terry

    sides: dict[str, pd.Series] = {}
    for kind, who in KINDS.items():
        of_it = preferences[preferences["kind"] == kind]
        if len(of_it):
            table = bradley_terry(of_it).table().set_index("prompt")
            told = [_with_interval(*each) for each in table[["strength", "low", "high"]].to_numpy()]
            sides[f"{who} (interval)"] = pd.Series(told, table.index)
            sides[f"judgements of {who}"] = table["judgements"].astype(int)
    both = pd.DataFrame(sides)
    first = pd.Index(next(iter(sides.values())).index)
    ordered = both.reindex(first.union(both.index, sort=False))
    return ordered.fillna("-").rename_axis("prompt").reset_index()


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"
