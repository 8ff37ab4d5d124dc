"""Tables: an evaluation of prompts as people read it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aiopslab.prompts.comparison import Comparison, Contrast, peeking
from aiopslab.prompts.differences import plain
from aiopslab.prompts.pairs import Pairs, pair
from aiopslab.prompts.sequential import LIMIT, observed
from aiopslab.statistics.outcomes import Metric

LONGEST = 200  # characters of an output
FIELDS = ("text", "question", "input", "expected")  # of an item, that tell what it was about


def contrast_rows(contrasts: Sequence[Contrast]) -> pd.DataFrame:
    """Return one row a contrast, numbers with their units."""
    return pd.DataFrame([_row(each) for each in contrasts])


def slice_rows(slices: pd.DataFrame, baseline: str, candidate: str, alpha: float) -> pd.DataFrame:
    """Return the kinds of items, those on which the candidate loses first.

    Parameters
    ----------
    slices
        From `find_slices`.
    baseline, candidate
        Which prompts.
    alpha
        Of what is more than chance, after the correction for all slices.
    """
    shown = slices[slices["candidate"] == candidate]
    return pd.DataFrame(
        {
            "slice": shown["slice"],
            "items": shown["items"],
            baseline: shown["baseline"].map("{:.3g}".format),
            candidate: shown["score"].map("{:.3g}".format),
            "difference (interval)": [
                f"{value:+.3g} ({low:+.3g} to {high:+.3g})"
                for value, low, high in shown[["difference", "low", "high"]].to_numpy()
            ],
            "more than chance": ["yes" if q <= alpha else "no" for q in shown["q"]],
        }
    )


def example_rows(
    calls: pd.DataFrame,
    items: pd.DataFrame,
    scores: pd.DataFrame,
    comparison: Comparison,
    contrast: Contrast,
    most: int,
) -> pd.DataFrame:
    """Return items that only one of two prompts got right, with what both said.

    Parameters
    ----------
    calls, items
        Of the run.
    scores
        Of all metrics.
    comparison, contrast
        Which two, and in what.
    most
        Items of each side.
    """
    baseline, candidate = comparison.baseline, contrast.candidate
    pairs = pair(scores[scores["metric"] == contrast.metric.name], baseline, candidate)
    gain = pairs.differences if contrast.metric.higher_is_better else -pairs.differences
    order = gain.argsort(kind="stable")
    lost = [at for at in order if gain[at] < 0][:most]
    won = [at for at in order[::-1] if gain[at] > 0][:most]
    first = calls.drop_duplicates(["item", "prompt"]).set_index(["item", "prompt"])
    fields = items.set_index("item")
    text = [name for name in FIELDS if name in fields]
    rows = []
    for at in (*lost, *won):
        item = pairs.items[at]
        rows.append(
            {
                "better": candidate if gain[at] > 0 else baseline,
                "item": item,
                **{name: _short(fields.loc[item, name]) for name in text},
                **{
                    name: _short(first.loc[(item, name), "output"])
                    for name in (baseline, candidate)
                },
            }
        )
    return pd.DataFrame(rows)


def evidence_rows(pairs: Pairs, metric: Metric, confidence: float) -> pd.DataFrame:
    """Return what was known of a difference after each observation: an item, or a group of them.

    Returns
    -------
    pandas.DataFrame
        ``items`` so far, their mean difference ``value``, and ``low, high`` that hold at all times
        together; of 20,000 observations at most.

    Raises
    ------
    ParameterError
        If a share is not between 0 and 1.
    """
    before, after = observed(pairs)
    gaps, sizes = after - before, np.unique(pairs.groups, return_counts=True)[1]
    peeks = peeking(metric, pairs)(gaps[:LIMIT], 1 - confidence)
    so_far = np.cumsum(gaps) / np.arange(1, len(gaps) + 1)
    table = pd.DataFrame({"items": np.cumsum(sizes), "value": so_far})[:LIMIT]
    return table.assign(low=peeks.low, high=peeks.high)


def _row(each: Contrast) -> dict[str, object]:
    told = each.difference
    unit = f" {each.metric.unit}" if each.metric.unit else ""
    return {
        "candidate": each.candidate,
        "metric": each.metric.name,
        "baseline": f"{plain(told.baseline)}{unit}",
        "score": f"{plain(told.candidate)}{unit}",
        "difference (interval)": str(told),
        "matters from": f"{plain(each.metric.margin)}{unit}",
        "p, corrected": "< 0.001" if each.q < 0.001 else f"{each.q:.3f}",
        "outcome": each.outcome,
        "won / lost": f"{told.wins} / {told.losses}",
    }


def _short(value: object) -> str:
    text = " ".join(str(value).split()) if value is not None else "(no output)"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
