"""Stages: what each step of a search makes of one question, from its words to its hits."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval import reranking
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.embedding import itself
from aiopslab.retrieval.exact import Ranked
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.tokens import default_tokenizer, spans_of

Found = tuple[pd.DataFrame, tuple[str, ...]]


class Question(Asked):
    """One question, with all that was made for it so far.

    Parameters
    ----------
    text
        What is asked.

    Raises
    ------
    RetrievalError
        If it has no text.
    """

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise RetrievalError("the question is empty", "Type what you want to know.")
        super().__init__([text])
        self._scorers: dict[str, reranking.Scorer] = {}
        self._found: dict[str, Found] = {}

    @property
    def text(self) -> str:
        """What is asked."""
        return self.texts[0]

    def found(self, configuration: Configuration, search: Callable[[], Found]) -> Found:
        """Return what was found under a configuration, which may have been asked before."""
        key = repr(configuration)
        if key not in self._found:
            self._found[key] = search()
        return self._found[key]

    def scorer(self, embedder: Embedder) -> reranking.Scorer:
        """Return what reranks by tokens, which keeps the vectors of the texts it has seen."""
        if embedder.name not in self._scorers:
            self._scorers[embedder.name] = reranking.late_interaction(itself(embedder))
        return self._scorers[embedder.name]


def by_stage(retriever: Retriever, question: Question, configuration: Configuration) -> Found:
    """Return what a question finds, with what each stage said of it.

    Parameters
    ----------
    retriever
        Of the corpus.
    question
        What is asked.
    configuration
        How.

    Returns
    -------
    tuple of DataFrame and tuple of str
        ``rank, chunk, document, start, end, score, section, text, tokens``, as `Retriever.search`
        finds them, and for each stage its score by its name, and ``rank_`` with its name, missing
        where the stage did not have the hit; and the stages that there are, of ``lexical, dense,
        fused, reranked``.

    Raises
    ------
    RetrievalError
        As `Retriever.rank` does.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> question = Question("Why do wings lift?")
    >>> hits, stages = by_stage(Retriever(corpus, {}), question, Configuration(search="lexical"))
    >>> stages, hits["document"].tolist(), hits["rank_lexical"].tolist()
    (('lexical',), ['wings.md'], [1])
    """
    return question.found(configuration, lambda: _found(retriever, question, configuration))


def _found(retriever: Retriever, question: Question, configuration: Configuration) -> Found:
    chunks = retriever.chunks(configuration)
    lists = dict(_lists(retriever, question, configuration))
    ranked = [*lists.values()][-1].cut(configuration.k)
    places = ranked.places[0][ranked.known[0]]
    hits = ranked.table([question.text], chunks).drop(columns="question")
    found = chunks.iloc[places].reset_index(drop=True)
    tokens = default_tokenizer()
    hits = hits.assign(
        section=found["section"],
        text=found["text"],
        tokens=[len(spans_of(each, tokens)) for each in found["text"]],
    )
    for name, each in lists.items():
        at = {place: rank for rank, place in enumerate(each.places[0].tolist()) if place >= 0}
        ranks = [at[place] + 1 if place in at else None for place in places.tolist()]
        hits[name] = [each.scores[0][at[place]] if place in at else np.nan for place in places]
        hits[f"rank_{name}"] = pd.array(ranks, dtype="Int64")
    return hits, tuple(lists)


def _lists(
    retriever: Retriever, question: Question, configuration: Configuration
) -> Iterator[tuple[str, Ranked]]:
    """Yield what each stage ranks, as deep as the next one looks; the last is what is found."""
    depth = configuration.depth
    for name in ("lexical", "dense"):
        if configuration.search in (name, "hybrid"):
            alone = configuration.with_(search=name, rerank="none")
            yield name, retriever.rank(question, alone, depth)
    before = configuration.with_(rerank="none", depth=depth)
    fused = retriever.rank(question, before, depth)
    if configuration.search == "hybrid":
        yield "fused", fused
    if configuration.rerank == "late":
        scorer = question.scorer(retriever.embedder(configuration))
        texts = retriever.chunks(configuration)["text"].tolist()
        yield "reranked", reranking.rerank(fused, question.texts, texts, scorer, depth)
    elif configuration.rerank != "none":
        yield "reranked", retriever.rank(question, configuration, depth)
