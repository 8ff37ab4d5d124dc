"""Freshness: what an index holds against what its sources say now, document by document."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Finding, Level, Verdict
from aiopslab.retrieval.manifest import Manifest
from aiopslab.retrieval.spans import require
from aiopslab.wording import listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

CURRENT, CHANGED, NEW, GONE = "current", "changed", "never ingested", "removed at the source"
STATES = (CHANGED, GONE, NEW, CURRENT)
COLUMNS = ["document", "state", "modified", "ingested", "chunks", "stale_days"]
OLD = 7.0  # days that an index may lag behind before somebody has to act
INGEST = "Ingest the corpus: what changed is embedded, what is gone leaves."


@dataclass(frozen=True)
class Freshness:
    """How current an index is.

    Parameters
    ----------
    documents
        ``document, state, modified, ingested, chunks, stale_days``: one row a document of the
        index or the sources; for how long the index has not been what the source is, as far as the
        source says when it was modified.
    now
        Against which ages are taken.
    """

    documents: pd.DataFrame
    now: pd.Timestamp

    def table(self) -> pd.DataFrame:
        """Return `documents`, what is stale first, the longest stale before others."""
        order = self.documents["state"].map({state: row for row, state in enumerate(STATES)})
        told = self.documents.assign(order=order)
        told = told.sort_values(["order", "stale_days", "document"], ascending=[True, False, True])
        return told.drop(columns="order").reset_index(drop=True)

    def count(self, state: str) -> int:
        """Return how many documents are in a state."""
        return int((self.documents["state"] == state).sum())

    @property
    def oldest(self) -> float:
        """For how many days the index has been stale at least; NaN where nobody can tell."""
        return float(self.documents["stale_days"].max())

    def figure(self) -> "go.Figure":
        """Draw how many documents are in each state."""
        from aiopslab.charts.bars import ranked_bars

        counts = [float(self.count(state)) for state in STATES]
        table = pd.DataFrame({"state": STATES, "documents": counts})
        table = table.assign(low=table["documents"], high=table["documents"])
        return ranked_bars(table, "state", "documents", "Documents by state", "documents", 3)

    def verdict(self) -> Verdict:
        """Say what is stale, and for how long."""
        total = len(self.documents)
        figures = {state: float(self.count(state)) for state in STATES}
        figures["stale days"] = self.oldest
        stale = [state for state in STATES[:3] if self.count(state)]
        if not stale:
            headline = f"All {total:,} documents are in the index as their sources are."
            return Verdict("ok", headline, figures)
        level: Level = "act" if self.oldest > OLD else "watch"
        findings = tuple(self._finding(state, level) for state in stale)
        told = listed([f"{self.count(state):,} {state}" for state in stale])
        count = sum(self.count(state) for state in stale)
        headline = f"{count:,} of {total:,} documents are stale: {told}."
        return Verdict(level, headline, figures, findings, (INGEST,))

    def _finding(self, state: str, level: Level) -> Finding:
        rows = self.table().query("state == @state")
        share = Effect("share of documents", 100 * len(rows) / len(self.documents), "%")
        days = rows["stale_days"].max()
        since = "" if np.isnan(days) else f", the longest for {days:,.1f} days"
        which = "are" if len(rows) > 1 else "is"
        claim = f"{len(rows):,} {which} {state}{since}: {listed(rows['document'].tolist(), 3)}."
        return Finding(claim, "index", level, f"documents: {state}", share)


def staleness(
    documents: pd.DataFrame, manifest: Manifest | None, now: pd.Timestamp | None = None
) -> Freshness:
    """Compare an index with its sources.

    Parameters
    ----------
    documents
        The sources as they are now: ``document, content_hash, modified``.
    manifest
        Of the index; ``None`` where nothing has been ingested.
    now
        For ages; the time of the call where ``None``.

    Returns
    -------
    Freshness
        A document has changed where its content has, whatever its times are.

    Raises
    ------
    RetrievalError
        If a column is missing.

    Examples
    --------
    >>> documents = pd.DataFrame({"document": ["a.md"], "content_hash": ["00"]})
    >>> staleness(documents.assign(modified=pd.NaT), None).verdict().headline
    '1 of 1 documents are stale: 1 never ingested.'
    """
    require(documents, "documents", ("document", "content_hash", "modified"))
    now = pd.Timestamp.now(tz="UTC") if now is None else now
    names = ["document", "content_hash", "chunks", "ingested"]
    held = pd.DataFrame(columns=names) if manifest is None else manifest.documents[names]
    both = documents[["document", "content_hash", "modified"]].merge(
        held, on="document", how="outer", suffixes=("", "_held"), indicator=True
    )
    states = np.select(
        [
            both["_merge"] == "left_only",
            both["_merge"] == "right_only",
            both["content_hash"] != both["content_hash_held"],
        ],
        [NEW, GONE, CHANGED],
        CURRENT,
    )
    modified = pd.to_datetime(both["modified"], utc=True)
    days = (now - modified) / pd.Timedelta(days=1)
    told = both.assign(
        state=states,
        modified=modified,
        ingested=pd.to_datetime(both["ingested"], utc=True),
        chunks=both["chunks"].fillna(0).astype("int64"),
        # When a document was removed no source tells.
        stale_days=days.clip(lower=0).where(np.isin(states, [NEW, CHANGED])).astype(float),
    )
    return Freshness(told[COLUMNS], now)
