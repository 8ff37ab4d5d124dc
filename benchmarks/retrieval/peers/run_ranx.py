"""Scores of ranx, and how long they take once it is compiled. Arguments: a folder, the ranks."""

import json
import sys
import time
from pathlib import Path

from ranx import Qrels, Run, evaluate

REPEATS = 20

folder, k = Path(sys.argv[1]), sys.argv[2]
qrels = Qrels(json.loads((folder / "qrels.json").read_text()))
run = Run(json.loads((folder / "run.json").read_text()))
names = [f"{each}@{k}" for each in ("recall", "precision", "hit_rate", "mrr", "map", "ndcg")]


def evaluated():
    # Its functions sort what is not sorted, and keep that: a copy would cost more than they do.
    return evaluate(qrels, run, names, return_mean=False)


scores = evaluated()
taken = []
for _ in range(REPEATS):
    started = time.perf_counter()
    evaluated()
    taken.append(time.perf_counter() - started)
told = {name.split("@")[0]: scores[name].tolist() for name in names}
print(json.dumps({"ms": 1e3 * min(taken), "questions": list(run.keys()), "scores": told}))
