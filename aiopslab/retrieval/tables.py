"""Tables of a sweep, as people read them."""

from typing import Any

import pandas as pd

from aiopslab.retrieval.comparison import Comparison

PRICED = "USD for 1,000 questions"
TRIALS = 15  # that are shown
SHOWN = 8  # questions or answers of each kind that are shown


def trials(
    table: pd.DataFrame, metric: str, current: str, price: float | None = None
) -> pd.DataFrame:
    """Return the best trials, and the current one.

    Parameters
    ----------
    table
        Of `RetrievalAnalysis.table`.
    metric
        That decides.
    current
        The name of the configuration in use.
    price
        USD for a million tokens that a model reads; no cost is shown where it is not known.
    """
    kept = table[(table.index < TRIALS) | table["is_best"] | (table["configuration"] == current)]
    rows = []
    for row in kept.to_dict("records"):
        mark = "now" if row["configuration"] == current else ""
        rows.append(
            {
                "configuration": row["configuration"],
                "": "best" if row["is_best"] else mark,
                metric: f"{row[metric]:.3f}",
                "against now (interval)": _interval(row),
                "outcome": row.get("outcome") if pd.notna(row.get("outcome")) else "",
                "recall": f"{row['recall']:.3f}",
                "tokens a question": f"{row['tokens']:,.0f}",
                **({} if price is None else {PRICED: f"{price * row['tokens'] / 1_000:,.3g}"}),
                "ms a question": f"{row['latency_ms']:.1f}",
                "index, MB": f"{row['index_mb']:.1f}",
            }
        )
    return pd.DataFrame(rows)


def contrasts(comparison: Comparison) -> pd.DataFrame:
    """Return what was compared, one row a metric."""
    rows = [
        {
            "metric": each.metric.name,
            "now": f"{each.current:,.4g}",
            "best": f"{each.score:,.4g}",
            "difference": f"{each.difference:+.3g}",
            "interval": f"{each.low:+.3g} to {each.high:+.3g}",
            "matters from": f"{each.metric.margin:.3g}",
            "p, corrected": "< 0.001" if each.q < 0.001 else f"{each.q:.3f}",
            "outcome": each.outcome,
            "questions": each.questions,
        }
        for each in comparison.contrasts
    ]
    return pd.DataFrame(rows)


def explored(explorer: pd.DataFrame) -> pd.DataFrame:
    """Return questions that the best configuration loses or wins, what it loses first."""
    lost, won = (explorer[explorer["better"] == each] for each in ("one", "other"))
    kept = pd.concat([lost.head(SHOWN), won.tail(SHOWN)], ignore_index=True)
    return pd.DataFrame(
        {
            "question": kept["text"],
            "better": kept["better"].map({"one": "now", "other": "best"}),
            "rank now": kept["rank_one"].map(_rank),
            "rank, best": kept["rank_other"].map(_rank),
            "first hit now": kept["document_one"],
            "first hit, best": kept["document_other"],
        }
    )


def missed(failures: pd.DataFrame) -> pd.DataFrame:
    """Return answers that are missed, some of each cause."""
    kept = failures.groupby("cause", sort=False).head(SHOWN).reset_index(drop=True)
    plain = {name: kept[name].map(_on_one_line) for name in ("document", "quote")}
    kept = kept.assign(**plain)
    named = {"text": "question", "document": "answered in", "quote": "by"}
    return kept[["text", "cause", "detail", "document", "quote"]].rename(columns=named)


def causes(summary: pd.DataFrame) -> pd.DataFrame:
    """Return why answers are missed; see `failures.summary`."""
    return summary.assign(share=summary["share"].map("{:.0%}".format))


def _interval(row: dict[Any, Any]) -> str:
    if pd.isna(row.get("difference")):
        return ""
    return f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def _rank(rank: Any) -> str:
    return "not found" if pd.isna(rank) else f"{rank:.0f}"


def _on_one_line(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""
