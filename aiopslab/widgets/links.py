"""Links from a notebook to files beside it, through the server that the notebook is open in."""

import json
import os
from pathlib import Path
from urllib.parse import quote

ALONE = "report-alone.html"


def alone(page: Path) -> Path:
    """Write a report as one file beside it, and return where that is.

    Jupyter shows files in a sandbox that fetches nothing, not even the plotly.js of the gallery.

    Parameters
    ----------
    page
        Of a report; where there is none, nothing is written.
    """
    from aiopslab.reports.record import write_atomically
    from aiopslab.reports.render import self_contained

    whole = page.with_name(ALONE)
    if page.is_file():
        write_atomically(whole, self_contained(page.read_text(encoding="utf-8")))
    return whole


def served(path: Path) -> str | None:
    """Return the path of a URL under which this notebook's server has a file.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    str or None
        ``/files/...`` after the base of the server; ``None`` where the file is not under the root
        of the server, or where no Jupyter server started this process.

    Examples
    --------
    >>> served(Path("reports/index.html")) is None  # a doctest has no server
    True
    """
    from jupyter_core.paths import jupyter_runtime_dir

    server = os.environ.get("JPY_PARENT_PID", "")
    try:
        about = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{server}.json").read_text())
        inside = path.resolve().relative_to(Path(about["root_dir"]).resolve())
    except (OSError, ValueError, KeyError):
        return None
    return f"{about['base_url']}files/{quote(inside.as_posix())}"
