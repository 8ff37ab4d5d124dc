"""Chroma's chunking study: how much of the passages that answer MiniLM finds in five chunks.

B. Smith and A. Troynikov, "Evaluating chunking strategies for retrieval", 2024. Its code is in no
package registry. In its place LangChain's splitter, from which its own derives, cuts by the same
tokens and separators, and its definitions are written out below, character by character.
"""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.chunking import identity
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.embedding import default_embedders
from aiopslab.retrieval.exact import search
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.spans import span_scores
from aiopslab.retrieval.truth import Truth
from benchmarks.drift.peers.environments import NotRunError
from benchmarks.harness import Figure, at_most
from benchmarks.retrieval.labelled import RETRIEVAL, chunking_study, is_there
from benchmarks.retrieval.peers import apart

K = 5
POINTS = 1.5
CUTS = {
    "recursive 200/0": Configuration(chunking="recursive", size=200, k=K),
    "fixed 250/125": Configuration(chunking="fixed", size=250, overlap=125, k=K),
}
PUBLISHED = {"recursive 200/0": (75.7, 6.5, 6.5), "fixed 250/125": (82.4, 3.6, 3.5)}
SCORES = ["recall", "precision", "iou"]


def figures() -> list[Figure]:
    return list(_figures(*chunking_study())) if is_there() else []


def _figures(corpus: Corpus, truth: Truth) -> Iterator[Figure]:
    retriever, asked = Retriever(corpus), Asked(truth.questions["text"].tolist())
    ids = truth.questions["question"].tolist()
    embedder = default_embedders()["minilm"]
    try:
        cuts = _cut_by_peer(corpus)
    except NotRunError as error:
        cuts = {}
        yield Figure("recall beside the study's way to cut", float("nan"), note=str(error))
    apart_at_most = 0.0
    for name, configuration in CUTS.items():
        hits = retriever.rank(asked, configuration).table(ids, retriever.chunks(configuration))
        ours = span_scores(hits, truth.answers, K)
        apart_at_most = max(apart_at_most, _apart(ours, written_out(hits, truth.answers)))
        told = ours.mean() * 100
        told_of = dict(zip(SCORES, PUBLISHED[name], strict=True))
        for score in SCORES:
            yield Figure(
                f"{name}, {score}",
                float(told[score]),
                "%",
                peer=f"published, five corpora: {told_of[score]}",
                note=f"{len(ids)} questions on {len(corpus.documents)} of the corpora, k = {K}",
            )
        if configuration.chunking in cuts:
            chunks = cuts[configuration.chunking]
            vectors = embedder.embed(chunks["text"].tolist())
            found = search(asked.vectors(embedder), vectors, K).table(ids, chunks)
            theirs = written_out(found, truth.answers).mean() * 100
            yield at_most(
                f"{name}, recall apart from the stand-in of the study",
                abs(told["recall"] - theirs["recall"]),
                POINTS,
                "points",
                peer="LangChain's splitter, tokens of cl100k: "
                + ", ".join(f"{score} {theirs[score]:.1f}" for score in SCORES),
                note=f"{len(retriever.chunks(configuration))} and {len(chunks)} chunks; the "
                "study's own code is in no package registry",
            )
    yield at_most(
        "span metrics apart from the definitions of the study, at most",
        apart_at_most,
        1e-12,
        note="recall, precision and IoU of each question, counted character by character",
    )


def written_out(hits: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return what the study defines, by sets of characters.

    What was retrieved counts as often as it was; an answer counts once a reference.
    """
    rows = {}
    for question, references in answers.groupby("question", sort=False):
        found = hits[hits["question"] == question]
        wanted, got = _characters(references), _characters(found)
        both = len(wanted & got)
        length = int((references["end"] - references["start"]).sum())
        paid = int((found["end"] - found["start"]).sum())
        missed = length - sum(len(_characters(row) & got) for row in _one_by_one(references))
        rows[question] = (both / length, both / paid, both / (paid + missed))
    return pd.DataFrame.from_dict(rows, orient="index", columns=SCORES)


def _characters(spans: pd.DataFrame) -> set[tuple[str, int]]:
    told = spans[["document", "start", "end"]].itertuples(index=False)
    return {(document, at) for document, start, end in told for at in range(start, end)}


def _one_by_one(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for at in range(len(table)):
        yield table.iloc[[at]]


def _apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    return float((one[SCORES] - other.loc[one.index]).abs().to_numpy().max())


def _cut_by_peer(corpus: Corpus) -> dict[str, pd.DataFrame]:
    """Return the chunks of each way to cut, by the name of ours."""
    paths = [RETRIEVAL / "chroma_chunking" / "corpora" / f"{name}.md" for name, _ in corpus.texts]
    told = json.loads(apart.run(apart.SPLITTERS, *paths).splitlines()[-1])
    return {name: _chunks(corpus, spans) for name, spans in told.items()}


def _chunks(corpus: Corpus, spans: list[list[list[int]]]) -> pd.DataFrame:
    rows: list[Any] = []
    for (document, text), own in zip(corpus.texts, spans, strict=True):
        for start, end in own:
            part = text[start:end]
            rows.append((identity(document, start, end, part), document, start, end, part))
    return pd.DataFrame(rows, columns=["chunk", "document", "start", "end", "text"])
