"""Rows: figures of several rows, one below the other, and what goes through one."""

from typing import Any


def through(row: int) -> dict[str, Any]:
    """Return where a shape is that goes through a row from its top to its bottom.

    Parameters
    ----------
    row
        Its number, from 1 at the top, of a figure with one column.

    Examples
    --------
    >>> through(1), through(2)["yref"]
    ({'xref': 'x', 'yref': 'y domain', 'y0': 0, 'y1': 1}, 'y2 domain')
    """
    number = "" if row == 1 else str(row)
    return {"xref": f"x{number}", "yref": f"y{number} domain", "y0": 0, "y1": 1}
