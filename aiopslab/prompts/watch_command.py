"""The command ``aiopslab prompts watch``: whether a prompt has become worse in use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aiopslab.prompts.registry_command import tracking
from aiopslab.terminal import aligned, indented
from aiopslab.wording import plain

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.prompts.production import Production

FINE, WORSE, NOT_ENOUGH = 0, 3, 4
COLOURS = {"ok": "green", "watch": "yellow", "act": "red"}
EXIT_CODES = """\b
Exit codes
  0  nothing has surely become worse
  2  a wrong command, or calls that cannot be used
  3  something is surely worse: quality, refusals, tokens, cost or latency
  4  not enough data to tell
"""


@click.command(epilog=EXIT_CODES)
@click.argument("calls")
@click.option("--baseline", help="The version that others are compared with; else the first.")
@click.option("--quality", multiple=True, help="Column of which more is better, e.g. feedback.")
@click.option("--harm", multiple=True, help="Column of which less is better, e.g. toxicity.")
@click.option("--every", help="Show each quantity through time, in bins this wide, e.g. 1h.")
@click.option("--start", help="Of the window to look at, e.g. 2026-03-01T08:00Z.")
@click.option("--end", help="Of the window to look at.")
@tracking
def watch(
    calls: str,
    baseline: str | None,
    quality: tuple[str, ...],
    harm: tuple[str, ...],
    every: str | None,
    start: str | None,
    end: str | None,
    tracking_uri: str | None,
) -> None:
    """Watch the calls of a production system by the version of their prompt.

    CALLS is a table with one row a call (Parquet, CSV, JSON lines), otlp+file:///PATH of
    OpenTelemetry's JSON, or mlflow://experiments/NAME. Each version is compared with the baseline,
    and its later half with its earlier one. Refusals are told by how models decline in English,
    attempts to inject instructions by signs that messages of users seldom have.

    \b
    Examples
      aiopslab prompts watch calls.parquet --baseline v1 --quality feedback
      aiopslab prompts watch otlp+file:///var/log/spans.json --every 1h
      aiopslab prompts watch mlflow://experiments/support --start 2026-03-01
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.prompts.calls import open_calls
    from aiopslab.prompts.production import watch as watched
    from aiopslab.statistics.outcomes import Metric

    found = watched(
        open_calls(calls, start, end, tracking_uri),
        [*map(Metric, quality), *(Metric(each, higher_is_better=False) for each in harm)],
        baseline=baseline,
        every=every,
    )
    for line in _lines(found):
        click.echo(line)
    if every:
        click.echo()
        for line in aligned(_through_time(found)):
            click.echo(line)
    raise SystemExit(_exit_code(found))


def _exit_code(found: "Production") -> int:
    outcomes = {each.outcome for each in found.changes}
    if "worse" in outcomes:
        return WORSE
    return FINE if outcomes - {"not enough data"} else NOT_ENOUGH


def _lines(found: "Production") -> Iterator[str]:
    """Yield the verdict, what has changed and what to do, and a row a version."""
    verdict = found.verdict()
    yield click.style(plain(verdict.headline), bold=True, fg=COLOURS[verdict.level])
    for each in verdict.findings:
        yield from indented([f"{each.claim.rstrip('.')}: {each.effect}"])
    yield from indented([f"→ {each}" for each in verdict.actions])
    yield ""
    yield from aligned(found.by_version())


def _through_time(found: "Production") -> "pd.DataFrame":
    """Return the means of each bin as people read them."""
    table = found.through_time()
    for quantity in found.quantities:
        table[quantity.name] = table[quantity.name].map("{:.3g}".format)
    return table.rename(columns={each.name: each.label for each in found.quantities})
