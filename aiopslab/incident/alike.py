"""Which alerts say the same, by the words of their names and their labels."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Text = tuple[frozenset[str], frozenset[tuple[str, str]]]  # words of the name, labels

ALIKE = 0.5  # similarity from which two texts say the same
_NOT_TEXT = {"alertname", "alertstate", "severity"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")


def kinds(alerts: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Number the alerts by what they say.

    Parameters
    ----------
    alerts
        With ``name, service, labels``.

    Returns
    -------
    numpy.ndarray
        One number a row, below the number of rows; those that say the same have the same.

    Notes
    -----
    The similarity of two texts is the Jaccard similarity of the words of their names and that of
    their labels, half each: of two alerts of the same name, or of the same labels, it is at least
    a half. Each text joins the most similar first text of a kind, else begins a kind (leader
    clustering, Hartigan 1975), so that kinds do not drift along chains of texts.

    Examples
    --------
    >>> names = ["HighLatency", "high_latency_p99", "DiskFull"]
    >>> kinds(pd.DataFrame({"name": names, "service": "auth", "labels": None})).tolist()
    [0, 0, 2]
    """
    labels = [_telling(each) for each in alerts.itertuples()]
    counts = Counter(pair for each in labels for pair in each)
    # What one alert alone has, such as an id, or all have, compares none with another.
    shared = {pair for pair, count in counts.items() if 1 < count < len(alerts)}
    texts = [
        (_words(name), pairs & shared) for name, pairs in zip(alerts["name"], labels, strict=True)
    ]
    leaders: defaultdict[Any, list[Text]] = defaultdict(list)  # by each thing that they contain
    kind: dict[Text, int] = {}
    for text in dict.fromkeys(texts):
        parts = [*text[0], *text[1]]
        near = dict.fromkeys(each for part in parts for each in leaders[part])
        leader = max(near, key=lambda each: similarity(text, each), default=None)
        if leader is not None and similarity(text, leader) >= ALIKE:
            kind[text] = kind[leader]
            continue
        kind[text] = len(kind)
        for part in parts:
            leaders[part].append(text)
    return np.array([kind[text] for text in texts], dtype=np.int64)


def similarity(one: Text, other: Text) -> float:
    """Return the mean Jaccard similarity of the names and, where either has any, the labels.

    Examples
    --------
    >>> similarity((frozenset({"high", "cpu"}), frozenset()), (frozenset({"cpu"}), frozenset()))
    0.5
    """
    alike = [len(a & b) / len(a | b) for a, b in zip(one, other, strict=True) if a or b]
    return sum(alike) / len(alike)


def _words(name: str) -> frozenset[str]:
    return frozenset(map(str.lower, _WORD.findall(name))) or frozenset({name})


def _telling(alert: Any) -> frozenset[tuple[str, str]]:
    """Return the labels that say more than which alert of which service it is."""
    labels = alert.labels if isinstance(alert.labels, Mapping) else {}
    return frozenset(
        (str(key), str(value))
        for key, value in labels.items()
        if key not in _NOT_TEXT and value != alert.service
    )
