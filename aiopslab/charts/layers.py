"""A directed graph drawn in layers, from those who call on the left to those they call."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

SWEEPS = 12
PASSING = 0.25  # of the room of a node, that an edge takes which passes through a layer
NAME_WIDTH, NAME_HEIGHT, NAME_BELOW = 142, 18, 25  # pixels
NARROWEST = 252  # pixels from the first layer to the last, on a telephone
EDGE = 0.15  # of the same, on either side
ROOM = 54  # pixels, the least from a service to the one below it
SMALLEST, LARGEST = 13.0, 24.0  # pixels, of a service: what is far off is larger, too
LOOSE_COLUMNS = 3  # for nodes without an edge, where there are no layers to fill

Point = tuple[float, float]
Edge = tuple[str, str]
Node = Hashable  # a service, or an edge with the layer it passes through


@dataclass(frozen=True)
class Drawing:
    """Where everything is: x is the layer, from 0; y grows downwards, in rooms of a node.

    Parameters
    ----------
    nodes
        Point of each node. No two of a layer have the same, and every y is a whole number.
    routes
        Points that each edge passes, its ends among them. No loops from a node to itself.
    """

    nodes: dict[str, Point]
    routes: dict[Edge, list[Point]]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return 1 + int(max((x for x, _ in self.nodes.values()), default=-1))


@dataclass(frozen=True)
class Paper:
    """Turns a drawing into places in the figure: x in layers, y in pixels from the top.

    Layers that are too near for their names take turns in how far down their rows begin, two
    lines of text from one layer to the next, so that on a telephone, too, no name meets another
    name or another service.
    """

    drawing: Drawing

    @property
    def turns(self) -> int:
        """How many layers it takes until rows begin at the same height again."""
        gap = NARROWEST / max(self.drawing.layers - 1, 1)
        if gap >= NAME_WIDTH:
            return 1
        reach = (NAME_WIDTH + SMALLEST) / 2
        return 2 if gap >= reach else 2 * ceil(reach / gap) + 1

    @property
    def room(self) -> int:
        """Pixels from one row to the next."""
        return max(ROOM, NAME_HEIGHT * self.turns)

    @property
    def height(self) -> int:
        """Pixels of everything."""
        places = [point for route in self.drawing.routes.values() for point in route]
        places += self.drawing.nodes.values()
        lowest = max((self.at(point)[1] for point in places), default=0.0)
        return int(lowest + NAME_BELOW + NAME_HEIGHT)

    @property
    def range(self) -> list[float]:
        """Where the x-axis begins and ends."""
        last = self.drawing.layers - 1
        return [-EDGE * last, (1 + EDGE) * last] if last > 0 else [-0.5, 0.5]

    def at(self, point: Point) -> Point:
        """Return where a point of the drawing is."""
        layer, row = point
        turn = (layer if self.turns == 2 else 2 * layer) % self.turns
        return layer, LARGEST + self.room * (row + turn / self.turns)


def draw(graph: "nx.DiGraph[str]") -> Drawing:
    """Lay out a graph.

    Parameters
    ----------
    graph
        Any: with cycles, loops, nodes without an edge, or empty.

    Returns
    -------
    Drawing
        The nodes of a cycle share a layer. Nodes without an edge stand below the others.

    Notes
    -----
    The framework of Sugiyama, Tagawa and Toda (1981): layers by the longest path from a source in
    the graph of strongly connected components, a node for every layer that an edge passes, and in
    each layer the order of the barycentres of the neighbours, which of all sweeps crosses least.

    Examples
    --------
    >>> import networkx as nx
    >>> draw(nx.DiGraph([("gateway", "auth"), ("auth", "database")])).nodes["database"]
    (2.0, 0.0)
    """
    import networkx as nx

    linked = nx.DiGraph((a, b) for a, b in sorted(graph.edges) if a != b)
    layer = _layers(linked)
    chains = {(a, b): _chain(a, b, layer) for a, b in linked.edges if layer[a] != layer[b]}
    rows: list[list[Node]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
    for node in sorted(layer):
        rows[layer[node]].append(node)
    for (caller, _), chain in chains.items():
        for number, passing in enumerate(chain[1:-1], start=layer[caller] + 1):
            rows[number].append(passing)
    links = [link for chain in chains.values() for link in pairwise(chain)]
    height = _heights(_ordered(rows, links), links)
    nodes = {name: (float(layer[name]), height[name]) for name in layer}
    routes = {edge: [nodes[edge[0]], nodes[edge[1]]] for edge in linked.edges}
    for (a, b), chain in chains.items():
        routes[a, b] = [(float(x), height[n]) for x, n in enumerate(chain, start=layer[a])]
    loose = sorted(set(graph) - set(linked))
    columns = len(rows) or min(LOOSE_COLUMNS, len(loose)) or 1
    floor = 1 + max((y for _, y in nodes.values()), default=-1.0)
    nodes |= {n: (float(i % columns), floor + i // columns) for i, n in enumerate(loose)}
    return Drawing(nodes, routes)


def _layers(graph: "nx.DiGraph[str]") -> dict[str, int]:
    import networkx as nx

    cycles = nx.condensation(graph)
    depth = {
        cycle: number
        for number, cycles_of in enumerate(nx.topological_generations(cycles))
        for cycle in cycles_of
    }
    for source in [cycle for cycle in cycles if not cycles.in_degree(cycle)]:
        depth[source] = min((depth[each] for each in cycles.successors(source)), default=1) - 1
    return {name: depth[cycle] for name, cycle in cycles.graph["mapping"].items()}


def _chain(start: str, end: str, layer: dict[str, int]) -> list[Node]:
    return [start, *((start, end, step) for step in range(layer[start] + 1, layer[end])), end]


def _ordered(rows: list[list[Node]], links: list[tuple[Node, Node]]) -> list[list[Node]]:
    """Return the layers in the order, of those of all sweeps, in which the fewest edges cross."""
    callees, callers = _neighbours(links), _neighbours((b, a) for a, b in links)
    best, fewest = rows, _crossings(rows, links)
    for sweep in range(SWEEPS):
        rows = [list(row) for row in rows]
        forwards = sweep % 2 == 0
        near = callers if forwards else callees
        for row in rows if forwards else reversed(rows):
            place = {node: index for other in rows for index, node in enumerate(other)}
            centre = {
                node: fmean(place[each] for each in near[node]) if node in near else place[node]
                for node in row
            }
            row.sort(key=centre.__getitem__)
        crossings = _crossings(rows, links)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _neighbours(links: Iterable[tuple[Node, Node]]) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = {}
    for node, other in links:
        found.setdefault(node, []).append(other)
    return found


def _crossings(rows: list[list[Node]], links: list[tuple[Node, Node]]) -> int:
    place = {node: (x, y) for x, row in enumerate(rows) for y, node in enumerate(row)}
    ends = np.array([(*place[a], place[b][1]) for a, b in links]).reshape(-1, 3)
    total = 0
    for x in range(len(rows)):
        left, right = ends[ends[:, 0] == x, 1:].T
        total += int(((left[:, None] < left) & (right[:, None] > right)).sum())
    return total


def _heights(rows: list[list[Node]], links: list[tuple[Node, Node]]) -> dict[Node, float]:
    """Place each layer, in its order, near the neighbours in the layer before."""
    callers = _neighbours((b, a) for a, b in links)
    height: dict[Node, float] = {}
    for row in rows:
        wanted = {
            node: fmean(height[each] for each in callers[node]) if node in callers else float(index)
            for index, node in enumerate(row)
        }
        free = -np.inf
        placed: dict[Node, float] = {}
        for node in row:
            if isinstance(node, tuple):
                placed[node] = max(free, wanted[node])
                free = placed[node] + PASSING
            else:
                placed[node] = max(np.ceil(free), float(round(wanted[node])))
                free = placed[node] + 1
        shift = round(fmean(wanted[node] - placed[node] for node in row)) if row else 0
        height |= {node: y + shift for node, y in placed.items()}
    top = np.floor(min(height.values(), default=0.0))
    return {node: y - float(top) for node, y in height.items()}
