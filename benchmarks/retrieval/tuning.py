"""What tuning is worth: the configuration of a sweep against the default, on other questions."""

from collections.abc import Iterator
from typing import Any

from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.decision import confirm, decide, told_of_tokens
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import tune
from aiopslab.statistics.outcomes import MARGIN
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.retrieval.labelled import chunking_study, cranfield, handbook, is_there

SPACE: dict[str, list[Any]] = {
    "chunking": ["recursive", "headings"],
    "size": [100, 200, 400],
    "search": ["lexical", "dense", "hybrid"],
}


def figures() -> list[Figure]:
    sets = {"handbook": handbook}
    if is_there():
        sets = {"chroma_chunking": chunking_study, "cranfield": cranfield, **sets}
    return list(_figures(sets))


def _figures(sets: dict[str, Any]) -> Iterator[Figure]:
    better = worse = 0
    for name, opened in sets.items():
        corpus, truth = opened()
        swept = tune(Retriever(corpus), truth, SPACE, Configuration())
        confirmation = confirm(swept, MARGIN)
        decision = decide(swept, confirmation)
        note = f"{swept.held_out} questions held out; to use: {decision.configuration}"
        if not confirmation.contrasts:
            yield Figure(f"{name}: tuned less default, nDCG@5", 0.0, note=f"the same; {note}")
            continue
        contrast = confirmation.contrast(swept.best, swept.metric)
        better += contrast.low > 0
        worse += contrast.high < 0
        yield Figure(
            f"{name}: tuned less default, nDCG@5",
            contrast.difference,
            note=f"{contrast.low:+.3f} to {contrast.high:+.3f}; {contrast.score:.3f} against "
            f"{contrast.current:.3f}, tuned: {swept.best}; {decision.choice}; {note}. "
            + told_of_tokens(confirmation.contrast(swept.best, "tokens")),
        )
    yield at_least(
        "sets on which tuned is better, the interval without 0",
        better,
        2,
        note=f"of {len(sets)}; one split of each, the library's own",
    )
    yield at_most("sets on which tuned is worse, the interval without 0", worse, 0)
