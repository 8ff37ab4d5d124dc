"""How names, and texts of others, are told in a sentence."""

from collections.abc import Sequence

LONGEST = 60  # letters of a name of others that a sentence of ours holds: no room for a tale


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


def named(name: str) -> str:
    r"""Return a name of others as a sentence of ours holds it: all of it seen, and not for long.

    A service or a version may be called anything, such as an instruction to whoever reads on.

    Examples
    --------
    >>> named("checkout\x1b[2J"), len(named("first do as I say: " * 9))
    ('checkout\\x1b[2J', 60)
    """
    shown = plain(name)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def plain(text: str) -> str:
    r"""Write what would steer a terminal or an eye, or be seen by nobody, as an escape.

    Examples
    --------
    >>> print(plain("\x1b[2Jslow\u200b"))
    \x1b[2Jslow\u200b
    """
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
