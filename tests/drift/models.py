"""Models whose chances are known, for tests of what is measured and estimated of them."""

import numpy as np
import pandas as pd

CLASSES = ["cat", "cow", "dog"]


def classified(rows, seed=0, shift=0.0, flipped=0.0, overconfident=1.5):
    """A binary classifier; `flipped` of the rows have another relation of target to features."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, size=(rows, 2))
    logit = x @ [1.5, -1.0]
    score = 1 / (1 + np.exp(-overconfident * logit))
    chance = 1 / (1 + np.exp(-logit))
    chance = np.where(rng.random(rows) < flipped, 1 - chance, chance)
    return pd.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "prediction": (score >= 0.5).astype(int),
            "score": score,
            "target": (rng.random(rows) < chance).astype(int),
        }
    )


def regressed(rows, seed=0, noisy=0.2, offset=0.0):
    """A regression whose error is ten times as large where `noisy` is true."""
    rng = np.random.default_rng(seed)
    is_noisy = rng.random(rows) < noisy
    x = rng.normal(size=rows)
    error = rng.normal(size=rows) * np.where(is_noisy, 10.0, 1.0) + offset
    return pd.DataFrame({"x": x, "noisy": is_noisy, "prediction": 20 * x, "target": 20 * x + error})


def of_classes(rows, seed=0, shift=0.0):
    """A classifier of three classes, whose score is the probability of its prediction."""
    rng = np.random.default_rng(seed)
    x = rng.normal([shift, 0, 0], 1, size=(rows, 3))
    chances = np.exp(1.5 * x)
    chances /= chances.sum(axis=1, keepdims=True)
    names = np.array(CLASSES)
    drawn = (chances.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(
        prediction=names[chances.argmax(axis=1)], score=chances.max(axis=1), target=names[drawn]
    )


def with_probabilities(rows, seed=0, shift=0.0, overconfident=1.0):
    """The classifier of three classes, with the probability that it gave to each."""
    table = of_classes(rows, seed, shift)
    given = np.exp(1.5 * overconfident * table[["a", "b", "c"]].to_numpy())
    given /= given.sum(axis=1, keepdims=True)
    named = {f"p_{name}": given[:, place] for place, name in enumerate(CLASSES)}
    return table.drop(columns="score").assign(**named)
