"""Retriever: a corpus as it is cut, embedded and searched, whatever is asked of it."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.models.embedder import Counts, Embedder
from aiopslab.retrieval import exact, fusion, reranking
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.embedding import (
    Told,
    default_embedders,
    itself,
    seconds_to_embed,
    unit_vectors,
)
from aiopslab.retrieval.exact import Mask, Ranked, Singles
from aiopslab.retrieval.late import Encoded, encode
from aiopslab.retrieval.lexical import Lexical
from aiopslab.retrieval.tokens import default_tokenizer, spans_of


class Retriever:
    """Searches a corpus in memory by any configuration; what two have in common is made once.

    Documents are cut once for each chunking, and every distinct text is embedded once for each
    embedder. Of questions that are `Asked`, a ranked list of words or of meaning is made once: a
    configuration with another fusion, reranking or number of hits costs next to nothing.

    Parameters
    ----------
    corpus
        What is searched.
    embedders
        By the names that configurations call them; ``{"minilm": …}`` of the model on this machine,
        with its vectors kept, where ``None``.
    progress
        Called with how many texts of a chunking are embedded, and how many there are; may be
        replaced later.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> retriever = Retriever(corpus, embedders={})
    >>> retriever.search("Why do wings lift?", Configuration(search="lexical"))["document"].tolist()
    ['wings.md']
    """

    def __init__(
        self,
        corpus: Corpus,
        embedders: Mapping[str, Embedder] | None = None,
        progress: Told | None = None,
    ) -> None:
        self.corpus = corpus
        self._embedders = embedders
        self.progress = progress
        self._cut: dict[str, pd.DataFrame] = {}
        self._lexical: dict[tuple[str, float, float], Lexical] = {}
        self._vectors: dict[tuple[str, str, str], Singles] = {}
        self._notes: dict[tuple[str, str, str], str] = {}
        self._encoded: dict[str, Encoded] = {}
        self._sizes: dict[str, Counts] = {}
        self._seconds: dict[str, float] = {}

    def search(
        self, question: str, configuration: Configuration, k: int | None = None
    ) -> pd.DataFrame:
        """Return what one question finds, with its text.

        Parameters
        ----------
        question
            In words.
        configuration
            How.
        k
            Hits; as the configuration says where ``None``.

        Returns
        -------
        pandas.DataFrame
            ``rank, chunk, document, start, end, score, section, text``.
        """
        ranked = self.rank(Asked([question]), configuration, k)
        chunks = self.chunks(configuration)
        hits = ranked.table(["0"], chunks).drop(columns="question")
        found = chunks.iloc[ranked.places[0][ranked.known[0]]].reset_index(drop=True)
        return hits.assign(section=found["section"], text=found["text"])

    def rank(self, asked: Asked, configuration: Configuration, k: int | None = None) -> Ranked:
        """Return the hits of many questions, as rows of `chunks`.

        Parameters
        ----------
        asked
            The questions.
        configuration
            How.
        k
            Hits a question; as the configuration says where ``None``.

        Raises
        ------
        RetrievalError
            If the corpus has no text, there is no such embedder, or a filter no such column.
        """
        wanted = configuration.k if k is None else k
        depth = max(configuration.depth, wanted)
        is_plain = configuration.search != "hybrid" and configuration.rerank == "none"
        found = self._fused(asked, configuration, wanted if is_plain else depth)
        if configuration.rerank == "diverse":
            queries = asked.vectors(self.embedder(configuration))
            vectors = self.vectors(configuration)
            return reranking.maximal_marginal_relevance(found, queries, vectors, wanted)
        if configuration.rerank == "late":
            texts = self.chunks(configuration)["text"].tolist()
            scorer = reranking.late_interaction(itself(self.embedder(configuration)))
            return reranking.rerank(found, asked.texts, texts, scorer, wanted)
        return found.cut(wanted)

    def chunks(self, configuration: Configuration) -> pd.DataFrame:
        """Return the corpus as it is cut."""
        key = self._chunking(configuration)
        if key not in self._cut:
            of_meaning = configuration.chunking == "semantic"
            strategy = configuration.strategy(self.embedder(configuration) if of_meaning else None)
            self._cut[key] = strategy.chunks(self.corpus)
        if self._cut[key].empty:
            raise RetrievalError(
                "the corpus has no text to be searched", "Name a folder with documents in it."
            )
        return self._cut[key]

    def vectors(self, configuration: Configuration) -> Singles:
        """Return the unit vectors of its chunks, ``(chunks, dimensions)``."""
        key = (self._chunking(configuration), configuration.embedder, configuration.pooling)
        if key not in self._vectors:
            chunks = self.chunks(configuration)
            if configuration.pooling == "late":
                self._vectors[key] = self._of_documents(configuration).vectors(chunks)
            else:
                embedder, texts = self.embedder(configuration), chunks["text"].tolist()
                with warnings.catch_warnings(record=True) as told:
                    warnings.simplefilter("always")
                    self._vectors[key] = unit_vectors(embedder, texts, self.progress)
                self._notes[key] = " ".join(str(each.message) for each in told)
        return self._vectors[key]

    def is_ready(self, configuration: Configuration) -> bool:
        """Return whether nothing of the corpus has to be cut, embedded or indexed to search it."""
        chunking = self._chunking(configuration)
        by_words = (chunking, configuration.k1, configuration.b) in self._lexical
        pooled = (chunking, configuration.embedder, configuration.pooling)
        needs_vectors = configuration.search != "lexical" or configuration.rerank == "diverse"
        return (
            chunking in self._cut
            and (configuration.search == "dense" or by_words)
            and (not needs_vectors or pooled in self._vectors)
        )

    def note(self, configuration: Configuration) -> str:
        """Return what its embedder warned of, such as texts that are longer than it reads."""
        key = (self._chunking(configuration), configuration.embedder, configuration.pooling)
        return self._notes.get(key, "")

    def sizes(self, configuration: Configuration) -> Counts:
        """Return how many tokens each of its chunks has, which is what a model will read."""
        key = self._chunking(configuration)
        if key not in self._sizes:
            tokens = default_tokenizer()
            texts = self.chunks(configuration)["text"]
            self._sizes[key] = np.array([len(spans_of(each, tokens)) for each in texts], np.int64)
        return self._sizes[key]

    def lexical(self, configuration: Configuration) -> Lexical:
        """Return the index of the words of its chunks."""
        key = (self._chunking(configuration), configuration.k1, configuration.b)
        if key not in self._lexical:
            texts = self.chunks(configuration)["text"].tolist()
            self._lexical[key] = Lexical(texts, configuration.k1, configuration.b)
        return self._lexical[key]

    def embedder(self, configuration: Configuration) -> Embedder:
        """Return the embedder that it names.

        Raises
        ------
        RetrievalError
            If there is none of that name.
        ModelError
            If it is the one on this machine, and its files were not fetched.
        """
        if self._embedders is None:
            self._embedders = default_embedders()
        if configuration.embedder not in self._embedders:
            known = sorted(self._embedders)
            raise RetrievalError(
                f"there is no embedder {configuration.embedder!r}; there is {', '.join(known)}",
                did_you_mean(configuration.embedder, known),
            )
        return self._embedders[configuration.embedder]

    def seconds_to_embed(self, configuration: Configuration, texts: Sequence[str]) -> float:
        """Return how long its embedder takes for a text; it is timed once."""
        embedder = self.embedder(configuration)
        if embedder.name not in self._seconds:
            self._seconds[embedder.name] = seconds_to_embed(embedder, texts)
        return self._seconds[embedder.name]

    def among(self, configuration: Configuration) -> Mask | None:
        """Return which of its chunks the filter lets through; ``None`` where there is no filter.

        Raises
        ------
        RetrievalError
            If documents have no such column.
        """
        if not configuration.where:
            return None
        documents = self.corpus.documents
        kept = np.ones(len(documents), dtype=bool)
        for name, wanted in configuration.where.items():
            if name not in documents:
                known = [str(each) for each in documents.columns]
                raise RetrievalError(
                    f"documents have no {name!r} to be filtered by", did_you_mean(str(name), known)
                )
            values = wanted if isinstance(wanted, list | tuple | set) else [wanted]
            kept &= documents[name].isin(list(values)).to_numpy()
        inside = set(documents.loc[kept, "document"])
        return self.chunks(configuration)["document"].isin(inside).to_numpy()

    def _fused(self, asked: Asked, configuration: Configuration, k: int) -> Ranked:
        if configuration.search == "lexical":
            return self._by_words(asked, configuration, k)
        if configuration.search == "dense":
            return self._by_meaning(asked, configuration, k)
        lists = [
            self._by_words(asked, configuration, configuration.depth),
            self._by_meaning(asked, configuration, configuration.depth),
        ]
        weights = [1 - configuration.weight, configuration.weight]
        if configuration.fusion == "rrf":
            return fusion.reciprocal_rank_fusion(lists, k, weights)
        return fusion.weighted(lists, k, weights)

    def _by_words(self, asked: Asked, configuration: Configuration, k: int) -> Ranked:
        own = (configuration.k1, configuration.b)
        key = ("words", self._chunking(configuration), *own, _filter(configuration))
        return asked.hits(
            key,
            k,
            lambda: self.lexical(configuration).search(asked.texts, k, self.among(configuration)),
        )

    def _by_meaning(self, asked: Asked, configuration: Configuration, k: int) -> Ranked:
        own = (configuration.embedder, configuration.pooling)
        key = ("meaning", self._chunking(configuration), *own, _filter(configuration))
        return asked.hits(
            key,
            k,
            lambda: exact.search(
                asked.vectors(self.embedder(configuration)),
                self.vectors(configuration),
                k,
                self.among(configuration),
            ),
        )

    def _of_documents(self, configuration: Configuration) -> Encoded:
        if configuration.embedder not in self._encoded:
            self._encoded[configuration.embedder] = encode(
                self.corpus, itself(self.embedder(configuration)), self.progress
            )
        return self._encoded[configuration.embedder]

    def _chunking(self, configuration: Configuration) -> str:
        of_meaning = configuration.embedder if configuration.chunking == "semantic" else ""
        return f"{configuration.chunking}-{configuration.size}-{configuration.overlap}-{of_meaning}"


def _filter(configuration: Configuration) -> str:
    return repr(sorted((key, repr(value)) for key, value in configuration.where.items()))
