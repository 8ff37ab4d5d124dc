"""Which PromQL shows what a metric means: a gauge is read, a counter is a rate."""

import re
from collections.abc import Iterable, Mapping

from aiopslab.errors import SourceError

QUANTILES = (0.5, 0.95)
_NOT_METRICS = re.compile(r"ALERTS(_FOR_STATE)?|scrape_\w+")
_SELECTOR = re.compile(r"\s*(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*", re.DOTALL)


def selector(match: str | None, name: str | None = None) -> str:
    """Write a PromQL selector.

    Parameters
    ----------
    match
        What the user selects, e.g. ``{job="shop"}`` or ``up``; ``None`` for everything.
    name
        The metric to narrow it to.

    Raises
    ------
    SourceError
        If `match` has not the form of a selector.

    Examples
    --------
    >>> selector('{job="shop"}', "up")
    '{__name__="up",job="shop"}'
    >>> selector(None)
    '{__name__!=""}'
    """
    read = _SELECTOR.fullmatch(match or "")
    if read is None:
        raise SourceError(
            f"match is {match!r}; expected a PromQL selector", 'Write it as {job="shop"}.'
        )
    matchers = [
        f'__name__="{each}"' for each in dict.fromkeys([name, read["name"]]) if each is not None
    ]
    if read["matchers"] and read["matchers"].strip():
        matchers.append(read["matchers"].strip().removesuffix(","))
    # Prometheus refuses a selector that every series might satisfy by lacking a label.
    return "{" + ",".join(matchers or ['__name__!=""']) + "}"


def plan(
    names: Iterable[str], kinds: Mapping[str, str], match: str | None, window: str
) -> dict[str, str]:
    """Choose the queries that show the metrics of a server.

    Parameters
    ----------
    names
        The metrics that it has.
    kinds
        What the metadata says they are (``counter``, ``gauge``, ``histogram``, ``summary``), as
        far as it is known; suffixes tell the rest.
    match
        The selector that the user gave.
    window
        Over what time rates are taken, in PromQL, e.g. ``"60s"``.

    Returns
    -------
    dict
        PromQL by the name of what it shows.

    Examples
    --------
    >>> for name, query in plan(["up", "requests_total"], {}, None, "60s").items():
    ...     print(name, "=", query)
    rate(requests_total) = rate({__name__="requests_total"}[60s])
    up = {__name__="up"}
    """
    known = set(names)
    queries: dict[str, str] = {}
    for name in sorted(known):
        if _NOT_METRICS.fullmatch(name):
            continue
        base = name.rpartition("_")[0]
        series = selector(match, name)
        match _kind(name, base, known, kinds):
            case "gauge":
                queries[name] = series
            case "counter":
                queries[f"rate({name})"] = f"rate({series}[{window}])"
            case "buckets":
                for quantile in QUANTILES:
                    queries[f"p{quantile * 100:g}({base})"] = (
                        f"histogram_quantile({quantile}, rate({series}[{window}]))"
                    )
            case "sum":
                counts = selector(match, f"{base}_count")
                queries[f"mean({base})"] = f"rate({series}[{window}]) / rate({counts}[{window}])"
    return queries


def _kind(name: str, base: str, names: set[str], kinds: Mapping[str, str]) -> str:
    suffix = name[len(base) :]
    is_histogram = f"{base}_bucket" in names
    if suffix == "_bucket" and f"{base}_count" in names:
        return "buckets"
    if suffix == "_count" and (is_histogram or f"{base}_sum" in names):
        return "counter"
    if suffix == "_sum" and f"{base}_count" in names:
        return "nothing" if is_histogram else "sum"  # quantiles say more than a mean
    if suffix == "_created" and ({f"{base}_total", f"{base}_count"} & names):
        return "nothing"  # when the counter began
    known = kinds.get(name) or (kinds.get(base) if suffix == "_total" else None)
    if known in {"counter", "gauge"}:
        return known
    return "counter" if suffix == "_total" else "gauge"
