"""Standing: where the sequential test of two prompts stands, by what people prefer so far."""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, GRID, OCHRE, look
from aiopslab.prompts.comparison import Comparison, at_any_time, compare
from aiopslab.prompts.sequential import LIMIT, PRIOR, Peeks, peek

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.prompts.analysis import PromptAnalysis

HEIGHT = 280  # pixels
POINTS = 400  # along a line, which is as many as there is room for
HALF = 0.5  # of the items: as often as the other


@dataclass(frozen=True)
class Standing:
    """How often one prompt is preferred to another, and whether that is certain by now.

    Parameters
    ----------
    one, other
        The prompts.
    values
        1 for each item on which the one is preferred, -1 for the other and 0 for a tie, in the
        order of rating, ``(items,)``.
    peeks
        What was known after each of them.
    """

    one: str
    other: str
    values: npt.NDArray[np.int64]
    peeks: Peeks

    @property
    def items(self) -> int:
        """How many are rated."""
        return len(self.values)

    @property
    def share(self) -> tuple[float, float, float]:
        """How often the one is preferred, a tie being half, and bounds that hold at all times."""
        if not self.items:
            return math.nan, 0.0, 1.0
        last = self.table().iloc[-1]
        return float(last["value"]), float(last["low"]), float(last["high"])

    @property
    def is_certain(self) -> bool:
        """Whether the prompts differ, for all that one has looked on the way."""
        return self.peeks.stop is not None

    @property
    def more(self) -> float:
        """About how many more items would make it certain, if they go on as so far.

        0 where it is certain; infinite where 20,000 would not do.
        """
        if self.is_certain:
            return 0
        least, most = 1, LIMIT
        if not self._would_tell(most):
            return math.inf
        while least < most:
            middle = (least + most) // 2
            least, most = (least, middle) if self._would_tell(middle) else (middle + 1, most)
        return least

    def __str__(self) -> str:
        if not self.items:
            return f"Not enough data to tell: no pair of {self.one} and {self.other} is rated."
        value, low, high = self.share
        ahead = self.one
        if value < HALF:
            ahead, value, low, high = self.other, 1 - value, 1 - high, 1 - low
        bounds = f"{low:.0%} to {high:.0%}"
        told = f"{ahead} is preferred in {value:.0%} of {self.items:,} pairs ({bounds})"
        if value == HALF:
            told = f"{self.one} and {self.other} are preferred as often, in {self.items:,} pairs"
        told = told.replace("%", " %")
        if self.is_certain:
            return f"Certain after {self.peeks.stop:,} pairs: {told}."
        more = self.more
        rest = f"about {more:,} more would tell."
        if math.isinf(more):
            rest = f"{LIMIT:,} more would not tell."
        return f"Not enough data to tell: {told}. If it goes on like this, {rest}"

    def table(self) -> pd.DataFrame:
        """Return one row an item: ``items, value, low, high``, the share so far with its bounds."""
        count = np.arange(1, self.items + 1)
        value = (1 + np.cumsum(self.values) / count) / 2
        low, high = (1 + self.peeks.low) / 2, (1 + self.peeks.high) / 2
        # The bounds of all times together may have left out what is the share by now.
        low, high = np.minimum(low, value), np.maximum(high, value)
        return pd.DataFrame({"items": count, "value": value, "low": low, "high": high})

    def figure(self) -> "go.Figure":
        """Draw how often the one is preferred, with its bounds closing in on it."""
        table = self.table()
        kept = table.iloc[np.unique(np.linspace(0, len(table) - 1, POINTS).astype(int))]
        places, percent = kept["items"].tolist(), 100 * kept[["value", "low", "high"]]
        bounds = {
            "type": "scatter",
            "x": [*places, *places[::-1]],
            "y": [*percent["low"], *percent["high"][::-1]],
            "fill": "toself",
            "mode": "lines",
            "fillcolor": f"{BLUE}38",
            "line": {"color": BLUE, "width": 0.5},
            "hoverinfo": "skip",
            "name": "interval",
        }
        line = {
            "type": "scatter",
            "x": places,
            "y": percent["value"].tolist(),
            "mode": "lines",
            "line": {"color": BLUE, "width": 2},
            "customdata": percent[["low", "high"]].to_numpy(),
            "hovertemplate": "%{x} pairs: %{y:.0f} % (%{customdata[0]:.0f} to "
            "%{customdata[1]:.0f} %)<extra></extra>",
            "name": "preferred so far",
        }
        title = f"How often {labelled(self.one)} is preferred to {labelled(self.other)}"
        return _on_axes([bounds, line], self.peeks.stop, title, f"{title}. {self}")

    def _would_tell(self, more: int) -> bool:
        """Tell whether the evidence would do after more items, of which as many are won and lost.

        It is that of `peek` where items are won, lost or tied, a mixture of betas.
        """
        from scipy.special import betaln

        grown = 1 + more / max(self.items, 1)
        wins, losses = (grown * int((self.values == each).sum()) for each in (1, -1))
        evidence = betaln(PRIOR + wins, PRIOR + losses) - betaln(PRIOR, PRIOR)
        return bool(evidence + (wins + losses) * math.log(2) >= -math.log(self.peeks.alpha))


