"""How names are listed in a sentence."""

from collections.abc import Sequence


def listed(names: Sequence[str], most: int | None = None) -> str:
    """List names as in a sentence.

    Parameters
    ----------
    names
        At least one.
    most
        So many are named at most, and the rest counted; all of them without.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    if most is not None and len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
