"""How a series went: its verdicts, and each of its headline figures, over the last runs."""

from collections.abc import Sequence
from html import escape
from math import isclose

from aiopslab.reports.facts import Facts
from aiopslab.reports.render import GLYPHS, readable_number

RUNS, FIGURES = 100, 12  # shown at most
WIDTH, HEIGHT, MARGIN = 260.0, 56.0, 4.0
SEVERITY = {
    "ok": 0.35,
    "watch": 0.65,
    "act": 1.0,
    "failed": 1.0,
}  # height of a bar, not colour alone


def trends(runs: Sequence[Facts]) -> str:
    """Return small multiples as HTML with inline SVG: no script draws them.

    Parameters
    ----------
    runs
        Of one series, ended, the newest first; the newest `RUNS` are shown.

    Returns
    -------
    str
        One drawing of the verdicts and one of each headline figure that has two values or more, in
        the order of the newest run; empty where there are fewer than two runs.
    """
    shown = list(reversed(runs[:RUNS]))
    if len(shown) < 2:
        return ""
    names = list(dict.fromkeys(name for run in reversed(shown) for name in run.metrics))
    drawn = [_verdicts(shown)]
    for name in names:
        values = [run.metrics.get(name) for run in shown]
        if sum(value is not None for value in values) > 1:
            drawn.append(_figure(name, values, shown))
    return f'<section class="trends" aria-label="Trends">{"".join(drawn[: FIGURES + 1])}</section>'


def _verdicts(runs: Sequence[Facts]) -> str:
    step = 4 * WIDTH / len(runs)
    bars = []
    for number, run in enumerate(runs):
        height = HEIGHT / 2 * SEVERITY[run.state]
        bars.append(
            f'<rect class="{run.state}" x="{number * step:.1f}" y="{HEIGHT / 2 - height:.1f}"'
            f' width="{min(0.8 * step, 18):.1f}" height="{height:.1f}">'
            f"<title>{_when(run)}: {GLYPHS[run.state]} {run.state}</title></rect>"
        )
    counts = [
        f"{GLYPHS[state]} {sum(run.state == state for run in runs)} {state}" for state in SEVERITY
    ]
    return _framed("verdict", runs[-1].state, " · ".join(counts), bars, runs, 4 * WIDTH, HEIGHT / 2)


def _figure(name: str, values: Sequence[float | None], runs: Sequence[Facts]) -> str:
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    is_flat = isclose(low, high)

    def place(number: int, value: float) -> tuple[float, float]:
        x = MARGIN + number * (WIDTH - 2 * MARGIN) / (len(values) - 1)
        share = 0.5 if is_flat else (value - low) / (high - low)
        return x, HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    lines: list[list[str]] = [[]]
    points = []
    last = max(number for number, value in enumerate(values) if value is not None)
    for number, value in enumerate(values):
        if value is None:  # a gap is seen as one
            lines.append([])
            continue
        x, y = place(number, value)
        lines[-1].append(f"{x:.1f},{y:.1f}")
        kind, radius = ("point last", 4) if number == last else ("point", 1.6)
        points.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
            f"<title>{_when(runs[number])}: {readable_number(value)}</title></circle>"
        )
    drawn = [f'<polyline class="line" points="{" ".join(line)}"/>' for line in lines if line]
    said = readable_number(known[-1])
    spread = f"{readable_number(low)} to {readable_number(high)}"
    return _framed(name, said, spread, drawn + points, runs, WIDTH, HEIGHT)


def _framed(
    name: str,
    newest: str,
    spread: str,
    shapes: Sequence[str],
    runs: Sequence[Facts],
    width: float,
    height: float,
) -> str:
    whole = ' class="trend whole"' if width > WIDTH else ' class="trend"'
    first, final = (
        _when(run) if width > WIDTH else run.started[:10] for run in (runs[0], runs[-1])
    )
    spoken = f"{name}: {len(runs)} runs, {spread}, now {newest}"
    return (
        f"<figure{whole}><figcaption><span>{escape(name)}</span><b>{escape(newest)}</b></figcaption>"
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(spoken)}">'
        f'{"".join(shapes)}</svg><p class="ends"><span>{first}</span>'
        f"<span>{escape(spread)}</span><span>{final}</span></p></figure>"
    )


def _when(run: Facts) -> str:
    return escape(run.started[:16].replace("T", " "))
