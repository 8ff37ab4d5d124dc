"""The spending of a system: where its money goes, how long it lasts, and what would save."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.findings import LEVELS, Effect, Finding, Interval, Level, Verdict
from aiopslab.incident.durations import spoken
from aiopslab.overview.spending.burn import Burn
from aiopslab.overview.spending.grouping import grouped
from aiopslab.overview.spending.inputs import Inputs
from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.saving import Saving, tabulated
from aiopslab.overview.written import interval_of, value_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN = 12  # rows of a table on a page
UNKNOWN = 0.05  # of calls without a cost, from which sums are to be watched


@dataclass(frozen=True, repr=False)
class Spending:
    """What calls cost.

    Parameters
    ----------
    ledger
        The calls, each with what it cost where that is known.
    burn
        How the budget goes.
    changes
        What would save, the most first.
    inputs
        How long prompts are.
    period
        In which savings are told.
    confidence
        Of the intervals.
    seed
        Of the resampling.
    """

    ledger: Ledger
    burn: Burn
    changes: tuple[Saving, ...]
    inputs: Inputs
    period: pd.Timedelta
    confidence: float
    seed: int

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What money can be split by: of model, prompt version, route and tenant those told."""
        return self.ledger.dimensions

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, left out or is not known."""
        return self.ledger.notes

    def by(self, *columns: str) -> pd.DataFrame:
        """Return money and tokens by one column, or several crossed.

        Parameters
        ----------
        columns
            Of `dimensions`; none for the sum of all calls.

        Returns
        -------
        pandas.DataFrame
            The columns and ``calls, unknown, input_tokens, output_tokens, cost_usd, share,
            query_usd, low, high``, the most money first. Unknown counts calls whose cost nobody
            knows; money, its share and the mean of a query are of the others, and NaN where there
            are none. The interval of the mean is taken over stretches of time; NaN where fewer than
            five have a call, and past the first 300 rows.

        Raises
        ------
        ParameterError
            If a column is not among the dimensions, or comes twice.
        """
        if columns not in self._tables:
            self._tables[columns] = grouped(self.ledger, columns, self.confidence, self.seed)
        return self._tables[columns].copy()

    @cached_property
    def _tables(self) -> dict[tuple[str, ...], pd.DataFrame]:
        """What was worked out, since page, figure and verdict ask for the same."""
        return {}

    def savings(self) -> pd.DataFrame:
        """Return what each change would have saved, the most first.

        Returns
        -------
        pandas.DataFrame
            ``what, saves_usd, low, high, share, quality, how``: USD a period, the share of the
            money spent, and whether answers stay as good (``not worse``, ``worse``, ``not enough
            data``). What nobody can tell is NaN, last.
        """
        return tabulated(self.changes)

    def table(self) -> pd.DataFrame:
        """Return money by all that the calls tell, crossed; see `by`."""
        return self.by(*self.dimensions)

    def figure(self) -> "go.Figure":
        """Draw where the money goes, by each column that the calls tell."""
        from aiopslab.overview.spending.drawing import money_figure

        return money_figure({each: self.by(each) for each in self.dimensions})

    def burn_figure(self) -> "go.Figure":
        """Draw what is left of the budget, with its forecast."""
        return self.burn.figure()

    def savings_figure(self) -> "go.Figure":
        """Draw what each change would save, with its interval."""
        from aiopslab.overview.spending.drawing import savings_figure

        return savings_figure(self.changes, spoken(self.period))

    def verdict(self) -> Verdict:
        """Say what was spent, whether the budget lasts, and what surely saves."""
        ledger, total = self.ledger, self.by()
        if not ledger.known.any():
            few = "no calls" if ledger.calls.empty else f"no cost of {len(ledger.calls):,} calls"
            return Verdict(
                "watch",
                f"Not enough data: {few} known.",
                {"calls": float(len(ledger.calls)), "cost_usd": float("nan")},
                actions=("Record cost_usd, or give the prices of the models.",),
            )
        findings = [self.burn.finding(), *self._shares(), *self._unknown()]
        findings += [each.finding(spoken(self.period)) for each in self.changes]
        levels: list[Level] = [self.burn.level, *(each.severity for each in self._unknown())]
        level = max(levels, key=LEVELS.index)
        row = total.iloc[0]
        query = value_of(row["query_usd"], "USD")
        parts = [
            f"{value_of(row['cost_usd'], 'USD')} for {int(row['calls']):,} calls, {query} a query."
        ]
        parts += [self.burn.sentence] if self.burn.has_budget else []
        sure = [each for each in self.changes if each.is_sure]
        if sure:
            best = sure[0]
            ends = interval_of(Interval(best.low, best.high, best.confidence), "USD")
            parts.append(
                f"{best.what} would save {value_of(best.saves_usd, 'USD')} ({ends}) in "
                f"{spoken(self.period)}, with answers no worse."
            )
        figures = {
            **{"calls": float(row["calls"]), "cost_usd": float(row["cost_usd"])},
            **{"query_usd": float(row["query_usd"]), "unknown_calls": float(row["unknown"])},
            **{"spent_usd": self.burn.spent, "left_usd": self.burn.left},
            "surely_saves_usd": sure[0].saves_usd if sure else 0.0,
        }
        return Verdict(level, " ".join(parts), figures, tuple(findings), self._actions(sure))

    def _shares(self) -> list[Finding]:
        """Return who takes the most money, by each column that tells any apart."""
        found = []
        for each in self.dimensions:
            table = self.by(each)
            if len(table) < 2:
                continue
            top = table.iloc[0]
            name = each.replace("_", " ")
            has_ends = pd.notna(top["low"])
            ends = Interval(top["low"], top["high"], self.confidence) if has_ends else None
            claim = (
                f"By {name}, {top[each]} takes the most: {value_of(top['cost_usd'], 'USD')}, "
                f"{value_of(top['share'], '')} of the money for {int(top['calls']):,} calls."
            )
            effect = Effect("cost a query", float(top["query_usd"]), "USD", ends)
            found.append(Finding(claim, str(top[each]), "ok", "calls: cost_usd", effect))
        return found

    def _unknown(self) -> list[Finding]:
        unknown, calls = self.ledger.unknown, len(self.ledger.calls)
        if not unknown:
            return []
        level: Level = "watch" if unknown > UNKNOWN * calls else "ok"
        claim = (
            f"The cost of {unknown:,} of {calls:,} calls is not known; they are in no sum, so that "
            "more was spent than is told."
        )
        return [Finding(claim, "calls", level, "calls: cost_usd")]

    def _actions(self, sure: list[Saving]) -> tuple[str, ...]:
        actions = []
        if self.burn.level == "act":
            actions.append("Raise the budget, or save: the changes below say what would.")
        actions += [f"Try: {each.what}." for each in sure if each.kind != "all together"]
        if self._unknown():
            actions.append("Give the prices of the models whose calls have no cost.")
        return tuple(actions)

    def _shown(self, column: str) -> str:
        """Return who takes the most money by a column, as HTML."""
        table = self.by(column)
        columns = [column, "calls", "cost_usd", "share", "query_usd", "low", "high", "unknown"]
        more = len(table) - SHOWN
        rest = f"<p><small>and {more:,} more</small></p>" if more > 0 else ""
        return _html(table.head(SHOWN)[columns]) + rest

    def __repr__(self) -> str:
        spent = value_of(float(np.nansum(self.ledger.cost)), "USD")
        return f"Spending({len(self.ledger.calls):,} calls, {spent}, budget: {self.burn.outlook})"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(each)}</li>" for each in self.notes)
        money = "".join(map(self._shown, self.dimensions))
        recorded = f"as {spoken(self.ledger.span)} of calls were recorded"
        return (
            '<section class="aiopslab-spending">'
            f"<p>{escape(self.burn.sentence)}</p>"
            f"{money}<h4>What would save, USD in {escape(spoken(self.period))}, {recorded}</h4>"
            f"{_html(self.savings().head(SHOWN))}"
            + (f"<ul>{notes}</ul>" if notes else "")
            + "</section>"
        )


def _html(table: pd.DataFrame) -> str:
    return str(
        table.to_html(index=False, border=0, escape=True, na_rep="–", float_format="{:.4g}".format)
    )
