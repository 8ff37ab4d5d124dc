"""Table: rows that are sorted, searched and picked; of very many, a page at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from aiopslab.widgets.button import button

CLASSES = "display compact nowrap"
ROWS = 10  # of a table that is sent whole, on one of its pages


class Table:
    """Rows of a frame, in the browser; they can be sorted, searched, and one can be picked.

    Parameters
    ----------
    frame
        Its index is not shown. Texts are shown as they are: markup in them stays dead.
    caption
        What the table is about, read by screen readers too.

    Attributes
    ----------
    widget : itables.widget.ITable
        To be shown.

    Examples
    --------
    >>> table, picked = Table(pd.DataFrame({"service": ["auth", "cache"]}), "Services"), []
    >>> table.on_pick(picked.append)
    >>> table.widget.selected_rows = [1]
    >>> picked
    [1]
    """

    def __init__(self, frame: pd.DataFrame, caption: str) -> None:
        import itables.options
        from itables.widget import ITable

        # What is passed is checked by our tests, not with each page that is shown.
        itables.options.warn_on_undocumented_option = False
        itables.options.warn_on_unexpected_option_type = False
        self.widget = ITable(
            _shown(frame),
            caption=caption,
            classes=CLASSES,
            style="width:100%;margin:0",
            select="single",
            showIndex=False,
            allow_html=False,
            pageLength=ROWS,
            lengthMenu=[ROWS, 25, 100],
            maxBytes=0,
        )

    def draw(self, frame: pd.DataFrame) -> None:
        """Show other rows; none of them is picked."""
        self.widget.update(_shown(frame), selected_rows=[])

    def on_pick(self, callback: Callable[[int], None]) -> None:
        """Call a function with the place in the frame of each row that is picked."""

        def picked(change: Any) -> None:
            for row in change["new"][:1]:
                callback(int(row))

        self.widget.observe(picked, "selected_rows")


class PagedTable:
    """Rows of a frame of any length, of which the browser is sent one page.

    Parameters
    ----------
    frame
        As many rows as fit into the memory of the kernel.
    caption
        What the table is about.
    rows
        On a page.
    searched
        The columns of text in which words are looked for; none are where empty.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Search, pages and the rows; all of it can be reached by the keyboard.

    Examples
    --------
    >>> lines = pd.DataFrame({"body": [f"line {number}" for number in range(1_000_000)]})
    >>> table = PagedTable(lines, "Log lines", searched=["body"])
    >>> table.last.click()
    >>> table.status.value
    'rows 999,951 to 1,000,000 of 1,000,000'
    >>> table.search.value = "LINE 12345"
    >>> table.status.value
    'rows 1 to 11 of 11 (of 1,000,000)'
    """

    def __init__(
        self, frame: pd.DataFrame, caption: str, rows: int = 50, searched: Sequence[str] = ()
    ) -> None:
        self.rows, self.searched = rows, tuple(searched)
        self.table = Table(frame.iloc[:0], caption)
        self.table.widget.update(paging=False, searching=False, info=False, ordering=False)
        self.first, self.previous = _button("First", "first"), _button("Previous", "previous")
        self.next, self.last = _button("Next", "next"), _button("Last", "last")
        self.status = widgets.Label()
        self.search = widgets.Text(
            placeholder="words, then Enter",
            description="search",
            continuous_update=False,
            tooltip=f"Rows with this text in {', '.join(self.searched)}, in any case",
            layout=widgets.Layout(width="22em", display="flex" if self.searched else "none"),
        )
        self.first.on_click(lambda _: self._turn(0))
        self.previous.on_click(lambda _: self._turn(self.page - 1))
        self.next.on_click(lambda _: self._turn(self.page + 1))
        self.last.on_click(lambda _: self._turn(self.pages - 1))
        self.search.observe(lambda _: self._find(), "value")
        turning = [self.first, self.previous, self.next, self.last, self.status]
        head = widgets.HBox([self.search, *turning], layout=widgets.Layout(flex_flow="row wrap"))
        self.widget = widgets.VBox([head, self.table.widget])
        self.draw(frame)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-len(self._found) // self.rows))

    def draw(self, frame: pd.DataFrame) -> None:
        """Show other rows, from the first, of those that are searched for."""
        self.frame = frame
        self._find()

    def _find(self) -> None:
        self._found = _places(self.frame, self.search.value.strip(), self.searched)
        self._turn(0)

    def _turn(self, page: int) -> None:
        # A button that has nowhere to go does nothing; if it were off, it would lose the focus.
        self.page = min(max(page, 0), self.pages - 1)
        places = self._found[self.page * self.rows : (self.page + 1) * self.rows]
        self.table.draw(self.frame.iloc[places])
        start = self.page * self.rows
        of = f"{len(self._found):,}"
        if len(self._found) < len(self.frame):
            of += f" (of {len(self.frame):,})"
        told = f"rows {start + 1:,} to {start + len(places):,} of {of}"
        self.status.value = told if len(places) else f"no rows of {len(self.frame):,}"


def _places(frame: pd.DataFrame, text: str, columns: Sequence[str]) -> Any:
    if not text:
        return np.arange(len(frame))
    found = np.zeros(len(frame), dtype=bool)
    for column in columns:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):  # each text is looked at once
            is_in = _contains(values.cat.categories.to_series(), text)
            found |= np.append(is_in, False)[values.cat.codes]  # a missing one has the code -1
        else:
            found |= _contains(values, text)
    return np.flatnonzero(found)


def _contains(values: pd.Series, text: str) -> np.ndarray:
    # Arrow looks through a million lines in a tenth of the time of Python.
    found = values.astype("string[pyarrow]").str.contains(text, case=False, regex=False)
    return found.fillna(False).to_numpy(dtype=bool)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with times and anything nested as short texts."""
    shown = frame.reset_index(drop=True)
    for column in shown.columns:
        values = shown[column]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            shown[column] = values.dt.strftime("%Y-%m-%d %H:%M:%S").fillna("")
        elif values.dtype == object:
            shown[column] = ["" if each is None else str(each) for each in values]
    return shown


def _button(text: str, where: str) -> Any:
    return button(text, f"Show the {where} page")
