"""What tuning is worth: the configuration of a sweep against the default, on other questions."""

from collections.abc import Iterator
from typing import Any

from aiopslab.retrieval.comparison import Contrast
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.decision import confirm, decide, told_of_tokens
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import Sweep, tune
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
    free, bound = [], []
    for name, opened in sets.items():
        corpus, truth = opened()
        retriever = Retriever(corpus)
        swept = tune(retriever, truth, SPACE, Configuration())
        free.append(_gain(f"{name}: tuned less default, nDCG@5", swept))
        # Long chunks hold more answers, and more to read: so the same for no more than that.
        tokens = swept.trial(swept.current.name).mean("tokens")
        swept = tune(retriever, truth, SPACE, Configuration(), most_tokens=tokens)
        bound.append(_gain(f"{name}: the same, for no more tokens than by default", swept))
    figures, contrasts = zip(*free, strict=True)
    yield from figures
    yield from (figure for figure, _ in bound)
    yield at_least(
        "sets on which tuned is better, the interval without 0",
        sum(each.low > 0 for each in contrasts if each),
        2,
        note=f"of {len(sets)}; one split of each, the library's own; for no more tokens: "
        f"{sum(each.low > 0 for _, each in bound if each)}",
    )
    yield at_most(
        "sets on which tuned is worse, the interval without 0",
        sum(each.high < 0 for each in contrasts if each),
        0,
        note=f"for no more tokens: {sum(each.high < 0 for _, each in bound if each)}",
    )


def _gain(name: str, swept: Sweep) -> tuple[Figure, Contrast | None]:
    """Return what the best of a sweep gains on the questions that were held out."""
    confirmation = confirm(swept, MARGIN)
    if not confirmation.contrasts:
        return Figure(name, 0.0, note="the default is chosen"), None
    contrast = confirmation.contrast(swept.best, swept.metric)
    told = told_of_tokens(confirmation.contrast(swept.best, "tokens"))
    note = (
        f"{contrast.low:+.3f} to {contrast.high:+.3f} on {swept.held_out} questions; "
        f"{contrast.score:.3f} against {contrast.current:.3f}; {swept.best}. {told} "
        f"Decision: {decide(swept, confirmation).choice}"
    )
    return Figure(name, contrast.difference, note=note), contrast
