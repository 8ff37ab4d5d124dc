"""Drift through time: how far each feature is from the reference, since when, and in what way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.followed import Followed, Timeline
from aiopslab.drift.judgement import FeatureHistory, Judge
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.onset import Onset
from aiopslab.drift.windows import Windows

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]

FULL_COLOUR = 0.2  # effects are never drawn in full colour under this


@dataclass(frozen=True)
class DriftHistory:
    """Drift through time of every feature, and of the whole.

    Parameters
    ----------
    windows
        How the current observations were cut.
    effects
        ``(windows, features)``: effect of each, noise taken out; NaN where there is no row.
    total
        Of each window: root mean square over the features of the shift in reference SDs.
    features
        One a feature, prediction, score and target, in the order of the reference.
    whole
        All that drifted taken together.
    covered
        Share of the current rows for which the reference has the same season; 1 without a period.
    """

    windows: Windows
    effects: pd.DataFrame
    total: pd.Series
    features: tuple[FeatureHistory, ...]
    whole: FeatureHistory
    covered: float

    @property
    def onset(self) -> Onset | None:
        """Since when the observations as a whole drift; ``None`` where they do not."""
        return self.whole.onset

    def table(self) -> pd.DataFrame:
        """Return one row a feature, what drifted first and most on top."""
        rows = [
            {
                "feature": each.feature,
                "drifted": each.drifted,
                "pattern": each.pattern,
                "onset": each.onset.time if each.onset else None,
                "low": each.onset.low if each.onset else None,
                "high": each.onset.high if each.onset else None,
                "row": each.onset.row if each.onset else None,
                "row_low": each.onset.row_low if each.onset else None,
                "row_high": each.onset.row_high if each.onset else None,
                "before": each.before,
                "after": each.after,
                "measure": each.measure,
                "p": each.p,
                "q": each.q,
                "season": each.season,
                "words": each.words,
            }
            for each in sorted(self.features, key=lambda each: (not each.drifted, -each.after))
        ]
        table = pd.DataFrame(rows)
        whole = ["row", "row_low", "row_high"]
        return table.astype(dict.fromkeys(whole, "Int64"))

    def figure(self) -> "go.Figure":
        """Draw the effects as a heatmap, features × windows, with the onset of each."""
        from aiopslab.charts.heatmap import heatmap

        order = self.table()["feature"].tolist()
        first = self.windows.table["first_row"].to_numpy()
        size = self.windows.table["rows"].to_numpy()
        marks = {}
        for each in self.features:
            if each.onset:
                window = int(np.searchsorted(first, each.onset.row, side="right")) - 1
                within = (each.onset.row - first[window]) / max(1, size[window])
                marks[each.feature] = window + min(1.0, float(within))
        return heatmap(
            self.effects[order].T,
            "Drift through time",
            "effect (reference SD or total variation)",
            self.windows.labels,
            marks,
            FULL_COLOUR,
        )


def drift_over_time(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    roles: Roles | None = None,
    windows: str | pd.Timedelta | int | None = None,
    period: str | pd.Timedelta | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> DriftHistory:
    """Follow drift through time.

    Parameters
    ----------
    reference
        Observations that are known to be good.
    current
        Observations to judge, in order of time where they have no times.
    roles
        Which column is what. Prediction, score and target are followed like features where both
        have them; a target that is not known yet is no missing value.
    windows
        A duration such as ``"1D"``, or a number of rows; see `cut_windows`.
    period
        Of a season, e.g. ``"1Y"``, ``"7D"``, ``"24h"``. With it each row is compared with
        reference rows of the same phase, and what only the season moves is no drift.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    DriftHistory

    Raises
    ------
    FrameError
        If a table cannot be read, the windows are no windows, or a period is given without times.

    Notes
    -----
    A feature drifted where a run of windows lies further from the reference than chance explains
    (`scan`, Benjamini and Hochberg over the features), by more than the margin, and where some
    shape through time explains it better than the variation that the reference itself shows
    (`fit_shapes`). A step is then dated to the row (`date_rows`), a rise to the window.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.normal(size=4_000), rng.normal(size=4_000)
    >>> new[2_500:] += 2
    >>> history = drift_over_time(pd.DataFrame({"age": old}), pd.DataFrame({"age": new}))
    >>> history.features[0].pattern, abs(history.onset.row - 2_500) < 10
    ('sudden', True)
    """
    named = roles or Roles()
    old = read_observations(reference, roles, "reference")
    new = read_observations(current, roles, "current observations")
    line = Timeline(old, new, named, windows, period)
    followed = [
        Followed(column, old[column], _column(new, column), line, column == named.target)
        for column in _columns(old, new, named)
    ]
    scans = [each.scanned for each in followed]
    q = _adjusted(np.array([each.p for each in scans]))
    plain = _adjusted(np.array([each.plain.p for each in followed]))
    judge = Judge(line, new.get(named.timestamp), confidence, seed)
    features = []
    for each, adjusted, unadjusted in zip(followed, q, plain, strict=True):
        judged = judge.feature(each, float(adjusted))
        features.append(judge.with_season(judged, each, float(unadjusted)))
    drifted = [each for each, judged in zip(followed, features, strict=True) if judged.drifted]
    names = [each.name for each in followed]
    squares = np.array([each.squares for each in followed]).reshape(len(names), -1)
    total = np.sqrt(np.maximum(squares.mean(axis=0), 0.0)) if names else np.zeros(line.count)
    return DriftHistory(
        line.cut,
        pd.DataFrame({each.name: each.effects for each in followed}, columns=names),
        pd.Series(total, name="shift, reference SD"),
        tuple(features),
        judge.whole(drifted, features, total),
        line.season.covered if line.season else 1.0,
    )


def _columns(old: pd.DataFrame, new: pd.DataFrame, roles: Roles) -> Iterator[str]:
    yield from roles.features(old)
    for role in (roles.prediction, roles.score, roles.target):
        if role in old and role in new:
            yield role


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, all of it missing where there is none."""
    return table[name] if name in table else pd.Series([None] * len(table), dtype=object)


def _adjusted(p: Floats) -> Floats:
    """Adjust p-values for the false discovery rate (Benjamini and Hochberg 1995)."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
