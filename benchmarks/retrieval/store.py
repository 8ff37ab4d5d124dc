"""What an index holds, and whether two hold the same."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.ingestion import Ingestion, ingest
from aiopslab.retrieval.manifest import Manifest

COLUMNS = ["chunk", "document", "start", "end", "text", "section", "content_hash", "text_hash"]


@dataclass(frozen=True)
class Contents:
    """Chunks in their order, the vector of each, and the manifest."""

    chunks: pd.DataFrame
    vectors: npt.NDArray[np.float32]
    manifest: Manifest | None

    def equals(self, other: "Contents", tolerance: float = 0.0) -> bool:
        """Return whether both hold the same, whenever it was put in."""
        if self.manifest is None or other.manifest is None:
            return self.manifest is other.manifest
        one, two = (each.manifest.documents for each in (self, other))
        return (
            self.chunks[COLUMNS].equals(other.chunks[COLUMNS])
            and self.vectors.shape == other.vectors.shape
            and float(np.abs(self.vectors - other.vectors).max(initial=0)) <= tolerance
            and one.drop(columns="ingested").equals(two.drop(columns="ingested"))
        )


def ingested(
    folder: Path, corpus: Corpus, configuration: Configuration, embedder: Embedder
) -> Ingestion:
    """Bring an index in a folder to a corpus."""
    strategy = configuration.strategy()
    with open_index(folder, embedder) as index:
        return ingest(index, corpus.documents, strategy.chunks(corpus), strategy.name)


def contents(folder: Path) -> Contents:
    """Return what an index in a folder holds."""
    with read_index(folder) as index:
        chunks = index.chunks().sort_values("chunk", ignore_index=True)
        vectors, readable = index.vectors(chunks["chunk"].tolist())
        assert readable.all()
        return Contents(chunks, vectors, index.manifest())
