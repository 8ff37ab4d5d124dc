"""The drift investigation: everything that was found out, and the verdict it comes to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.drift.auc import SAME
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.diagnosis import Action, Diagnosis
from aiopslab.drift.estimation import Estimation
from aiopslab.drift.feature import FeatureDrift
from aiopslab.drift.history import DriftHistory
from aiopslab.drift.multivariate import Multivariate
from aiopslab.drift.observations import Roles
from aiopslab.drift.performance import Performance
from aiopslab.drift.quality import Break
from aiopslab.drift.segments import Segments
from aiopslab.drift.views import (
    assumptions_view,
    features_view,
    history_view,
    performance_view,
    segments_view,
    together_view,
)
from aiopslab.findings import Effect, Finding, Interval, Level, Verdict

if TYPE_CHECKING:
    import plotly.graph_objects as go

NEEDED = 30  # rows of either side; fewer miss even half a standard deviation one time in five
SHOWN = 5  # features, breaks and segments that become findings
AXES = {"text": "number of words", "embedding": "length of the vector"}
LEVELS: dict[Action, Level] = {
    "ignore": "ok",
    "keep": "ok",
    "watch": "watch",
    "recalibrate": "act",
    "retrain": "act",
    "roll back": "act",
    "fix the data": "act",
}
NEXT: dict[Action, tuple[str, ...]] = {
    "ignore": (),
    "keep": ("Keep the model, and take what came lately into the next reference.",),
    "watch": ("Look again when more outcomes are known.",),
    "recalibrate": (
        "Fit the calibration, or the threshold, anew on the latest labelled observations.",
        "Run this report again with the calibrated scores.",
    ),
    "retrain": (
        "Train a challenger on data from after the onset.",
        "Compare it with the champion on the same recent rows: aiopslab promote --help.",
    ),
    "roll back": (
        "See which version of the model answers since the onset, and point the alias back.",
    ),
    "fix the data": (
        "Mend the columns that broke at their source, from the onset on.",
        "Run this report again on the mended data: what is left is drift.",
    ),
}


@dataclass(frozen=True)
class DriftAnalysis:
    """What reference and current observations say about drift.

    Parameters
    ----------
    reference, current
        The observations.
    roles
        Which column is what.
    breaks
        Of data quality.
    comparison
        Feature by feature.
    together
        All features at once.
    history
        Through time.
    segments
        Where the drift, or the loss, is.
    performance
        By labels; ``None`` without any.
    estimation
        Without labels; ``None`` where the reference has none, or there are no predictions.
    diagnosis
        Why, and what to do.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    roles: Roles
    breaks: tuple[Break, ...]
    comparison: Comparison
    together: Multivariate
    history: DriftHistory
    segments: Segments
    performance: Performance | None
    estimation: Estimation | None
    diagnosis: Diagnosis

    @property
    def level(self) -> Level:
        """How urgent it is."""
        return "watch" if self.too_few else LEVELS[self.diagnosis.action]

    @property
    def too_few(self) -> bool:
        """Whether nothing was found, and there are too few observations to say so."""
        found = self.diagnosis.cause.name != "no drift" or self.diagnosis.action != "ignore"
        return not found and min(len(self.reference), len(self.current)) < NEEDED

    @property
    def estimated(self) -> Estimation | None:
        """The estimation, where it came to an estimate."""
        return (
            self.estimation if self.estimation is not None and not self.estimation.problem else None
        )

    def verdict(self) -> Verdict:
        """Conclude: whether to worry, why, since when, and what to do."""
        features = self.roles.features(self.reference)
        drifted = [each for each in self.comparison.drifted if each in features]
        figures: dict[str, float] = {
            "features": len(features),
            "drifted features": len(drifted),
            "AUC of telling current from reference": self.together.auc,
        }
        if self.performance is not None and len(self.performance.overall):
            first = self.performance.overall.iloc[0]
            figures[f"{first['metric']}"] = float(first["value"])
            figures[f"{first['metric']} of the reference"] = float(first["reference"])
        elif self.estimated is not None:
            first = self.estimated.overall.iloc[0]
            figures[f"{first['metric']} (estimated)"] = float(first["value"])
        more = (f"Widen the windows until each holds at least {NEEDED} observations.",)
        actions = more if self.too_few else NEXT[self.diagnosis.action]
        return Verdict(self.level, self._headline(), figures, self._findings(), actions)

    def table(self) -> pd.DataFrame:
        """Return one row a feature, the most drifted first."""
        return self.comparison.table()

    def quality_table(self) -> pd.DataFrame:
        """Return the breaks of data quality, one a row."""
        rows = [(each.feature, each.kind, each.words) for each in self.breaks]
        return pd.DataFrame(rows, columns=["feature", "break", "what happened"])

    def figure(self) -> "go.Figure":
        """Draw the effects of the features, with their intervals."""
        return self.comparison.figure()

    def shown(self, most: int = 4) -> list[str]:
        """Return the columns whose distributions are worth a look, the most drifted first.

        Texts that moved are left to `text_figures`.
        """
        features = self.comparison.drifted or [each.feature for each in self.comparison.features]
        return [each for each in features if each not in self._told_by_words()][:most]

    def distribution(self, feature: str) -> "go.Figure":
        """Draw the distributions of one column over each other."""
        kinds = {each.feature: each.kind for each in self.comparison.features}
        figure = self.comparison.distribution(feature)
        return figure.update_xaxes(title_text=AXES.get(kinds[feature]))

    def performance_figure(self) -> "go.Figure | None":
        """Draw performance through time, estimated beside realised; ``None`` without either."""
        realised = None if self.performance is None else self.performance.windows
        if self.estimated is not None:
            return self.estimated.figure(realised=realised)
        return None if self.performance is None else self.performance.figure()

    def features_table(self) -> pd.DataFrame:
        """Return one row a feature as people read it, the most drifted first."""
        return features_view(self.comparison)

    def together_table(self) -> pd.DataFrame:
        """Return what the features show together, and texts and embeddings as a whole."""
        return together_view(self.together)

    def text_figures(self) -> "list[go.Figure]":
        """Draw which words tell, for each column of texts that drifted by its words."""
        return [self.together.texts[each].figure(each) for each in self._told_by_words()]

    def _told_by_words(self) -> list[str]:
        texts = self.together.texts
        return [each for each in self.together.moved if each in texts and len(texts[each].words)]

    def history_table(self) -> pd.DataFrame:
        """Return what moved through time, in what way and since when."""
        return history_view(self.history)

    def segments_table(self) -> pd.DataFrame:
        """Return the segments that carry most of the drift, or of the loss."""
        return segments_view(self.segments)

    def performance_table(self) -> pd.DataFrame:
        """Return what was achieved, and what should be, beside the reference."""
        parts = []
        if self.performance is not None:
            parts.append(self.performance.table().assign(how="realised"))
        if self.estimated is not None:
            parts.append(self.estimated.table().assign(how="estimated"))
        return performance_view(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame())

    def assumptions_table(self) -> pd.DataFrame:
        """Return what the estimate rests on, each with its test; empty without an estimate."""
        if self.estimated is None:
            return pd.DataFrame(columns=["assumption", "what it says", "holds", "evidence"])
        return assumptions_view(self.estimated.assumption_table())

    def _repr_html_(self) -> str:
        return self.verdict()._repr_html_() + self.table().to_html(index=False, border=0)

    def _headline(self) -> str:
        action = self.diagnosis.action
        cause = self.diagnosis.cause
        if self.too_few:
            return (
                f"Not enough data to tell: {len(self.current):,} current against "
                f"{len(self.reference):,} reference observations; {NEEDED} of each are needed."
            )
        if cause.name == "no drift":
            count = len(self.roles.features(self.reference))
            is_known = self.performance is not None or self.estimated is not None
            unknown = "" if is_known else "; how well the model does is not known"
            return f"No drift that matters in {count} features: {self.diagnosis.because}{unknown}."
        onset = self.history.onset
        since = f" since {onset.time:%Y-%m-%d %H:%M:%S} UTC" if onset and onset.time else ""
        what = cause.evidence_for[0] if cause.evidence_for else cause.meaning
        return f"{action[0].upper()}{action[1:]}: {what}{since}{self._felt()}."

    def _felt(self) -> str:
        """Say what it did to performance, where that is certain."""
        if self.performance is None or self.performance.better is None:
            return ""
        first = self.performance.overall.iloc[0]
        way = "rose" if first["change"] > 0 else "fell"
        return f"; {first['metric']} {way} from {first['reference']:.3g} to {first['value']:.3g}"

    def _findings(self) -> tuple[Finding, ...]:
        level = self.level
        cause = self.diagnosis.cause
        found = []
        if cause.name != "no drift":
            claim = f"{cause.meaning[0].upper()}{cause.meaning[1:]}: "
            claim += "; ".join(cause.evidence_for)
            found.append(Finding(f"{claim}.", cause.name, level, "section: why"))
        lesser: Level = "watch" if level == "act" else level
        broken = "act" if self.diagnosis.action == "fix the data" else lesser
        found += [
            Finding(
                f"{each.words[0].upper()}{each.words[1:]}.",
                each.feature or "rows",
                broken if each.kind != "order leaks" else lesser,
                f"data quality: {each.kind}",
            )
            for each in self.breaks[:SHOWN]
        ]
        for drift in [each for each in self.comparison.features if each.drifted][:SHOWN]:
            claim, size = self._moved(drift)
            found.append(Finding(claim, drift.feature, lesser, "section: what moved", size))
        return tuple(found)

    def _moved(self, drift: FeatureDrift) -> tuple[str, Effect]:
        """Say what moved in a feature, and by how much."""
        if drift.feature in self.together.moved:
            first = self.together.moved[drift.feature][0]
            size = Effect(first.name, first.value, first.unit, Interval(first.low, first.high))
            verb = "can be told from the reference" if first.none == SAME else "moved"
            return f"{drift.feature} {verb}: {drift.direction}.", size
        effect = drift.effect
        low, high = min(effect.low, effect.value), max(effect.high, effect.value)
        verb = " is" if drift.kind in ("numeric", "datetime") else " moved:"
        claim = f"{drift.feature}{verb} {drift.direction}."
        return claim, Effect(drift.measure, effect.value, "", Interval(low, high))
