"""Items: what prompts are tried on, and the small set of them that comes with the library."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError, did_you_mean
from aiopslab.prompts.prompt import Prompt, read_prompt

EMBEDDED = Path(__file__).parent / "embedded"
SCHEME = "embedded:"
ASKED = ("text", "question", "input")
UNASKED = {"item", "group", "expected", "choices"}


def open_items(url: str) -> pd.DataFrame:
    """Open a table of items.

    Parameters
    ----------
    url
        Of a table in Parquet, CSV or JSON lines with one row an item; or ``embedded:intents``.

    Returns
    -------
    pandas.DataFrame
        As it is there, with the column ``item``, which numbers the rows where there is none.

    Raises
    ------
    PromptError
        If it has no row.
    SourceError
        If it cannot be read.

    Examples
    --------
    >>> open_items("embedded:intents").shape
    (96, 4)
    """
    from aiopslab.sources.files import read_table

    path = str(_embedded(url, ".csv")) if url.startswith(SCHEME) else url
    table = read_table(path)
    if table.empty:
        raise PromptError(f"{url} has no items", "Name a table with one row an item.")
    if "item" not in table:
        table = table.assign(item=[f"item {number}" for number in range(1, len(table) + 1)])
    return table


def asked(items: pd.DataFrame) -> dict[Any, str]:
    """Return what each item asks, for people and judges to read.

    Parameters
    ----------
    items
        One row an item. Of its fields ``text``, ``question`` and ``input`` the first that there is;
        where there is none, all but those that say what is right, or which items belong together.

    Examples
    --------
    >>> asked(pd.DataFrame({"item": ["a"], "question": ["Where is it?"], "expected": ["Here"]}))
    {'a': 'Where is it?'}
    """
    named = next((each for each in ASKED if each in items), None)
    shown = [named] if named else [str(each) for each in items if each not in UNASKED]
    told = {}
    for at, row in enumerate(items.to_dict("records")):
        lines = [str(row[each]) if named else f"{each}: {row[each]}" for each in shown]
        told[row.get("item", at)] = "\n".join(lines)
    return told


def open_prompt(url: str, tracking_uri: str | None = None) -> Prompt:
    """Open a prompt.

    Parameters
    ----------
    url
        Path of a file, see `read_prompt`; ``embedded:plain`` or ``embedded:examples``; or of a
        prompt in MLflow's registry, ``prompts:/NAME@ALIAS`` or ``prompts:/NAME/VERSION``.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Raises
    ------
    PromptError
        If there is no such prompt.

    Examples
    --------
    >>> open_prompt("embedded:plain").variables
    ('labels', 'text')
    """
    if url.startswith("prompts:/"):
        from aiopslab.prompts.registry import open_prompt as open_registered

        return open_registered(url, tracking_uri)
    return read_prompt(_embedded(url, ".yaml") if url.startswith(SCHEME) else url)


def open_prompts(urls: Sequence[str], tracking_uri: str | None = None) -> list[Prompt]:
    """Open several prompts that can be told apart by their names.

    Parameters
    ----------
    urls, tracking_uri
        As in `open_prompt`. Prompts of the same name, such as two versions of one, are called by
        their addresses.

    Raises
    ------
    PromptError
        As in `open_prompt`.

    Examples
    --------
    >>> [each.name for each in open_prompts(["embedded:plain", "embedded:examples"])]
    ['plain', 'examples']
    """
    opened = [open_prompt(each, tracking_uri) for each in urls]
    names = Counter(each.name for each in opened)
    return [
        replace(each, name=url) if names[each.name] > 1 else each
        for each, url in zip(opened, urls, strict=True)
    ]


def _embedded(url: str, suffix: str) -> Path:
    name = url.removeprefix(SCHEME)
    known = sorted(each.stem for each in EMBEDDED.glob(f"*{suffix}"))
    if name not in known:
        raise PromptError(f"there is no {url!r}", did_you_mean(name, known))
    return EMBEDDED / f"{name}{suffix}"
