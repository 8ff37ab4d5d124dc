"""Health: whether a store of vectors still holds what was put into it, and finds it.

Counts and searches look right where vectors are lost: so each vector is read, and compared with
the checksum it was written with.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.findings import LEVELS, Effect, Finding, Level, Verdict
from aiopslab.retrieval.approximation import recall_of_index, summarised
from aiopslab.retrieval.checks import Check, Contents, checks
from aiopslab.retrieval.exact import Singles
from aiopslab.retrieval.index import Index
from aiopslab.retrieval.query_drift import separation

if TYPE_CHECKING:
    import plotly.graph_objects as go

EVIDENCE = "index: "
LOW, TOO_LOW = 0.95, 0.8  # recall of the approximate index
DRIFTED = 0.6  # an area under the curve that is surely above is worth a look


@dataclass(frozen=True)
class Health:
    """How a store of vectors is.

    Parameters
    ----------
    index
        Where it is.
    chunks
        That it holds.
    checks
        Each with what it found.
    recall
        Of the approximate index against exact search; ``None`` where it could not be measured.
    drift
        Of recent questions against those of a reference; ``None`` where there are too few.
    """

    index: str
    chunks: int
    checks: tuple[Check, ...]
    recall: Effect | None
    drift: Effect | None

    def table(self) -> pd.DataFrame:
        """Return one row a check, the worst first.

        Returns
        -------
        pandas.DataFrame
            ``check, severity, affected, of, share, examples``.
        """
        rows = [
            (each.name, each.severity, each.affected, each.of, each.share, ", ".join(each.examples))
            for each in self.checks
        ]
        columns = ["check", "severity", "affected", "of", "share", "examples"]
        table = pd.DataFrame(rows, columns=columns)
        order = table["severity"].map({level: -LEVELS.index(level) for level in LEVELS})
        return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)

    def figure(self) -> "go.Figure":
        """Draw the share that each check found, the largest first."""
        from aiopslab.charts.bars import ranked_bars

        table = self.table().sort_values("share", ascending=False, kind="stable")
        bars = table.assign(low=table["share"], high=table["share"])
        bad = int((table["severity"] != "ok").sum())
        return ranked_bars(bars, "check", "share", "What is wrong in the index", "share", bad)

    def verdict(self) -> Verdict:
        """Say whether searches can rely on the index."""
        findings = [
            Finding(each.claim, self.index, each.severity, f"{EVIDENCE}{each.name}", each.effect)
            for each in self.checks
            if each.affected
        ]
        findings += self._recall() + self._drift()
        findings.sort(key=lambda each: -LEVELS.index(each.severity))
        level: Level = findings[0].severity if findings else "ok"
        if level == "ok":
            headline = f"All {self.chunks:,} vectors can be read and are their own."
        else:
            headline = findings[0].claim
        actions = [each.action for each in self.checks if each.severity != "ok"]
        figures = {"chunks": float(self.chunks)}
        figures |= {each.name: float(each.affected) for each in self.checks}
        for effect in filter(None, (self.recall, self.drift)):
            figures[effect.name] = effect.value
        return Verdict(level, headline, figures, tuple(findings), tuple(dict.fromkeys(actions)))

    def _recall(self) -> list[Finding]:
        if self.recall is None or self.recall.interval is None:
            return []
        value, high = self.recall.value, self.recall.interval.high
        level: Level = "act" if high < TOO_LOW else "watch" if high < LOW else "ok"
        claim = f"The approximate index finds {100 * value:.1f} % of what exact search finds."
        return [Finding(claim, self.index, level, f"{EVIDENCE}recall", self.recall)]

    def _drift(self) -> list[Finding]:
        if self.drift is None or self.drift.interval is None:
            return []
        level: Level = "watch" if self.drift.interval.low > DRIFTED else "ok"
        claim = (
            "Recent questions are not like those of the reference."
            if level == "watch"
            else "Recent questions are much like those of the reference."
        )
        return [Finding(claim, "questions", level, "questions: vectors", self.drift)]


def check(
    index: Index,
    *,
    recent: Singles | None = None,
    reference: Singles | None = None,
    k: int = 10,
    sample: int = 200,
    seed: int = 0,
) -> Health:
    """Check a store of vectors: read each of them, and compare it with all that is known of it.

    Parameters
    ----------
    index
        Opened to be read or written. Opened without an embedder, any collection can be checked.
    recent, reference
        Vectors of questions that were asked lately, and of those that the configuration was chosen
        on, ``(questions, dimensions)``. Recall is measured on the recent ones where there are any,
        else on stored vectors, each without itself.
    k
        Hits of which recall is measured.
    sample
        Queries of which it is measured, at most.
    seed
        Draws them.

    Returns
    -------
    Health

    Raises
    ------
    RetrievalError
        If the store cannot be asked.

    Notes
    -----
    Recall is not measured where vectors are lost, since a search may then break, nor where the
    distance is not cosine.
    """
    contents = Contents.of(index)
    found = checks(contents)
    recall = None
    broken = any(each.severity == "act" for each in found)
    if not broken and index.distance == "cosine" and len(contents.chunks) > 1:
        recall = summarised(_recalls(contents, index, recent, k, sample, seed), k)
    drift = None
    if recent is not None and reference is not None:
        drift = separation(reference, recent, seed)
    return Health(str(index.address), len(contents.chunks), found, recall, drift)


def _recalls(
    contents: Contents, index: Index, recent: Singles | None, k: int, sample: int, seed: int
) -> Any:
    rng = np.random.default_rng(seed)
    ids = contents.chunks["chunk"].tolist()
    vectors = _unit(contents.vectors)
    if recent is not None and len(recent):
        drawn = rng.choice(len(recent), min(sample, len(recent)), replace=False)
        return recall_of_index(index, ids, vectors, _unit(recent[drawn]), k)
    drawn = rng.choice(len(ids), min(sample, len(ids)), replace=False)
    # Each finds itself: of k + 1 that one hit is left out.
    share = recall_of_index(index, ids, vectors, vectors[drawn], k + 1)
    depth = min(k + 1, len(ids))
    return np.clip((share * depth - 1) / (depth - 1), 0, 1)


def _unit(vectors: Singles) -> Singles:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)