def standings(preferences: pd.DataFrame, confidence: float = 0.95) -> tuple[Standing, ...]:
    """Follow the preferences of people, pair of prompts by pair of prompts.

    Parameters
    ----------
    preferences
        One row a rating, in the order in which they were made, as from `Feedback.preferences`:
        ``item, kind, left, right, preferred``. Ratings of judges are left out.
    confidence
        What it lacks to 1 is the chance that any two prompts are ever said to differ that do not.

    Returns
    -------
    tuple of Standing
        In the order of the names. An item counts once, with the first that is said of it: what
        others say of the same outputs is no new evidence on prompts, only on raters. Of more than
        20,000 items the first 20,000 are followed.

    Raises
    ------
    ParameterError
        If the confidence is not between 0 and 1.

    Notes
    -----
    The test is that of `peek`, at a share of the chance of error that is the same for all pairs of
    prompts (C. E. Bonferroni, 1936).

    Examples
    --------
    >>> said = pd.DataFrame({"item": range(20), "kind": "human", "left": "a", "right": "b"})
    >>> print(*standings(said.assign(preferred=["a", "b", "b", "b"] * 5)))
    Not enough data to tell: b is preferred in 75 % of 20 pairs (43 % to 94 %). If it goes on ...
    """
    people = preferences[preferences["kind"] == "human"]
    names = sorted({*people["left"], *people["right"]})
    pairs = [*combinations(names, 2)]
    found = []
    for one, other in pairs:
        of_both = people["left"].isin([one, other]) & people["right"].isin([one, other])
        # What an item is called may be a list, of which pandas tells no two apart.
        is_first = ~people.loc[of_both, "item"].map(repr).duplicated()
        first = people.loc[of_both, "preferred"][is_first].head(LIMIT)
        values = (first == one).to_numpy(np.int64) - (first == other).to_numpy(np.int64)
        peeks = peek(values, (1 - confidence) / len(pairs))
        found.append(Standing(one, other, values, peeks))
    return tuple(found)


def scores_so_far(analysis: "PromptAnalysis") -> Comparison:
    """Compare the scores of a run with bounds that hold although one has looked at them before.

    Raises
    ------
    ParameterError
        If a score is not between 0 and 1, and its metric has no unit.
    """
    scored = set(analysis.scores["metric"])
    contrasts = analysis.comparison.contrasts
    metrics = {each.metric.name: each.metric for each in contrasts if each.metric.name in scored}
    base = analysis.comparison.baseline
    return compare(analysis.scores, base, [*metrics.values()], measure=at_any_time)


def nothing_rated() -> "go.Figure":
    """Return the axes of the figure of a `Standing`, for as long as there is none."""
    title = "How often one prompt is preferred to the other"
    return _on_axes([], None, title, f"{title}: no pair is rated.")


def _on_axes(
    traces: list[dict[str, Any]], stop: int | None, title: str, description: str
) -> "go.Figure":
    """Draw traces, the half that is as often as the other, and where it was certain."""
    import plotly.graph_objects as go

    layout = look(title, description, HEIGHT) | {
        "shapes": [_line("x", "y", HALF * 100, {"color": GREY, "width": 1})],
        "xaxis": {"title": {"text": "pairs rated"}, "rangemode": "tozero", **GRID},
        "yaxis": {"title": {"text": "share, %"}, "range": [0, 100]}
        | {"tickvals": [0, 25, 50, 75, 100], **GRID},
    }
    if stop is not None:
        dotted = {"color": OCHRE, "dash": "dot", "width": 2}
        layout["shapes"].append(_line("y", "x", stop, dotted))
        layout["annotations"] = [
            {"text": "certain", "font": {"color": OCHRE}, "showarrow": False}
            | {"x": stop, "xref": "x", "xanchor": "left"}
            | {"y": 0, "yref": "y domain", "yanchor": "bottom"}
        ]
    # In one piece: plotly checks what is added bit by bit many times over.
    return go.Figure({"data": traces, "layout": layout})


def _line(along: str, across: str, place: float, pen: dict[str, Any]) -> dict[str, Any]:
    """Return a straight line from one end of an axis to the other, at a place of the other axis."""
    ends = {f"{along}0": 0, f"{along}1": 1, f"{along}ref": f"{along} domain"}
    ends |= {f"{across}0": place, f"{across}1": place, f"{across}ref": across}
    return {"type": "line", "line": pen, **ends}
