"""The command ``aiopslab prompts watch``: whether a prompt has become worse in use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aiopslab.prompts.registry_command import tracking
from aiopslab.prompts.terminal import aligned, indented, plain

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.prompts.production import Production

FINE, WORSE, NOT_ENOUGH = 0, 3, 4
SURE = 0.9  # of an attempt: as one sign that has no place in a text, for users give orders as well
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
    from aiopslab.prompts.comparison import Metric
    from aiopslab.prompts.production import watch as watched
    from aiopslab.prompts.scorers.attempts import find_attempt
    from aiopslab.prompts.scorers.refusals import is_refusal

    found = watched(
        open_calls(calls, start, end, tracking_uri),
        [*map(Metric, quality), *(Metric(each, higher_is_better=False) for each in harm)],
        is_refusal=is_refusal,
        is_attempt=lambda text: find_attempt(text).value >= SURE,
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
    yield from aligned(_by_version(found))


def _by_version(found: "Production") -> "pd.DataFrame":
    """Return a row a version: the median and 95th percentile of latency, else means."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    counts = found.calls["prompt_version"].value_counts()
    for version, group in found.table().groupby("prompt_version", sort=False):
        row: dict[str, object] = {"version": version, "calls": int(counts[version])}
        for each in group.to_dict("records"):
            unit = f" ({each['unit']})" if each["unit"] else ""
            if each["quantity"] == "latency":
                row[f"latency p50{unit}"] = f"{each['median']:.0f}"
                row[f"p95{unit}"] = f"{each['p95']:.0f}"
            else:
                row[f"{each['quantity']}{unit}"] = f"{each['mean']:.3g}"
        rows.append(row)
    return pd.DataFrame(rows)


def _through_time(found: "Production") -> "pd.DataFrame":
    """Return the means of each bin as people read them."""
    table = found.through_time()
    for quantity in found.quantities:
        table[quantity.name] = table[quantity.name].map("{:.3g}".format)
    return table.rename(columns={each.name: each.label for each in found.quantities})
