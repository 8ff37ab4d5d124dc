"""The picture of a report: its first figure, for where no script draws."""

import base64
import json
from pathlib import Path
from typing import Any

PLOTLY_MIME = "application/vnd.plotly.v1+json"
LARGEST = 2_000_000  # bytes of a picture that a message can carry


def picture(notebook: Path) -> bytes:
    """Return the first figure of an executed notebook.

    Parameters
    ----------
    notebook
        Its path.

    Returns
    -------
    bytes
        A PNG; empty where there is no figure, or none that can be drawn: a message is worth more
        than its picture.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [each for cell in cells for each in cell.get("outputs", ())]
        for data in (each["data"] for each in outputs if "data" in each):
            if PLOTLY_MIME in data:
                return _small(_drawn(data[PLOTLY_MIME]))
            if "image/png" in data:
                return _small(base64.b64decode("".join(data["image/png"])))
    except Exception:  # of a notebook that others wrote, or of one of three libraries that draw
        return b""
    return b""


def _drawn(plain: dict[str, Any]) -> bytes:
    import plotly.graph_objects as go

    from aiopslab.charts.still import still

    figure = {"data": _unpacked(plain["data"]), "layout": _unpacked(plain.get("layout", {}))}
    return still(go.Figure(figure, skip_invalid=True))


def _unpacked(value: Any) -> Any:
    """Return JSON of plotly's with its packed arrays as lists."""
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if {"dtype", "bdata"} <= value.keys():
        return _array(value)
    return {name: _unpacked(each) for name, each in value.items()}


def _array(packed: dict[str, Any]) -> Any:
    import numpy as np

    flat = np.frombuffer(base64.b64decode(packed["bdata"]), np.dtype(packed["dtype"]))
    shape = [int(each) for each in str(packed.get("shape", flat.size)).split(",")]
    return flat.reshape(shape).tolist()


def _small(png: bytes) -> bytes:
    return png if len(png) <= LARGEST else b""
