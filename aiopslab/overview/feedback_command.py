"""The command group ``aiopslab feedback``: what people said, as coverage and as evaluation sets."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.terminal import Group, aligned, indented
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.overview.feedback import EvaluationSet
    from aiopslab.overview.feedback_export import Exported

NOTHING = 4
COVERAGE_CODES = """\b
Exit codes
  0  shown
  2  a wrong command, or a store or a table that cannot be used
"""
EXPORT_CODES = """\b
Exit codes
  0  written
  2  a wrong command, or a store or a table that cannot be used
  4  nobody has labelled anything
"""


def _store(name: str, text: str) -> Callable[..., Any]:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.option(f"--{name}", type=file, help=text)


_STORES = (
    click.option("--items", help="Table of the items of prompts, e.g. embedded:intents."),
    _store("ratings", "Ratings of outputs, as prompts.Feedback and its widget keep them."),
    _store("labels", "Grades of passages, as retrieval.Labels and its widget keep them."),
    _store("causes", "Causes of incidents, as the incident explorer keeps them."),
    click.option("--calls", help="Calls in production, with their feedback: a table or a URL."),
)


def _fed(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_STORES):
        command = option(command)
    return command


@click.group(cls=Group)
def feedback() -> None:
    """What people said in the workbench: how much of it there is, and as evaluation sets.

    \b
    Examples
      aiopslab feedback coverage --items questions.csv --ratings feedback.db
      aiopslab feedback export --labels labels.db --causes causes.db -o sets/
      aiopslab run rag_tuning -p questions=sets/questions.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@feedback.command(epilog=COVERAGE_CODES)
@_fed
@click.option("--corpus", help="That the questions of retrieval are answered by.")
@click.option("--questions", help="Of retrieval; needs --corpus.")
@click.option(
    "--incident",
    "recordings",
    multiple=True,
    help="Recording of an incident, e.g. sample://llm-cpu, as often as needed.",
)
@click.option("--recent", default="30D", show_default=True, help="How old a label may be.")
@click.option("--json", "written", metavar="FILE", help="Write the table as JSON, too.")
def coverage(
    items: str | None,
    ratings: Path | None,
    labels: Path | None,
    causes: Path | None,
    calls: str | None,
    corpus: str | None,
    questions: str | None,
    recordings: tuple[str, ...],
    recent: str,
    written: str | None,
) -> None:
    """Show of each evaluation set how much is labelled, by whom, how recently, and what is not.

    \b
    Examples
      aiopslab feedback coverage --items questions.csv --ratings feedback.db
      aiopslab feedback coverage --corpus docs/ --questions q.jsonl --labels labels.db
      aiopslab feedback coverage --incident sample://llm-cpu --causes causes.db
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    import pandas as pd

    from aiopslab.overview.feedback import coverage as covered
    from aiopslab.overview.feedback_export import write_text

    if bool(corpus) != bool(questions):
        raise click.UsageError("--questions and --corpus belong together.")
    try:
        age = pd.Timedelta(recent)
    except ValueError:
        raise click.UsageError(f"--recent is {recent!r}; expected e.g. 30D.") from None
    sets = list(_sets(items, ratings, labels, causes, calls, corpus, questions, recordings))
    if not sets:
        raise click.UsageError("Give --items, --questions, --incident or --calls.")
    found = covered(sets, recent=age)
    click.secho(plain(found.verdict().headline), bold=True)
    table = found.table()
    shown = table.assign(
        share=table["share"].map("{:.0%}".format),
        latest=table["latest"].map(lambda time: "" if pd.isna(time) else f"{time:%Y-%m-%d}"),
        agreement=[_spoken(*each) for each in table[["agreement", "low", "high"]].to_numpy()],
        without=[", ".join(each) for each in table["without"]],
    ).drop(columns=["low", "high"])
    for line in aligned(shown):
        click.echo(line)
    for line in indented([f"{each.name}: {each.about}" for each in sets if each.about]):
        click.echo(line)
    if written:
        told = table.to_json(orient="records", indent=1, date_format="iso")
        write_text(Path(written), f"{told}\n")


@feedback.command(epilog=EXPORT_CODES)
@_fed
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder in which the sets are written.",
)
def export(
    items: str | None,
    ratings: Path | None,
    labels: Path | None,
    causes: Path | None,
    calls: str | None,
    output: Path,
) -> None:
    """Write what people said as evaluation sets, which templates and analyses read.

    Of ratings, the output that people prefer becomes what is expected of an item; of grades, the
    passages that answer; of causes, the labels that the analysis is held against; of calls with
    good feedback, items with their answers.

    \b
    Example
      aiopslab feedback export --ratings feedback.db --labels labels.db -o sets/
      aiopslab run prompt_ab -p items=sets/items.jsonl -p score=similarity
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.overview import feedback_export as to
    from aiopslab.prompts.calls import open_calls
    from aiopslab.prompts.items import open_items

    made: list[Exported] = []
    if ratings:
        made.append(to.export_items(ratings, output, open_items(items) if items else None))
    if labels:
        made.append(to.export_questions(labels, output))
    if causes:
        made.append(to.export_incidents(causes, output))
    if calls:
        made.append(to.export_calls(open_calls(calls), output))
    if not made:
        raise click.UsageError("Give --ratings, --labels, --causes or --calls.")
    for each in made:
        click.echo(plain(f"{each.path}: {each.rows:,} rows, read by {each.read_by}"))
    if not any(each.rows for each in made):
        raise SystemExit(NOTHING)


def _sets(
    items: str | None,
    ratings: Path | None,
    labels: Path | None,
    causes: Path | None,
    calls: str | None,
    corpus: str | None,
    questions: str | None,
    recordings: tuple[str, ...],
) -> "Iterator[EvaluationSet]":
    """Open the sets that were named."""
    from aiopslab.overview import feedback_sets as of
    from aiopslab.prompts.calls import open_calls
    from aiopslab.prompts.items import open_items
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.truth import open_questions

    if items:
        yield of.prompt_items(open_items(items), ratings)
    if corpus and questions:
        yield of.questions(open_questions(questions, open_corpus(corpus)), labels)
    if recordings:
        yield of.incidents(recordings, causes)
    if calls:
        yield of.production_calls(open_calls(calls))


def _spoken(value: float, low: float, high: float) -> str:
    if value != value:  # noqa: PLR0124
        return "not known"
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
