"""The command ``aiopslab spending``: where money goes, whether it lasts, and what would save."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiopslab.terminal import aligned, indented
from aiopslab.wording import plain

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.overview.spending.result import Spending
    from aiopslab.overview.spending.saving import Saving

LASTS, ENDS, NOT_ENOUGH = 0, 3, 4
ROWS = 12  # of a table
COLOURS = {"ok": "green", "watch": "yellow", "act": "red"}
EXIT_CODES = """\b
Exit codes
  0  the budget lasts, or none was given
  1  calls that cannot be opened, or do not fit their frame
  2  a wrong command
  3  the budget is spent, or will more likely than not be before its period ends
  4  not enough data to tell: no cost is known, or whether the budget lasts is not sure
"""


@click.command(epilog=EXIT_CODES)
@click.argument("calls")
@click.option("--budget", type=float, metavar="USD", help="Of a period.")
@click.option("--period", default="30D", show_default=True, help="Of the budget and of savings.")
@click.option("--begin", help="When a period began, e.g. 2026-03-01; else the first call.")
@click.option("--horizon", default="7D", show_default=True, help="How far ahead to foretell.")
@click.option(
    "--by",
    "splits",
    multiple=True,
    metavar="COLUMNS",
    help="model, prompt_version, route, tenant, or several crossed: model,route. Else each.",
)
@click.option("--prices", type=click.Path(path_type=Path), help="CSV: model,input_usd,output_usd.")
@click.option("--ttl", default="1h", show_default=True, help="How long a cache keeps an answer.")
@click.option("--quality", help="Column of which more is better; else feedback or scores.")
@click.option("--start", help="Of the window to look at, e.g. 2026-03-01T08:00Z.")
@click.option("--end", help="Of the window to look at.")
def spending(
    calls: str,
    budget: float | None,
    period: str,
    begin: str | None,
    horizon: str,
    splits: tuple[str, ...],
    prices: Path | None,
    ttl: str,
    quality: str | None,
    start: str | None,
    end: str | None,
) -> None:
    """Say where the money of CALLS goes, whether a budget lasts, and what would save.

    CALLS is a table with one row a call (Parquet, CSV, JSON lines), sample://NAME,
    otlp+file:///PATH of OpenTelemetry's JSON, or mlflow://experiments/NAME. A cost that was not
    recorded counts as not known, never as nothing; --prices works it out from tokens, in USD for
    a million of them. A saving is what the calls would have cost less; it is sure where its whole
    interval lies above 0 and answers are no worse.

    \b
    Examples
      aiopslab spending calls.parquet --budget 500 --begin 2026-03-01
      aiopslab spending calls.parquet --by tenant --by model,route
      aiopslab spending sample://llm-costly-prompt --ttl 1min --period 1D
      echo "model,input_usd,output_usd" > prices.csv
      echo "small,0.5,1.5" >> prices.csv
      aiopslab spending calls.parquet --prices prices.csv
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.overview.spending import read_prices, spend
    from aiopslab.prompts.calls import open_calls

    found = spend(
        open_calls(calls, start, end),
        budget_usd=budget,
        period=period,
        begin=begin,
        horizon=horizon,
        prices=None if prices is None else read_prices(prices),
        time_to_live=ttl,
        quality=quality,
    )
    tables = [found.by(*each.split(",")) for each in splits or found.dimensions]
    for line in _lines(found, tables):
        click.echo(line)
    raise SystemExit(_exit_code(found))


def _exit_code(found: "Spending") -> int:
    if not found.ledger.known.any():
        return NOT_ENOUGH
    burn = found.burn
    if burn.level == "act":
        return ENDS
    return LASTS if not burn.has_budget or burn.outlook == "not expected" else NOT_ENOUGH


def _lines(found: "Spending", tables: "list[pd.DataFrame]") -> Iterator[str]:
    """Yield the verdict, a table a split, and what would save with what that rests on."""
    verdict = found.verdict()
    yield click.style(plain(verdict.headline), bold=True, fg=COLOURS[verdict.level])
    yield from indented([f"→ {each}" for each in verdict.actions])
    yield from indented(found.notes)
    for each in tables:
        yield ""
        yield from aligned(_money(each))
    for saving in found.changes:
        yield ""
        yield from _saving(saving, found)


def _money(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows with the most money as people read them."""
    from aiopslab.overview.written import value_of

    told = table.head(ROWS).copy()
    names = {"cost_usd": "USD", "query_usd": "USD a query", "low": "from", "high": "to"}
    for column in names:
        told[column] = told[column].map(lambda value: value_of(value, "USD").removesuffix(" USD"))
    told["share"] = told["share"].map(lambda value: value_of(value, ""))
    tokens = ["input_tokens", "output_tokens"]
    told[tokens] = told[tokens].map("{:,.0f}".format)
    return told.rename(columns={**names, "unknown": "not known"})


def _saving(saving: "Saving", found: "Spending") -> Iterator[str]:
    """Yield what a change would save, and what that rests on."""
    import numpy as np

    from aiopslab.incident.durations import spoken
    from aiopslab.overview.written import value_of

    if not np.isfinite(saving.saves_usd):
        told = "not enough data to tell"
    else:
        amount, low, high = (
            value_of(each, "USD") for each in (saving.saves_usd, saving.low, saving.high)
        )
        told = f"saves {amount} ({low} to {high}) in {spoken(found.period)}; answers: "
        told += saving.quality
    yield click.style(plain(f"{saving.what}: {told}"), bold=saving.is_sure)
    yield from indented([saving.how])
