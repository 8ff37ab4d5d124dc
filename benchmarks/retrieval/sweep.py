"""What a sweep costs against embedding each of its chunks once, and late pooling beside it."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from aiopslab.models.minilm import MiniLM
from aiopslab.models.vectors import Cached, cached
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.late import encode
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.space import grid
from aiopslab.retrieval.sweep import Sweep, tune
from aiopslab.retrieval.truth import Truth
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.retrieval.labelled import chunking_study, is_there

SIZES = [100, 150, 200, 250]
SPACE = {"size": SIZES, "overlap": [0, 50], "search": ["lexical", "dense", "hybrid"]}
CHANGED = {
    **SPACE,
    "search": ["hybrid"],
    "k": [3, 10],
    "fusion": ["rrf", "weighted"],
    "rerank": ["none", "diverse"],
}
PER = 500_000  # characters, that the cost of a further size of chunks is told of


def figures() -> list[Figure]:
    return list(_figures(*chunking_study())) if is_there() else []


def _figures(corpus: Corpus, truth: Truth) -> Iterator[Figure]:
    model, load = MiniLM(), os.getloadavg()[0]
    model.embed(["what is loaded on first use is not counted"])
    texts = _distinct(corpus)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        _, floor = _cpu(lambda: cached(model, folder / "floor.db").embed(texts))
        kept = cached(model, folder / "sweep.db")
        swept, cost = _cpu(lambda: _swept(corpus, truth, kept, SPACE))
        before = _vectors(kept)
        _, again = _cpu(lambda: _swept(corpus, truth, kept, CHANGED))
        embedded = _vectors(kept) - before
    yield at_most(
        "24 configurations, CPU to that of embedding each distinct chunk once",
        cost / floor,
        1.2,
        "x",
        note=f"{cost:.1f} and {floor:.1f} CPU s, {len(texts):,} distinct chunks, with splitting, "
        f"scoring and {len(truth.questions)} questions; load {load:.1f}",
    )
    yield at_most(
        "texts embedded by a second sweep with other k, fusion and reranking",
        embedded,
        0,
        note=f"{len(grid(CHANGED, Configuration()))} configurations in a new retriever, "
        f"{again:.1f} CPU s; the questions that are timed apart; reranking by late interaction "
        "reads the tokens of candidates and is not among them",
    )
    plain, naive = _cpu(lambda: _swept(corpus, truth, model, SPACE))
    yield at_least(
        "configurations whose hits are the same to the bit without a cache",
        sum(_same(one, other) for one, other in zip(swept.trials, plain.trials, strict=True))
        / len(swept.trials),
        1,
        note=f"of {len(swept.trials)}, scores included; {naive:.1f} CPU s without a cache",
    )
    yield from _late(corpus, model, floor)


def _late(corpus: Corpus, model: MiniLM, floor: float) -> Iterator[Figure]:
    size = sum(len(text) for _, text in corpus.texts)
    with tempfile.TemporaryDirectory() as folder:
        encoded, cost = _cpu(lambda: encode(corpus, model, cache=folder))
        costs = []
        for each in SIZES:
            strategy = Configuration(size=each).strategy()
            _, taken = _cpu(lambda: encoded.vectors(strategy.chunks(corpus)))  # noqa: B023
            costs.append(taken)
    yield at_most(
        "late pooling, CPU of the pass to the embedding of the sweep",
        cost / floor,
        0.3,
        "x",
        note=f"{cost:.1f} and {floor:.1f} CPU s in one run",
    )
    yield at_most(
        "late pooling, a further size of chunks, per 500 kB",
        max(costs) * PER / size,
        1,
        "CPU s",
        note=f"the slowest of {len(SIZES)} sizes, with splitting; {size / 1e3:.0f} kB of text",
    )


def _swept(corpus: Corpus, truth: Truth, embedder: Any, space: dict[str, Sequence[Any]]) -> Sweep:
    return tune(Retriever(corpus, {"minilm": embedder}), truth, space, Configuration())


def _distinct(corpus: Corpus) -> list[str]:
    """Return each text that a sweep has to embed."""
    retriever = Retriever(corpus, {})
    cut = (retriever.chunks(each)["text"] for each in grid(SPACE, Configuration()))
    return list(dict.fromkeys(text for texts in cut for text in texts))


def _same(one: Any, other: Any) -> bool:
    if not one.hits.equals(other.hits) or one.name != other.name:
        return False
    return bool(np.array_equal(one.scores.to_numpy(), other.scores.to_numpy()))


def _vectors(kept: Cached) -> int:
    with closing(sqlite3.connect(kept.path)) as connection:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])


def _cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gives, and its CPU seconds."""
    started = time.process_time()
    given = work()
    return given, time.process_time() - started
