"""Standing: at which rank any passage of the corpus is, far past the hits that are returned."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.retriever import Retriever

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Ranks = dict[str, Floats]

BLOCK = 1 << 22  # ranks at a time, 64 MB a list
DEEPEST = 10_000  # hits of each search that a configuration may fuse


def standing(
    retriever: Retriever, configuration: Configuration, texts: Sequence[str], items: Ints
) -> Iterator[Ranks]:
    """Rank everything there is, question by question.

    Parameters
    ----------
    retriever
        Of the corpus.
    configuration
        How it is searched.
    texts
        Of the questions.
    items
        What each chunk counts as, from 0: itself, or its document, which stands where the best of
        its chunks does; ``(chunks,)``.

    Yields
    ------
    dict of ndarray
        The rank of each item from 1, infinite where it is no hit: ``rank`` by the configuration;
        ``by_words``, where it searches by meaning too, and ``by_meaning``, where it is hybrid, by
        either alone. What is past the depth that is fused and reranked ranks behind all that is
        not, in the order of the search without the reranking.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"a.md": "Queues fill up.", "b.md": "Wings lift."})
    >>> told = standing(
    ...     Retriever(corpus, {}), Configuration(search="lexical"), ["Which wings?"], np.arange(2)
    ... )
    >>> next(told)
    {'rank': array([inf,  1.])}
    """
    plain = configuration.with_(rerank="none")
    deep = plain
    if plain.search == "hybrid":
        deep = plain.with_(depth=max(plain.depth, min(len(items), DEEPEST)))
    searches = {"deep": (deep, len(items))}
    if configuration.rerank != "none":
        searches["reached"] = configuration, configuration.depth
    elif plain.search == "hybrid":
        searches["reached"] = plain, 2 * plain.depth  # all of two lists that have nothing in common
    if plain.search != "lexical":
        searches["by_words"] = plain.with_(search="lexical"), len(items)
    if plain.search == "hybrid":
        searches["by_meaning"] = plain.with_(search="dense"), len(items)
    step = max(1, BLOCK // len(items))
    for first in range(0, len(texts), step):
        asked = Asked(texts[first : first + step])
        found = {
            name: retriever.rank(asked, search, depth).places
            for name, (search, depth) in searches.items()
        }
        for row in range(len(asked)):
            ranks = {name: _ranks(items, places[row]) for name, places in found.items()}
            yield _joined(ranks)


def _ranks(items: Ints, places: Ints) -> Floats:
    """Return the rank of every item among ranked chunks."""
    seen, first = np.unique(items[places[places >= 0]], return_index=True)
    ranks = np.full(int(items.max()) + 1, np.inf)
    ranks[seen[np.argsort(first)]] = np.arange(1, len(seen) + 1)
    return ranks


def _joined(ranks: Ranks) -> Ranks:
    """Continue what was reached with what is deeper."""
    deep = ranks.pop("deep")
    if "reached" not in ranks:
        return {"rank": deep, **ranks}
    reached = ranks.pop("reached")
    is_reached = np.isfinite(reached)
    return {"rank": np.where(is_reached, reached, np.maximum(deep, is_reached.sum() + 1)), **ranks}
