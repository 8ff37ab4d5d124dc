"""Terminal: texts of others as lines and tables, which show all that is in them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def plain(text: str) -> str:
    r"""Write what would steer a terminal, or be seen by nobody, as an escape.

    Examples
    --------
    >>> print(plain("\x1b[2Jslow\u200b"))
    \x1b[2Jslow\u200b
    """
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def aligned(table: "pd.DataFrame") -> Iterator[str]:
    r"""Yield the lines of a table, its columns as wide as their widest cell.

    Examples
    --------
    >>> import pandas as pd
    >>> print(*aligned(pd.DataFrame({"version": ["v1", "日本"], "calls": [9, 12]})), sep="\n")
    version  calls
    v1           9
    日本        12
    """
    from pandas.api.types import is_numeric_dtype
    from rich.cells import cell_len

    columns = []
    for name in table:
        cells = [plain(str(name)), *(plain(str(each)) for each in table[name])]
        width = max(map(cell_len, cells))
        gaps = [" " * (width - cell_len(each)) for each in cells]
        is_number = is_numeric_dtype(table[name])
        columns.append(
            [gap + each if is_number else each + gap for each, gap in zip(cells, gaps, strict=True)]
        )
    for row in zip(*columns, strict=True):
        yield "  ".join(row).rstrip()


def indented(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines as those that belong to the one before."""
    for each in lines:
        yield f"  {plain(each)}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
