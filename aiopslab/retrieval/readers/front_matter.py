"""Front matter: what a page says about itself before it begins, in YAML or TOML."""

import datetime
import re
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from aiopslab.retrieval.readers.reading import Scalar, instant

_BLOCK = re.compile(r"\A(-{3}|\+{3})[^\S\n]*\n(.*?)^\1[^\S\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_LONGEST = 100_000  # characters; longer ones are text between two rules
_MODIFIED = ("lastmod", "last_modified", "modified", "updated")  # ``date`` is of its first day


class FrontMatter(NamedTuple):
    """What a page says about itself.

    Parameters
    ----------
    length
        Characters that it takes up before the text.
    title
        Empty where there is none.
    modified
        Of ``lastmod``, ``last_modified``, ``modified`` or ``updated``.
    metadata
        The other fields with one value.
    trouble
        Why it cannot be read; empty where it can.
    """

    length: int = 0
    title: str = ""
    modified: pd.Timestamp | None = None
    metadata: Mapping[str, Scalar] = MappingProxyType({})
    trouble: str = ""


def front_matter(text: str) -> FrontMatter:
    r"""Read the front matter of a page.

    Parameters
    ----------
    text
        Of the whole file.

    Returns
    -------
    FrontMatter
        Of length 0 where the page begins with none, or with one that cannot be read.

    Examples
    --------
    >>> front_matter("---\ntitle: Queues\nweight: 20\n---\n# Queues\n")[:4]
    (33, 'Queues', None, {'weight': 20})
    """
    found = _BLOCK.match(text)
    if found is None or len(found[2]) > _LONGEST:
        return FrontMatter()
    try:
        fields = _fields(found[1], found[2])
    except ValueError as error:
        reason = str(error).splitlines()[0]
        return FrontMatter(trouble=f"front matter cannot be read ({reason})")
    if not isinstance(fields, dict):  # two rules with something in between
        return FrontMatter()
    modified = next((time for each in _MODIFIED if (time := instant(fields.get(each)))), None)
    title = fields.pop("title", None)
    metadata = {str(name): kept for name, each in fields.items() if (kept := _scalar(each)) != ""}
    return FrontMatter(found.end(), "" if title is None else str(title), modified, metadata)


def _fields(fence: str, block: str) -> Any:
    if fence == "+++":
        return tomllib.loads(block)
    import yaml

    try:
        return yaml.safe_load(block)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _scalar(value: Any) -> Scalar:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= 2**63:  # no table holds it as a number
        return str(value)
    return value if isinstance(value, str | int | float | bool) else ""
