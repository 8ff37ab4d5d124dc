"""A documentation site half a year later: what has to be embedded anew, and what is stale then."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.answer_changes import changes_of_tops
from aiopslab.retrieval.chroma import read_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.embedding import default_embedders
from aiopslab.retrieval.freshness import CURRENT, staleness
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.retrieval.labelled import SNAPSHOTS, golden_questions, is_there, snapshot
from benchmarks.retrieval.store import contents, ingested

HEADINGS = Configuration(chunking="headings")
CHUNKINGS = (HEADINGS, Configuration(chunking="fixed"))
K = 5
ALIKE = 1e-6


def figures() -> list[Figure]:
    return list(_figures()) if is_there() else []


def _figures() -> Iterator[Figure]:
    before, after = (snapshot(each) for each in SNAPSHOTS)
    embedder, questions = default_embedders()["minilm"], golden_questions()
    with tempfile.TemporaryDirectory() as root:
        folder, anew = Path(root) / "index", Path(root) / "anew"
        ingested(folder, before, HEADINGS, embedder)
        hits = _hits(folder, embedder, questions)
        told = ingested(folder, after, HEADINGS, embedder)
        later_hits = _hits(folder, embedder, questions)
        ingested(anew, after, HEADINGS, embedder)
        held, fresh = contents(folder), contents(anew)
    other = {each.chunking: _new_texts(each) for each in CHUNKINGS}
    yield at_most(
        "half a year later, chunks embedded anew",
        told.embedded / told.total,
        0.2,
        peer=f"fixed windows: {other['fixed']:.3f}; whole files that changed: {_in_changed():.3f}",
        note=f"{told.embedded:,} of {told.total:,}, {told.moved:,} moved, {told.removed:,} removed;"
        f" {HEADINGS.name}",
    )
    states = staleness(after.documents, held.manifest)
    stale = len(states.documents) - states.count(CURRENT)
    yield at_most("documents that are stale afterwards", stale, 0)
    yield at_least(
        "index equal to one built afresh",
        held.equals(fresh, ALIKE),
        1,
        note=f"{len(held.chunks):,} chunks: ids, places, texts, vectors to {ALIKE:g}, manifest",
    )
    changes = changes_of_tops(hits, later_hits, before.documents, after.documents)
    changed = _changed(hits, later_hits)
    found = set(changes.loc[~changes["state"].isin(["kept", "moved"]), "question"])
    counts = changes["state"].value_counts().to_dict()
    yield at_least(
        "golden questions whose first hit reads otherwise, found",
        len(changed & found) / len(changed),
        1,
        note=f"{len(changed)} of {len(questions)}; found besides, as they read the same: "
        f"{len(found - changed)}; "
        + ", ".join(f"{count} {state}" for state, count in counts.items()),
    )


def _hits(folder: Path, embedder: Embedder, questions: pd.DataFrame) -> pd.DataFrame:
    with read_index(folder, embedder) as index:
        chunks = index.chunks()[["chunk", "text"]]
        return index.search(questions, K).merge(chunks, on="chunk", how="left")


def _changed(hits: pd.DataFrame, later_hits: pd.DataFrame) -> set[str]:
    """Return questions of which the first hit has another text, but for white space."""
    one, other = (
        table[table["rank"] == 1].set_index("question")["text"].str.split().str.join(" ")
        for table in (hits, later_hits)
    )
    return set(one.index[one != other.reindex(one.index)])


def _new_texts(configuration: Configuration) -> float:
    known, told = (configuration.strategy().chunks(snapshot(each))["text"] for each in SNAPSHOTS)
    return float((~told.isin(set(known))).mean())


def _in_changed() -> float:
    """Return the share of chunks in documents that are not to the letter what a former one was."""
    before, after = (snapshot(each) for each in SNAPSHOTS)
    chunks = HEADINGS.strategy().chunks(after)
    both = after.documents.merge(before.documents, on=["document", "content_hash"])
    return float((~chunks["document"].isin(both["document"])).mean())
