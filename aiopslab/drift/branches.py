"""Branches: segments as a tree, those that share a condition under that condition."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiopslab.drift.conditions import Condition
from aiopslab.drift.segments import Segment


@dataclass
class Branch:
    """A condition, in addition to those above it.

    Parameters
    ----------
    condition
        Which.
    depth
        How many are above it.
    segments
        Those that have this condition and the ones above it, and no other.
    below
        The branches that add another condition, in the order of the segments.
    """

    condition: Condition
    depth: int
    segments: list[Segment] = field(default_factory=list)
    below: "dict[Condition, Branch]" = field(default_factory=dict)


def branches(segments: Iterable[Segment]) -> list[Branch]:
    """Return every branch of the tree of segments, each before those below it.

    Parameters
    ----------
    segments
        The surest first.

    Returns
    -------
    list of Branch
        Conditions that more segments share are nearer to the root.

    Examples
    --------
    >>> from aiopslab.drift.contrast import Estimate
    >>> old, paid = Condition("age", low=60), Condition("plan", values=("pro",))
    >>> size = Estimate(0.1, 0.3, 0.2, 0.1, 0.3, -0.2, 4.0, matters=True)
    >>> rest = ("share of rows", "share", size, 0.01, 0.01, 90, 300, 0.1, 0.3)
    >>> tree = branches([Segment((paid, old), *rest), Segment((old,), *rest)])
    >>> for each in tree:
    ...     print("  " * each.depth + str(each.condition))
    age > 60
      plan = pro
    """
    found = list(segments)
    shared = Counter(each for segment in found for each in segment.conditions)
    roots: dict[Condition, Branch] = {}
    for segment in found:
        level = roots
        path = sorted(segment.conditions, key=lambda each: (-shared[each], str(each)))
        for depth, condition in enumerate(path):
            branch = level.setdefault(condition, Branch(condition, depth))
            level = branch.below
        branch.segments.append(segment)
    return list(_walked(list(roots.values())))


def _walked(level: Sequence[Branch]) -> Iterable[Branch]:
    for branch in level:
        yield branch
        yield from _walked(list(branch.below.values()))
