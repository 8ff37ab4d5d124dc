"""How soon the retrieval inspector answers to a knob, at the handbook and at large corpora."""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from aiopslab.retrieval import Configuration, Corpus, Labels, Retriever, open_corpus, open_questions
from aiopslab.widgets import RetrievalInspector

TARGET = 0.2  # seconds
REPEATS = 11
QUESTION = "how many questions per minute can one user fire at prod before we cut them off?"
NARROW = Configuration(size=200)
WIDE = Configuration(size=200, search="hybrid", k=10)
LARGE = (10_000, 100_000)  # chunks


class Drawn:
    """Vectors drawn by the text, of MiniLM's size: what a search costs does not depend on them."""

    name, dimensions = "drawn", 384

    def embed(self, texts):
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = np.random.default_rng(len(text) * 7919 + row).normal(size=384)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def figures() -> list[dict[str, Any]]:
    """Return the median seconds of each interaction."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        library = open_corpus("embedded:handbook")
        truth = open_questions("embedded:questions", library)
        with Labels(f"{folder}/labels.db") as labels:
            inspector = RetrievalInspector(library, [NARROW, WIDE], truth, labels, "ann")
            inspector.question.value = QUESTION
            size = f"handbook, {len(inspector.retriever.chunks(NARROW)):,} chunks"
            found += _knobs(inspector, size)
            row = inspector.results[0].rows[0]
            found.append(_timed("grade", lambda at: row.buttons[at % 3].click(), size))
            texts = truth.questions["text"].tolist()
            asking = partial(_next, inspector, texts)
            found.append(_timed("another question", asking, f"{size}, MiniLM"))
            inspector.scores.selected_index = 0
            weighing = partial(_weigh, inspector)
            found.append(_timed("weight, scores by stage open", weighing, size))
    for chunks in LARGE:
        retriever = Retriever(_large(chunks, library), {"minilm": Drawn()})
        inspector = RetrievalInspector(retriever, [NARROW, WIDE])
        inspector.question.value = QUESTION
        size = f"{len(retriever.chunks(NARROW)):,} chunks, vectors drawn at random"
        found += _knobs(inspector, size)
        others = [f"{QUESTION} {at}" for at in range(REPEATS + 1)]
        found.append(_timed("another question", partial(_next, inspector, others), size))
    return found


def _knobs(inspector: RetrievalInspector, size: str) -> list[dict[str, Any]]:
    knobs = inspector.knobs[1]
    searches = ("dense", "hybrid")
    return [
        _timed("hits", lambda at: setattr(knobs.k, "value", 5 + at % 6), size),
        _timed("weight", partial(_weigh, inspector), size),
        _timed("search", lambda at: setattr(knobs.search, "value", searches[at % 2]), size),
        _timed("20 hits", lambda at: setattr(knobs.k, "value", 20 - at % 2), size),
    ]


def _weigh(inspector: RetrievalInspector, at: int) -> None:
    inspector.knobs[1].weight.value = 0.05 * (1 + at % 19)


def _next(inspector: RetrievalInspector, texts: list[str], at: int) -> None:
    inspector.question.value = texts[at]


def _timed(name: str, act: Callable[[int], Any], note: str) -> dict[str, Any]:
    taken = []
    for at in range(REPEATS + 1):
        began = time.perf_counter()
        act(at)
        taken.append(time.perf_counter() - began)
    # What is made on first use is not what turning the knob costs.
    value = statistics.median(taken[1:])
    return {"name": f"retrieval: {name}", "value": value, "target": TARGET, "note": note}


def _large(chunks: int, library: Corpus) -> Corpus:
    """Return documents of eighty words each, as often in them as in the handbook."""
    words = " ".join(text for _, text in library.texts).split()
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(words), size=(chunks, 80))
    return Corpus.of_texts(
        {f"d{at:06}.md": " ".join(words[each] for each in row) for at, row in enumerate(drawn)}
    )
