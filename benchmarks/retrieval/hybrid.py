"""Words, meaning and both on cranfield, where whole abstracts are judged with grades."""

from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.trial import run_trial
from benchmarks.harness import Figure, at_least
from benchmarks.retrieval.labelled import cranfield, is_there

CONFIGURATION = Configuration(size=250, k=10)  # MiniLM reads 254 tokens of a text
SEARCHES = ("lexical", "dense", "hybrid")
TIMES = 1.05


def figures() -> list[Figure]:
    if not is_there():
        return []
    corpus, truth = cranfield()
    retriever = Retriever(corpus)
    scores = {}
    for search in SEARCHES:
        trial = run_trial(retriever, truth, CONFIGURATION.with_(search=search))
        scores[search] = trial.mean("ndcg")
    note = (
        f"{len(trial.scores)} questions, {len(corpus.documents):,} abstracts in chunks of up to "
        f"{CONFIGURATION.size} tokens, each at the rank of its best; else as by default"
    )
    return [
        *(Figure(f"nDCG@10 on cranfield, {name}", score) for name, score in scores.items()),
        at_least(
            "hybrid to the better of words and meaning",
            scores["hybrid"] / max(scores["lexical"], scores["dense"]),
            TIMES,
            "x",
            note=note,
        ),
    ]
