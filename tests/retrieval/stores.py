"""A corpus of lines and an embedder whose vectors are known, for tests of stores."""

from hashlib import sha256

import numpy as np
import pandas as pd

DIMENSIONS = 32


class Hashing:
    """Unit vectors that depend on the text alone; counts what it was asked."""

    name, dimensions, max_tokens = "hashing@1", DIMENSIONS, 12

    def __init__(self):
        self.asked = []

    def embed(self, texts):
        self.asked += texts
        return vectors_of(texts)

    def count_tokens(self, texts):
        return np.array([len(text.split()) for text in texts])


def vectors_of(texts):
    drawn = [
        np.random.default_rng(list(sha256(text.encode()).digest())).standard_normal(DIMENSIONS)
        for text in texts
    ]
    vectors = np.array(drawn, dtype=np.float32).reshape(-1, DIMENSIONS)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def corpus(texts, **metadata):
    """Return documents, and one chunk a line."""
    rows = [(name, text, sha256(text.encode()).hexdigest()) for name, text in texts.items()]
    documents = pd.DataFrame(rows, columns=["document", "text", "content_hash"])
    documents["modified"] = pd.Timestamp("2026-03-01", tz="UTC")
    return documents.assign(**metadata), pd.DataFrame(
        [each for name, text in texts.items() for each in _lines(name, text)],
        columns=["chunk", "document", "start", "end", "text", "section"],
    )


def _lines(name, text):
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        said = f"{name}\0{start}\0{end}\0{line}".encode()
        yield sha256(said).hexdigest()[:16], name, start, end, line, "Lines"
        start = end


def pages(count, lines=50):
    return {
        f"page{page}.md": "".join(f"Line {line} of page {page}.\n" for line in range(lines))
        for page in range(count)
    }


def contents(index):
    """Return everything that tells two indexes apart, but for when they were ingested."""
    chunks = index.chunks().sort_values("chunk", ignore_index=True)
    vectors, readable = index.vectors(chunks["chunk"].tolist())
    assert readable.all()
    manifest = index.manifest()
    documents = None if manifest is None else manifest.documents.drop(columns="ingested")
    return chunks.sort_index(axis=1), vectors, documents


def assert_equal(one, other):
    """Fail unless two indexes hold the same; vectors to what Chroma keeps of them."""
    # Checksums are of the vectors, so that they too may differ by what was rounded.
    pd.testing.assert_frame_equal(one[0], other[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(one[1], other[1], atol=1e-7)
    pd.testing.assert_frame_equal(one[2], other[2])


def edited(texts):
    """Return the pages with one in three changed, a line put before others, and one renamed."""
    told = dict(texts)
    for place, name in enumerate(texts):
        if place % 3 == 0:
            told[name] = texts[name].replace("Line", "Row")
        elif place % 3 == 1:
            told[name] = "Read this first.\n" + texts[name]
    told["renamed.md"] = told.pop(name)
    return told
