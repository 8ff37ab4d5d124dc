"""Links from a notebook to files beside it, through the server that the notebook is open in."""

import json
import os
from pathlib import Path
from urllib.parse import quote


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
