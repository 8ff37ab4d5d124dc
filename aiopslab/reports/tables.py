"""Tables of a report: aligned by what their columns hold, without an index that says nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])>(.*?)</t[hd]>", re.DOTALL)
_ANY_CELL = re.compile(r"<t[hd][\s>]")
# The style that pandas adds to a frame aligns every header to the right, on the whole page.
_PANDAS_STYLE = re.compile(r"<style scoped>[^<]*\.dataframe[^<]*</style>")
_NUMBER = re.compile(r"[-+−]?[\d.,]+(e[-+]?\d+)?( ?[%×])?|nan|-?inf|none|nat|<na>|–|\.\.\.|", re.I)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)?[ T]?(\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?( UTC)?|nat|", re.I
)
_ID = re.compile(r"[0-9a-f-]{16,}|", re.I)
SHORT = 24  # letters of a text that stays on one line
_EMPTY = '<p class="nothing">No rows.</p>'

Cell = tuple[str, str]  # its tag, and its HTML


@dataclass(frozen=True)
class _Grid:
    """A table of one row of headers over rows of as many cells."""

    head: list[Cell]
    body: list[list[Cell]]


def readable(html: str) -> str:
    """Make the tables in some HTML easy to read.

    Parameters
    ----------
    html
        An output of a cell. What its tables hold is escaped already, and is left as it is.

    Returns
    -------
    str
        Each table in a box that scrolls by itself. Where it has one row of headers, and cells
        without attributes, a column and its header are aligned alike: numbers to the right, text to
        the left, and on one line what is short; an index that only counts from 0 is left out, and
        so is a header without rows. Other tables stay as they are, but for their text.

    Examples
    --------
    >>> print(readable("<table><thead><tr><th></th><th>a</th></tr></thead>"
    ...     "<tbody><tr><th>0</th><td>x</td></tr></tbody></table>"))
    <div class="wide" tabindex="0"><table><thead>
    <tr><th class="short">a</th></tr>
    </thead><tbody>
    <tr><td class="short">x</td></tr>
    </tbody></table></div>
    """
    return _TABLE.sub(lambda match: _table(match[0]), _PANDAS_STYLE.sub("", html))


def _table(html: str) -> str:
    if "<tbody" in html and not _ROW.search(html.partition("<tbody")[2]):
        return _EMPTY
    grid = _grid(html)
    text = _cell_by_cell(html) if grid is None else _written(_without_count(grid), html)
    return f'<div class="wide" tabindex="0">{text}</div>'


def _grid(html: str) -> _Grid | None:
    """Read a table; ``None`` where it is not of a plain shape."""
    head, _, body = html.partition("<tbody")
    heads, rows = (_ROW.findall(part) for part in (head, body))
    plain = len(_CELL.findall(html)) == len(_ANY_CELL.findall(html))
    if len(heads) != 1 or not plain or "<tfoot" in html or "<caption" in html:
        return None
    grid = _Grid(_CELL.findall(heads[0]), [_CELL.findall(row) for row in rows])
    return grid if all(len(row) == len(grid.head) for row in grid.body) else None


def _without_count(grid: _Grid) -> _Grid:
    """Leave out a first column that has no name and counts the rows from 0."""
    first = [row[0] for row in grid.body]
    if _text(grid.head[0][1]) or any(tag != "th" for tag, _ in first) or len(grid.head) == 1:
        return grid
    if not _counts([_text(inner) for _, inner in first]):
        return grid
    return _Grid(grid.head[1:], [row[1:] for row in grid.body])


def _counts(labels: Sequence[str]) -> bool:
    """Tell whether labels are 0, 1, 2, …; pandas writes dots in place of rows it leaves out."""
    before, dots, after = "\n".join(labels).partition("\n...\n")
    start, end = before.split("\n"), after.split("\n") if dots else []
    if start != [str(number) for number in range(len(start))]:
        return False
    first = int(end[0]) if end and end[0].isdigit() else 0
    return end == [str(number) for number in range(first, first + len(end))]


def _written(grid: _Grid, html: str) -> str:
    kinds = [_kind([row[place][1] for row in grid.body]) for place in range(len(grid.head))]
    opening = html[: html.index(">") + 1]
    head, *body = (_row(row, kinds) for row in (grid.head, *grid.body))
    return f"{opening}<thead>\n{head}\n</thead><tbody>\n" + "\n".join(body) + "\n</tbody></table>"


def _row(cells: Sequence[Cell], kinds: Sequence[str]) -> str:
    told = zip(cells, kinds, strict=True)
    return f"<tr>{''.join(f'<{tag}{kind}>{inner}</{tag}>' for (tag, inner), kind in told)}</tr>"


def _kind(column: Sequence[str]) -> str:
    """Return the class of the cells of a column; numbers have none."""
    texts = [_text(inner) for inner in column]
    if any(texts) and all(_NUMBER.fullmatch(each) for each in texts):
        return ""
    if any(texts) and all(_TIME.fullmatch(each) for each in texts):
        return ' class="short"'
    if any(texts) and all(_ID.fullmatch(each) for each in texts):
        return ' class="text id"'
    is_short = all(len(unescape(each)) <= SHORT for each in texts)
    return f' class="{"short" if is_short else "text"}"'


def _cell_by_cell(html: str) -> str:
    """Tell text from numbers in a table of any shape."""

    def marked(match: re.Match[str]) -> str:
        kind = "" if _NUMBER.fullmatch(_text(match[1])) else ' class="text"'
        return f"<td{kind}>{match[1]}</td>"

    return re.sub(r"<td>(.*?)</td>", marked, html, flags=re.DOTALL)


def _text(inner: str) -> str:
    return re.sub(r"<[^>]*>", "", inner).strip()
