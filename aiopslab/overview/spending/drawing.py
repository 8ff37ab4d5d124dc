"""Drawing: where the money goes, how a budget goes down, and what would save."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.forecast import forecast_figure
from aiopslab.charts.labels import label, shortened
from aiopslab.charts.theme import BLUE, GREEN, GREY, OCHRE, VERMILION, styled
from aiopslab.overview.spending.burn import Burn
from aiopslab.overview.spending.saving import Saving
from aiopslab.overview.written import value_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

BARS = 6  # of a column; what is left is one more
ROW, GAP = 28, 46  # pixels
NAME, LINE = 30, 42  # characters of a name, and of what a change is called
_COLOURS = {"not worse": GREEN, "not enough data": OCHRE, "worse": VERMILION}
_SYMBOLS = {"not worse": "circle", "not enough data": "circle-open", "worse": "x"}


def money_figure(tables: Mapping[str, pd.DataFrame]) -> "go.Figure":
    """Draw the money by each column as bars, the most first.

    Parameters
    ----------
    tables
        Of `Spending.by`, by the name of their column.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a"], "cost_usd": [2.0], "share": [1.0], "calls": [9],
    ...                       "query_usd": [2 / 9], "unknown": [0]})
    >>> [list(each.x) for each in money_figure({"model": table}).data]
    [[2.0]]
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    title = "Where the money goes"
    parts = {name: _most(table, name) for name, table in tables.items()}
    parts = {name: part for name, part in parts.items() if len(part)}
    if not parts:
        return styled(go.Figure(), title, f"{title}: no cost is known, or nothing was spent.", 160)
    rows = [len(part) for part in parts.values()]
    height = 90 + ROW * sum(rows) + GAP * len(rows)
    inner = height - 96
    figure = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        row_heights=rows,
        vertical_spacing=GAP / inner if len(rows) > 1 else 0,
        subplot_titles=[escape(f"by {name.replace('_', ' ')}") for name in parts],
    )
    most = max(float(part["cost_usd"].max()) for part in parts.values())
    for row, (name, part) in enumerate(parts.items(), start=1):
        figure.add_trace(_bars(part, name), row=row, col=1)
        # A bar's name as a number of its own: two long names may be cut to the same.
        figure.update_yaxes(
            tickvals=list(range(len(part))),
            ticktext=[shortened(each, NAME) for each in part[name]],
            autorange="reversed",
            showgrid=False,
            ticklabelstandoff=6,
            row=row,
            col=1,
        )
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
    spoken = "; ".join(
        f"by {name.replace('_', ' ')} {part[name].iloc[0]} {value_of(part['share'].iloc[0], '')}"
        for name, part in parts.items()
    )
    styled(figure, title, escape(f"{title}: {spoken}."), height)
    # Room for what is written beside the longest bar.
    figure.update_xaxes(range=[0, 1.45 * most or 1.0])
    figure.update_xaxes(title_text="USD", row=len(rows), col=1)
    return figure


def burn_figure(burn: Burn) -> "go.Figure":
    """Draw what is left of a budget with its forecast; without a budget what was spent."""
    if burn.has_budget:
        title = f"Budget left of {value_of(burn.budget_usd, 'USD')}"
        history, fan, limit = burn.budget_usd - burn.history, burn.budget_usd - burn.fan, 0.0
        fan = fan.rename(columns={"low": "high", "high": "low"})
        named, axis = "the budget is spent", "USD left"
    else:
        title = "Spent so far, and what is to come"
        history, fan, limit = burn.history, burn.fan, 0.0
        named, axis = "", "USD spent"
    if history.empty:
        import plotly.graph_objects as go

        return styled(go.Figure(), title, f"{title}: there are no calls.", 160)
    figure = forecast_figure(history, limit, fan, title, *_ends(burn))
    figure.update_layout(meta={"description": escape(f"{title}. {burn.sentence}")})
    figure.layout.annotations[0].text = named
    figure.layout.annotations[0].update(x=0, xanchor="left", font={"size": 12})
    figure.update_yaxes(title_text=axis)
    if burn.has_budget and burn.end <= max(fan.index[-1] if len(fan) else burn.now, burn.now):
        figure.add_vline(
            x=burn.end.tz_convert("UTC").tz_localize(None), line={"color": GREY, "dash": "dot"}
        )
        figure.add_annotation(
            **{"x": burn.end.tz_convert("UTC").tz_localize(None), "y": 1, "yref": "paper"},
            **{"text": "period ends", "showarrow": False, "xanchor": "right", "yanchor": "top"},
        )
    return figure


