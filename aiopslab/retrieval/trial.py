"""Trial: one configuration held against questions of which the answers are known."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.relevance import best_of_documents, judge
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.spans import span_scores
from aiopslab.retrieval.truth import Truth

QUALITIES = ("recall", "precision", "hit_rate", "mrr", "map", "ndcg")
SPANS = {"recall": "span_recall", "precision": "span_precision", "iou": "span_iou"}
TIMED = 8  # questions that are asked one by one to see how long it takes
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Trial:
    """What a configuration found.

    Parameters
    ----------
    configuration
        Which.
    scores
        By question that has an answer: ``recall, precision, hit_rate, mrr, map, ndcg`` of the
        first `k` hits, ``span_recall, span_precision, span_iou`` of their text, and ``tokens``,
        how many of them a model would have to read.
    hits
        ``question, rank, chunk, document, start, end, score``.
    latency_ms
        Median of a question asked by itself, its embedding included.
    chunks, index_bytes
        How many there are, and the size of their vectors and texts.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["What do wings do?"]})
    >>> answers = pd.DataFrame({"question": ["q"], "document": "wings.md", "start": 0, "end": 11})
    >>> truth = Truth(questions, answers.assign(grade=1))
    >>> run_trial(Retriever(corpus, {}), truth, Configuration(search="lexical")).mean("recall")
    1.0
    """

    configuration: Configuration
    scores: pd.DataFrame
    hits: pd.DataFrame
    latency_ms: float
    chunks: int
    index_bytes: int

    @property
    def name(self) -> str:
        """Of the configuration."""
        return self.configuration.name

    def mean(self, metric: str) -> float:
        """Return the mean of a score over the questions."""
        return float(self.scores[metric].mean())


def run_trial(
    retriever: Retriever, truth: Truth, configuration: Configuration, asked: Asked | None = None
) -> Trial:
    """Put questions to a configuration.

    Parameters
    ----------
    retriever
        Of the corpus.
    truth
        The questions, and where they are answered. Where every answer is a whole document, hits are
        taken for documents, each at the rank of its best chunk.
    configuration
        Which.
    asked
        The same questions, where they were put to other configurations before.

    Raises
    ------
    RetrievalError
        If no question has an answer, or as in `Retriever.rank`.
    """
    questions = answered(truth)
    told = Asked(questions["text"].tolist()) if asked is None else asked
    is_whole = whole_documents(truth, retriever.corpus.documents)
    k = configuration.k
    ids = questions["question"].tolist()
    hits = retriever.rank(told, configuration).table(ids, retriever.chunks(configuration))
    if is_whole:
        hits = _documents(retriever, configuration, told, ids)
    scores = judge(hits, truth.answers).scores(k).reindex(questions["question"], fill_value=0.0)
    spans = span_scores(hits, truth.answers, k).rename(columns=SPANS)
    sizes = pd.Series(
        retriever.sizes(configuration), index=retriever.chunks(configuration)["chunk"]
    )
    read = hits["chunk"].map(sizes[~sizes.index.duplicated()]).astype(np.float64)
    tokens = read.groupby(hits["question"]).sum().reindex(scores.index, fill_value=0.0)
    return Trial(
        configuration,
        scores.join(spans).assign(tokens=tokens).fillna(0.0),
        hits,
        _latency_ms(retriever, configuration, told.texts),
        len(retriever.chunks(configuration)),
        _index_bytes(retriever, configuration),
    )


def answered(truth: Truth) -> pd.DataFrame:
    """Return the questions that have an answer, in their order.

    Raises
    ------
    RetrievalError
        If there is none.
    """
    known = truth.questions["question"].isin(truth.answers["question"])
    if not known.any():
        raise RetrievalError(
            f"none of {len(truth.questions):,} questions has an answer in the corpus",
            "Say where the answers are, label some, or make questions of the corpus.",
        )
    return truth.questions[known].reset_index(drop=True)


def whole_documents(truth: Truth, documents: pd.DataFrame) -> bool:
    """Return whether every answer is a document as a whole."""
    lengths = documents.set_index("document")["text"].str.len()
    ends = truth.answers["document"].map(lengths)
    whole = (truth.answers["start"] == 0) & (truth.answers["end"] >= ends)
    return bool(len(whole) and whole.all())


def _documents(
    retriever: Retriever, configuration: Configuration, asked: Asked, ids: list[str]
) -> pd.DataFrame:
    """Return the first `k` documents of each question, by looking as deep as that takes."""
    chunks = retriever.chunks(configuration)
    depth = max(configuration.depth, configuration.k)
    while True:
        found = best_of_documents(retriever.rank(asked, configuration, depth).table(ids, chunks))
        kept = found[found["rank"] <= configuration.k].reset_index(drop=True)
        if len(kept) == len(ids) * configuration.k or depth >= len(chunks):
            return kept
        depth *= 4


def _latency_ms(
    retriever: Retriever, configuration: Configuration, questions: Sequence[str]
) -> float:
    """Return the median of a question by itself, but for the embedding, which is told apart."""
    sample = list(questions[:TIMED])
    taken = []
    for text in sample:
        one = Asked([text])
        if configuration.search != "lexical":
            one.vectors(retriever.embedder(configuration))
        began = time.perf_counter()
        retriever.rank(one, configuration)
        taken.append(time.perf_counter() - began)
    embedding = 0.0
    if configuration.search != "lexical":
        embedding = retriever.seconds_to_embed(configuration, sample)
    return 1_000 * (float(np.median(taken)) + embedding)


def _index_bytes(retriever: Retriever, configuration: Configuration) -> int:
    chunks = retriever.chunks(configuration)
    size = int(chunks["text"].str.len().sum())
    if configuration.search == "lexical":
        return size
    return size + retriever.vectors(configuration).size * FLOAT
