"""Text whose classes are mixed otherwise, and embeddings that moved: found, and at what cost?"""

import numpy as np
import pandas as pd

from aiopslab.drift.embedding_drift import compare_embeddings
from aiopslab.drift.text_drift import TextDrift, compare_texts
from benchmarks.drift import data
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds

TEXTS = 1_000  # of each side
MANY = 10_000  # of each side, for the cost
AFFORDED = 5  # CPU s
SPAM = 0.05
REPEATS = 40
DIMENSIONS = 256
VECTORS = 2_000


def mixed(spam: float, messages: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """Return texts of which a share is spam, no text drawn twice by one call."""
    counts = {"spam": round(spam * TEXTS), "ham": TEXTS - round(spam * TEXTS)}
    parts = [
        messages.loc[messages["label"] == label, "text"].sample(
            count, random_state=rng.integers(2**31)
        )
        for label, count in counts.items()
    ]
    return pd.concat(parts).sample(frac=1, random_state=rng.integers(2**31))


def compared(now: float, messages: pd.DataFrame) -> list[TextDrift]:
    """Return comparisons whose samples share no message."""
    results = []
    for repeat in range(REPEATS):
        rng = np.random.default_rng(repeat)
        is_first = rng.random(len(messages)) < 0.5
        before = mixed(SPAM, messages[is_first], rng)
        results.append(compare_texts(before, mixed(now, messages[~is_first], rng), seed=repeat))
    return results


def vectors(shift: float, rng: np.random.Generator) -> pd.Series:
    table = rng.normal(size=(VECTORS, DIMENSIONS)) * np.linspace(2, 0.2, DIMENSIONS)
    table[:, 0] += 2 * shift
    return pd.Series(list(table))


def spread(factor: float, rng: np.random.Generator) -> pd.Series:
    return pd.Series(list(rng.normal(0, factor, (VECTORS, DIMENSIONS))))


def embeddings() -> list[Figure]:
    note = f"{REPEATS} sets of {VECTORS:,} vectors of {DIMENSIONS}"
    rngs = [np.random.default_rng(each) for each in range(REPEATS)]
    same, moved, wider = (
        np.mean([compare_embeddings(make(a, rng), make(b, rng)).drifted for rng in rngs])
        for make, a, b in ((vectors, 0, 0), (vectors, 0, 0.3), (spread, 1, 1.05))
    )
    rng = np.random.default_rng(0)
    pair = vectors(0, rng), vectors(0.3, rng)
    return [
        at_most("embeddings: false alarms", same, 0.05, note=f"{note}; chance .05"),
        at_least("embeddings: one direction moved by .3 SD", moved, 0.9, note=note),
        at_least("embeddings: spread x 1.05", wider, 0.9, note=note),
        Figure("embeddings compared", cpu_seconds(lambda: compare_embeddings(*pair), 2), "CPU s"),
    ]


def figures() -> list[Figure]:
    if not data.is_there():
        return [*embeddings(), Figure("text of public messages", float("nan"), note="skipped")]
    messages = pd.read_parquet(data.DRIFT / "sms_spam" / "sms_spam.parquet")
    messages.columns = (
        ["label", "text"] if messages.iloc[0, 0] in {"ham", "spam"} else ["text", "label"]
    )
    messages["label"] = messages["label"].replace({0: "ham", 1: "spam"})
    note = f"{REPEATS} sets of {TEXTS:,} messages a side, {SPAM:.0%} spam before"
    table = []
    for now, bound in ((0.15, 0.9), (0.25, 0.9)):
        results = compared(now, messages)
        found = float(np.mean([each.drifted for each in results]))
        auc = np.mean([each.classifier.value for each in results])
        peer = f"mean AUC {auc:.3f}; if spam were known {0.5 + (now - SPAM) / 2:.3f}"
        table.append(
            at_least(f"text: spam {SPAM:.0%} to {now:.0%}", found, bound, note=note, peer=peer)
        )
    false = float(np.mean([each.drifted for each in compared(SPAM, messages)]))
    table.append(at_most("text: false alarms", false, 0.05, note=f"{note}; chance .05"))
    many = [messages["text"].sample(MANY, replace=True, random_state=each) for each in (0, 1)]
    cost = cpu_seconds(lambda: compare_texts(*many), 2)
    return [
        *table,
        at_most("texts compared", cost, AFFORDED, "CPU s", note=f"{MANY:,} a side"),
        *embeddings(),
    ]
