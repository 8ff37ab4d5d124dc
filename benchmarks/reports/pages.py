"""What a page costs and how large it is, beside nbconvert's."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from aiopslab.reports import render
from aiopslab.reports.cells import PLOTLY_MIME
from aiopslab.reports.record import NOTEBOOK, Record, begin, read
from benchmarks.harness import Figure, at_most
from benchmarks.reports import cost

MOST_S, MOST_SHARED_MB, MOST_WHOLE_MB = 0.5, 1.0, 6.0
FIGURES, POINTS = 12, 300
_REPEATS = 3


def rendering(folder: Path) -> list[Figure]:
    """Render each kind of report that was made, in this process, which has rendered before."""
    newest: dict[str, Path] = {}
    for path in sorted((folder / "reports").glob(f"*/{NOTEBOOK}")):
        newest[read(path.parent / "run.json").template] = path
    figures = []
    for name, path in newest.items():
        record, notebook = read(path.parent / "run.json"), json.loads(path.read_text())
        render.page(notebook, record)
        took = min(_timed(notebook, record) for _ in range(_REPEATS))
        peer = _nbconvert(path, folder)
        figures.append(
            at_most(f"page of {name}", took, MOST_S, "s", peer=f"nbconvert, a process: {peer}")
        )
    return figures


def size(folder: Path) -> list[Figure]:
    """How large a report with twelve figures is."""
    notebook = _with_figures()
    record = begin("figures", "Twelve figures", "0" * 64, {})
    page = render.page(notebook, record)
    path = folder / "figures.ipynb"
    path.write_text(json.dumps(notebook))
    _nbconvert(path, folder)
    peer = f"nbconvert: {_megabytes(folder / 'peer.html'):.2f} MB, its figures blank offline"
    note = f"{FIGURES} figures of 3 lines of {POINTS} points; notebook {_megabytes(path):.2f} MB"
    shared, whole = (len(text.encode()) / 1e6 for text in (page, render.self_contained(page)))
    title = f"a report with {FIGURES} figures"
    return [
        at_most(
            f"{title}, beside one plotly.js", shared, MOST_SHARED_MB, "MB", peer=peer, note=note
        ),
        at_most(f"{title}, one file", whole, MOST_WHOLE_MB, "MB", peer=peer, note=note),
    ]


def _timed(notebook: dict[str, Any], record: Record) -> float:
    started = time.perf_counter()
    render.page(notebook, record)
    return time.perf_counter() - started


def _nbconvert(path: Path, folder: Path) -> cost.Cost:
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(path)]
    took, _ = cost.of([*command, "--output", "peer", "--output-dir", str(folder)])
    return took


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def _with_figures() -> dict[str, Any]:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    chance = np.random.default_rng(0)
    times = pd.date_range("2026-03-01", periods=POINTS, freq="1min", tz="UTC")
    cells = []
    for number in range(FIGURES):
        lines = [
            go.Scatter(x=times, y=chance.normal(size=POINTS).cumsum(), name=f"service-{line}")
            for line in range(3)
        ]
        figure = go.Figure(lines, {"title": {"text": f"Figure {number + 1}"}})
        data = {PLOTLY_MIME: json.loads(figure.to_json())}
        shown = new_output("display_data", data, metadata={})
        cells.append(new_code_cell(f"figure_{number}", outputs=[shown]))
    plain: dict[str, Any] = json.loads(json.dumps(new_notebook(cells=cells)))
    return plain
