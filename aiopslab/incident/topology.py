"""The call graph: who calls whom, whom a failing service drags along."""

from collections.abc import Iterable

import networkx as nx
import pandas as pd


def call_graph(spans: pd.DataFrame) -> pd.DataFrame:
    """Derive the call graph from spans.

    Parameters
    ----------
    spans
        Spans frame. A parent that is not there gives no edge.

    Returns
    -------
    pandas.DataFrame
        Topology frame, ``caller, callee``, one row an edge, sorted.

    Examples
    --------
    >>> spans = pd.DataFrame({"trace_id": "t", "span_id": ["a", "b"],
    ...     "parent_span_id": [None, "a"], "service": ["gateway", "auth"]})
    >>> call_graph(spans).to_numpy().tolist()
    [['gateway', 'auth']]
    """
    parents = spans[["trace_id", "span_id", "service"]].drop_duplicates(["trace_id", "span_id"])
    parents = parents.rename(columns={"span_id": "parent_span_id", "service": "caller"})
    children = spans[["trace_id", "parent_span_id", "service"]].dropna()
    edges = children.merge(parents, on=["trace_id", "parent_span_id"])
    edges = edges[edges["caller"] != edges["service"]].rename(columns={"service": "callee"})
    return (
        edges[["caller", "callee"]]
        .drop_duplicates()
        .sort_values(["caller", "callee"], ignore_index=True)
    )


def callees(topology: pd.DataFrame) -> dict[str, list[str]]:
    """Return whom each service calls, leaving out calls within a cycle, which have no depth.

    Examples
    --------
    >>> callees(pd.DataFrame({"caller": ["a", "b", "c"], "callee": ["b", "c", "b"]}))
    {'a': ['b']}
    """
    graph = _graph(topology)
    cycle = {
        service: number
        for number, services in enumerate(nx.strongly_connected_components(graph))
        for service in services
    }
    called: dict[str, list[str]] = {}
    for caller, callee in graph.edges:
        if cycle[caller] != cycle[callee]:
            called.setdefault(caller, []).append(callee)
    return called


def dependencies(topology: pd.DataFrame, services: Iterable[str]) -> dict[str, set[str]]:
    """Return all that each service calls, directly or not, but for what calls it back.

    Examples
    --------
    >>> edges = pd.DataFrame({"caller": ["gateway", "auth"], "callee": ["auth", "database"]})
    >>> sorted(dependencies(edges, ["gateway"])["gateway"])
    ['auth', 'database']
    """
    graph = _graph(topology)
    return {
        each: nx.descendants(graph, each) - nx.ancestors(graph, each)
        for each in set(services) & set(graph)
    }


def blast_radius(topology: pd.DataFrame, services: Iterable[str]) -> list[str]:
    """List the services that depend on any of some services, directly or not, sorted.

    Examples
    --------
    >>> edges = pd.DataFrame({"caller": ["gateway", "auth"], "callee": ["auth", "database"]})
    >>> blast_radius(edges, ["database"])
    ['auth', 'gateway']
    """
    graph = _graph(topology)
    named = set(services)
    reached = {each for service in named & set(graph) for each in nx.ancestors(graph, service)}
    return sorted(reached - named)


def _graph(topology: pd.DataFrame) -> "nx.DiGraph[str]":
    return nx.from_pandas_edgelist(topology, "caller", "callee", create_using=nx.DiGraph)