def savings_figure(savings: tuple[Saving, ...], period: str) -> "go.Figure":
    """Draw what each change would save, with its interval; what nobody can tell is written."""
    import plotly.graph_objects as go

    title = f"What would save, USD in {period}"
    figure = go.Figure()
    if not savings:
        return styled(figure, escape(title), escape(f"{title}: nothing to weigh."), 160)
    for quality, colour in _COLOURS.items():
        some = [at for at, each in enumerate(savings) if each.quality == quality and _is_told(each)]
        if some:
            told = [savings[at] for at in some]
            figure.add_scatter(**_points(told, some, colour, quality))
    for at, each in enumerate(savings):
        if not _is_told(each):
            figure.add_annotation(
                **{"x": 0, "y": at, "xref": "x", "xanchor": "left", "showarrow": False},
                **{"text": "not enough data to tell", "font": {"size": 12}, "xshift": 8},
            )
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(
        tickvals=list(range(len(savings))),
        ticktext=[_name(each.what) for each in savings],
        range=[len(savings) - 0.5, -0.5],
        showgrid=False,
        ticklabelstandoff=6,
    )
    spoken = "; ".join(f"{each.what} {value_of(each.saves_usd, 'USD')}" for each in savings)
    height = 140 + 44 * len(savings)
    styled(figure, escape(title), escape(f"{title}: {spoken}."), height)
    figure.update_xaxes(title_text=escape(f"USD in {period}"))
    return figure


def _most(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows with the most money, and one of all others."""
    known = table[table["cost_usd"] > 0]
    if len(known) <= BARS + 1:
        return known
    rest = known.iloc[BARS:]
    calls, cost = int(rest["calls"].sum()), float(rest["cost_usd"].sum())
    paid = float((rest["calls"] - rest["unknown"]).sum())
    others: dict[str, Any] = {name: f"{len(rest):,} others", "calls": calls, "cost_usd": cost}
    others |= {"share": float(rest["share"].sum()), "query_usd": cost / paid}
    return pd.concat([known.iloc[:BARS], pd.DataFrame([others])], ignore_index=True)


def _bars(part: pd.DataFrame, name: str) -> dict[str, Any]:
    rows = part.to_dict("records")
    money = [value_of(each["cost_usd"], "USD") for each in rows]
    written = [
        f"{each} · {value_of(row['share'], '')}" for each, row in zip(money, rows, strict=True)
    ]
    hover = [
        f"{label(row[name])}: {each} for {row['calls']:,} calls, "
        f"{value_of(row['query_usd'], 'USD')} a query"
        for each, row in zip(money, rows, strict=True)
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "x": part["cost_usd"].tolist(),
        "y": list(range(len(part))),
        "text": written,
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [BLUE, *[GREY] * (len(part) - 1)], "opacity": 0.75},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _points(savings: list[Saving], places: list[int], colour: str, quality: str) -> dict[str, Any]:
    values = np.array([each.saves_usd for each in savings])
    low, high = (np.array([getattr(each, side) for each in savings]) for side in ("low", "high"))
    return {
        "x": values.tolist(),
        "y": places,
        "mode": "markers",
        "marker": {"color": colour, "symbol": _SYMBOLS[quality], "size": 12},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - values).tolist(),
            "arrayminus": np.nan_to_num(values - low).tolist(),
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        "name": f"answers {quality}" if quality != "not enough data" else "answers: not known",
        "hovertext": [
            f"{label(each.what)}: {value_of(each.saves_usd, 'USD')}, {each.quality}"
            for each in savings
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _is_told(saving: Saving) -> bool:
    return bool(np.isfinite(saving.saves_usd))


def _name(what: str) -> str:
    """Write the name of a change on up to two lines, so that a figure keeps room."""
    head, joint, tail = what.partition(" instead of ")
    if joint:
        return f"{shortened(head, LINE)}<br>instead of {shortened(tail, LINE - 11)}"
    return shortened(what, LINE)


def _ends(burn: Burn) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the interval of the day that the budget ends, as far as it is within the picture."""
    return burn.low, burn.high
