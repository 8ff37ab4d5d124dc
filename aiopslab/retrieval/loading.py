"""Loading: a configuration out of a file, into a retriever that answers."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.configuration import read_configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.retriever import Retriever


def load(
    path: str | Path, corpus: Corpus, embedders: Mapping[str, Embedder] | None = None
) -> Callable[..., pd.DataFrame]:
    """Load a configuration into a running retriever.

    Parameters
    ----------
    path
        Of the file, see `Configuration.save`.
    corpus
        What is searched.
    embedders
        See `Retriever`.

    Returns
    -------
    callable
        From a question, and ``k`` where another number of hits is wanted, to what it finds; see
        `Retriever.search`.

    Examples
    --------
    >>> import tempfile
    >>> from aiopslab.retrieval.configuration import Configuration
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = Configuration(search="lexical").save(f"{folder}/retrieval.yaml")
    ...     search = load(kept, corpus)
    >>> search("What do wings do?", k=1)["text"].tolist()
    ['Wings lift.']
    """
    configuration = read_configuration(path)
    retriever = Retriever(corpus, embedders)
    # All that takes time is done before the first question comes.
    if configuration.search != "dense":
        retriever.lexical(configuration)
    if configuration.search != "lexical" or configuration.rerank == "diverse":
        retriever.vectors(configuration)
    return lambda question, k=None: retriever.search(question, configuration, k)
