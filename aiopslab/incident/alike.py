"""Which alerts belong together: by who calls whom, by time, and by their words and labels."""

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


def linked(alerts: pd.DataFrame, edges: pd.DataFrame, gap: pd.Timedelta) -> pd.Series:
    """Number the groups of alerts that share a time and a place, or else a text.

    Parameters
    ----------
    alerts
        With ``start, name, service, labels``, the earliest first.
    edges
        ``caller, callee``.
    gap
        The longest time between the beginnings of two alerts that are linked.

    Returns
    -------
    pandas.Series
        The number of the group of each alert, from 1 by when the groups began.

    Notes
    -----
    Links make groups as single linkage does.

    Examples
    --------
    >>> start = pd.to_datetime(["2026-03-01T12:00Z", "2026-03-01T12:01Z", "2026-03-01T12:02Z"])
    >>> services = ["gateway", "printer", "database"]
    >>> alerts = pd.DataFrame({"start": start, "name": "Slow", "service": services, "labels": None})
    >>> edges = pd.DataFrame({"caller": ["gateway"], "callee": ["database"]})
    >>> linked(alerts, edges, pd.Timedelta("5min")).tolist()
    [1, 2, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if alerts.empty:
        return pd.Series(index=alerts.index, dtype="Int64")
    near = _related(alerts, edges).join(alerts["start"].reset_index(drop=True), on="alert")
    near = near.sort_values(["bucket", "start"], kind="stable")
    linked = (near["start"].diff() <= gap) & (near["bucket"].diff() == 0)
    here, there = near["alert"].shift()[linked].astype(int), near["alert"][linked]
    links = coo_array((np.ones(len(here)), (here, there)), shape=(len(alerts), len(alerts)))
    _, component = connected_components(links, directed=False)
    return pd.Series(pd.factorize(component)[0] + 1, alerts.index, dtype="Int64")


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


def _related(alerts: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return pairs of a ``bucket`` and the position of an ``alert`` in it.

    A bucket, whose alerts are all related, is a service with those that it calls or that call it,
    or else a text.
    """
    placed = edges.stack().drop_duplicates()
    services = alerts["service"].reset_index(drop=True).rename_axis("alert")
    every = pd.concat([placed, services.dropna()]).drop_duplicates()
    around = pd.concat(
        [
            pd.DataFrame({"centre": every, "service": every}),
            edges.rename(columns={"caller": "centre", "callee": "service"}),
            edges.rename(columns={"callee": "centre", "caller": "service"}),
        ]
    ).drop_duplicates()
    around["bucket"] = around["centre"].factorize()[0]
    by_place = services.dropna().reset_index().merge(around, on="service")
    adrift = np.flatnonzero(~services.isin(placed))
    by_text = pd.DataFrame({"bucket": kinds(alerts.iloc[adrift]) + len(every), "alert": adrift})
    return pd.concat([by_place[["bucket", "alert"]], by_text], ignore_index=True)


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
