"""Metrics of rankings beside trec_eval and ranx: whether they are the same, and what they take."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.retrieval import metrics
from aiopslab.retrieval.relevance import judge
from benchmarks.drift.peers.environments import NotRunError
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.retrieval.peers import apart

Costs = dict[str, float]  # seconds by what is scored

QUESTIONS, RANKS, DOCUMENTS, RELEVANT = 1_000, 100, 2_000, 20
REPEATS = 20
LENGTH = 10  # characters of a document, all of which is the answer
CALLED = {  # as trec_eval and this project do
    f"recall_{RANKS}": "recall",
    f"P_{RANKS}": "precision",
    f"success_{RANKS}": "hit_rate",
    "recip_rank": "mrr",
    f"map_cut_{RANKS}": "map",
    f"ndcg_cut_{RANKS}": "ndcg",
}


def figures() -> list[Figure]:
    return list(_figures())


def _figures() -> Iterator[Figure]:
    hits, answers = generated()
    judged = judge(hits, answers)
    matrices = judged.grades, judged.ideal
    from_matrices, ours = _timed(lambda: _scores(*matrices))
    from_tables, whole = _timed(lambda: judge(hits, answers).scores(RANKS))
    note = f"{RANKS} ranks, the best of {REPEATS} runs"
    yield Figure("six metrics of 1,000 questions, from grades by rank", 1e3 * ours, "ms", note=note)
    yield Figure("the same from tables, spans met first", 1e3 * whole, "ms", note=note)
    yield at_most(
        "difference of the two ways to score, at most",
        _apart(pd.DataFrame(from_matrices, index=from_tables.index), from_tables),
        1e-9,
        note="from judged ranks, and from tables of spans",
    )
    for peer in (_trec_eval, _ranx):
        yield from peer(hits, answers, from_tables, {"grades by rank": ours, "tables": whole})


def generated() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return hits, and documents that are relevant as a whole; a third of both are the same."""
    rng = np.random.default_rng(0)
    hits, answers = [], []
    for number in range(QUESTIONS):
        question = f"q{number:04}"
        found = rng.choice(DOCUMENTS, RANKS, replace=False)
        hits += [(question, rank, f"d{each:04}") for rank, each in enumerate(found, 1)]
        count = int(rng.integers(1, RELEVANT))
        among = rng.choice(found, count // 3, replace=False)
        others = rng.choice(np.setdiff1d(np.arange(DOCUMENTS), found), count - count // 3, False)
        grades = rng.integers(1, 5, count)
        relevant = [*among, *others]
        answers += [
            (question, f"d{each:04}", grade) for each, grade in zip(relevant, grades, strict=True)
        ]
    places = {"start": 0, "end": LENGTH}
    return (
        pd.DataFrame(hits, columns=["question", "rank", "document"]).assign(**places),
        pd.DataFrame(answers, columns=["question", "document", "grade"]).assign(**places),
    )


def _scores(grades: Any, ideal: Any) -> dict[str, Any]:
    return {
        "recall": metrics.recall(grades, ideal, RANKS),
        "precision": metrics.precision(grades, RANKS),
        "hit_rate": metrics.hit_rate(grades, RANKS),
        "mrr": metrics.reciprocal_rank(grades, RANKS),
        "map": metrics.average_precision(grades, ideal, RANKS),
        "ndcg": metrics.ndcg(grades, ideal, RANKS),
    }


def _trec_eval(
    hits: pd.DataFrame, answers: pd.DataFrame, ours: pd.DataFrame, costs: Costs
) -> Iterator[Figure]:
    import pytrec_eval

    qrels, run = _as_dictionaries(hits, answers)
    measures = {f"{name}.{RANKS}" for name in ("recall", "P", "success", "map_cut", "ndcg_cut")}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, measures | {"recip_rank"})
    scores, taken = _timed(lambda: evaluator.evaluate(run))
    theirs = pd.DataFrame.from_dict(scores, orient="index").rename(columns=CALLED)
    yield from _beside("pytrec_eval", theirs, 1e3 * taken, ours, costs)


def _ranx(
    hits: pd.DataFrame, answers: pd.DataFrame, ours: pd.DataFrame, costs: Costs
) -> Iterator[Figure]:
    qrels, run = _as_dictionaries(hits, answers)
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "qrels.json").write_text(json.dumps(qrels))
            (Path(folder) / "run.json").write_text(json.dumps(run))
            told = json.loads(apart.run(apart.RANX, folder, str(RANKS)).splitlines()[-1])
    except NotRunError as error:
        yield Figure("times faster than ranx", float("nan"), "x", note=str(error))
        return
    theirs = pd.DataFrame(told["scores"], index=told["questions"])
    yield from _beside("ranx", theirs, told["ms"], ours, costs)


def _beside(
    name: str, theirs: pd.DataFrame, taken: float, ours: pd.DataFrame, costs: Costs
) -> Iterator[Figure]:
    yield at_most(f"difference from {name}, at most", _apart(theirs, ours), 1e-9)
    for what, seconds in costs.items():
        yield at_least(
            f"times faster than {name}, from {what}",
            taken / (1e3 * seconds),
            1,
            "x",
            peer=f"{name}: {taken:.1f} ms",
            note="it looks hits up in its judgements, as ours does from tables; its "
            "dictionaries or objects are made before",
        )


def _as_dictionaries(
    hits: pd.DataFrame, answers: pd.DataFrame
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    qrels = {
        str(question): dict(zip(rows["document"], rows["grade"].tolist(), strict=True))
        for question, rows in answers.groupby("question")
    }
    run = {
        str(question): dict(zip(rows["document"], (-rows["rank"] + 0.0).tolist(), strict=True))
        for question, rows in hits.groupby("question")
    }
    return qrels, run


def _apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Return the largest difference; NaN where a question or a metric is missing."""
    same = one.reindex(index=other.index, columns=other.columns)
    return float(np.abs(same.to_numpy() - other.to_numpy()).max())


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gives, and the least seconds that it takes."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        given = work()
        taken.append(time.perf_counter() - started)
    return given, min(taken)
