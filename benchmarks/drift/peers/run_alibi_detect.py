"""Alibi Detect's detector for tables: Kolmogorov–Smirnov and chi squared, with Bonferroni's bar."""

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift
from measured import main


def drifted(reference, current):
    strings = [at for at, name in enumerate(reference) if not name.startswith("x")]
    old, new = encoded(reference, current)
    detector = TabularDrift(old, p_val=0.05, categories_per_feature=dict.fromkeys(strings))
    found = detector.predict(new)["data"]
    bar = found["threshold"]
    return [name for name, p in zip(reference, found["p_val"], strict=True) if p < bar]


def encoded(reference, current):
    """Return both as the numbers that it takes."""
    sides = np.empty((2, len(reference), reference.shape[1]), np.float32)
    for at, name in enumerate(reference):
        values = pd.concat([reference[name], current[name]])
        codes = values if name.startswith("x") else pd.factorize(values)[0]
        sides[:, :, at] = np.asarray(codes).reshape(2, -1)
    return sides


main(drifted)
