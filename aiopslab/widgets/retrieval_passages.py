"""Passages that a search found, as HTML: where they are, what answers, how they came there."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from aiopslab.charts.theme import BLUE
from aiopslab.retrieval.inspection import Inspection, Look

_TEXT = (
    "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 13em; overflow-y: auto;"
    " margin: 4px 0; padding: 4px 8px; border-left: 3px solid rgba(127,136,147,0.5)"
)
_MARK = f"background: rgba(47,127,193,0.28); color: inherit; border-bottom: 2px solid {BLUE}"
_ASIDE = "font-size: 0.85em; opacity: 0.85"
_TABLE = "border-collapse: collapse; margin: 6px 0"
_CELL = "line-height: 1.4; padding: 1px 10px 1px 0; text-align: left; vertical-align: top"
_NAMES = {"mrr": "1 / rank of the first", "tokens": "tokens to read"}


def passage_html(
    hit: Mapping[Any, Any], stages: Sequence[str], parts: Sequence[tuple[int, int]], other: str
) -> str:
    """Return one hit as HTML.

    Parameters
    ----------
    hit
        A row of `Look.hits`.
    stages
        Of the configuration.
    parts
        Of its text that answer, see `answering_parts`.
    other
        What the other configuration is called.

    Examples
    --------
    >>> hit = {"rank": 1, "document": "a.md", "section": "", "start": 0, "end": 12, "tokens": 4}
    >>> hit |= {"text": "It is <here>", "answers": True, "other": 3, "dense": 0.5, "rank_dense": 1}
    >>> told = passage_html(hit, ["dense"], [], "B")
    >>> "It is &lt;here&gt;" in told, "2 higher than in B" in told
    (True, True)
    """
    where = f"<b>{hit['rank']}</b> · <b>{escape(str(hit['document']))}</b>"
    if hit["section"]:
        where += f" · {escape(str(hit['section']))}"
    said = [answers_said(hit, bool(parts)), moved_said(hit, other), f"{hit['tokens']} tokens"]
    scores = " · ".join(_scored(hit, each) for each in stages)
    return (
        f'<div style="line-height: 1.5"><div style="overflow-wrap: anywhere">{where}</div>'
        f"<div>{' &nbsp; '.join(filter(None, said))}</div>"
        f'<div style="{_ASIDE}">{scores}</div>'
        f'<div tabindex="0" role="region" aria-label="passage {hit["rank"]}" style="{_TEXT}">'
        f"{marked(str(hit['text']), parts)}</div></div>"
    )


def marked(text: str, parts: Sequence[tuple[int, int]]) -> str:
    """Return a text as HTML, with the parts that answer marked, and told by the word too.

    Examples
    --------
    >>> marked("a < b", [])
    'a &lt; b'
    """
    told, at = [], 0
    for start, end in parts:
        told.append(escape(text[at:start]))
        told.append(f'<mark style="{_MARK}">{escape(text[start:end])}</mark>')
        told.append(f'<sub style="user-select: none; {_ASIDE}"> ✓ answers </sub>')
        at = end
    return "".join([*told, escape(text[at:])])


def answers_said(hit: Mapping[Any, Any], has_part: bool = False) -> str:
    """Say whether a hit answers."""
    if hit["answers"]:
        return "✓ answers"
    return "◐ part of an answer" if has_part else ""


def moved_said(hit: Mapping[Any, Any], other: str) -> str:
    """Say where the other configuration has what a hit has found.

    Examples
    --------
    >>> moved_said({"rank": 4, "other": 2}, "A"), moved_said({"rank": 4, "other": pd.NA}, "A")
    ('▼ 2 lower than in A', '◇ not found by A')
    """
    if pd.isna(hit["other"]):
        return f"◇ not found by {other}"
    gain = int(hit["other"]) - int(hit["rank"])
    if gain == 0:
        return f"= same rank in {other}"
    return f"▲ {gain} higher than in {other}" if gain > 0 else f"▼ {-gain} lower than in {other}"


def metrics_html(inspection: Inspection, standing: str) -> str:
    """Return how good both are at the question, and on what that stands, as HTML."""
    metrics = inspection.metrics()
    rows = [
        (_NAMES.get(name, name.replace("_", " ")), f"{a:.3g}", f"{b:.3g}", _gain(difference))
        for name, (a, b, difference) in zip(
            metrics.index.tolist(), metrics.to_numpy().tolist(), strict=True
        )
    ]
    return f"{table_html(('', 'A', 'B', 'B − A'), rows)}<p>{escape(standing)}</p>"


def lists_html(inspection: Inspection) -> str:
    """Return both lists without their texts as HTML, for where no kernel runs."""
    parts = []
    for name, look, other in (("A", inspection.a, "B"), ("B", inspection.b, "A")):
        parts.append(f"<p><b>{name}</b>: {escape(look.configuration.name)}</p>")
        parts.append(_list(look, other))
    return "".join(parts)


def table_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a small table as HTML."""
    top = "".join(f'<th scope="col" style="{_CELL}">{escape(each)}</th>' for each in head)
    lines = [
        "".join(
            f'<th scope="row" style="{_CELL}; font-weight: normal">{escape(each)}</th>'
            if at == 0
            else f'<td style="{_CELL}">{escape(each)}</td>'
            for at, each in enumerate(row)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{each}</tr>" for each in lines)
    return f'<table style="{_TABLE}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _list(look: Look, other: str) -> str:
    if look.hits.empty:
        return "<p>Nothing was found.</p>"
    rows = [
        (
            str(hit["rank"]),
            str(hit["document"]),
            str(hit["section"]),
            f"{hit['score']:.3g}",
            answers_said(hit),
            moved_said(hit, other),
        )
        for hit in look.hits.to_dict("records")
    ]
    head = ("rank", "document", "section", "score", "answers", f"against {other}")
    return table_html(head, rows)


def _scored(hit: Mapping[Any, Any], stage: str) -> str:
    if pd.isna(hit[f"rank_{stage}"]):
        return f"{stage}: not among its first"
    return f"{stage} {hit[stage]:.3g} (rank {hit[f'rank_{stage}']})"


def _gain(difference: float) -> str:
    """Say by how much B has more; whether more is better the reader of the metric knows."""
    if difference == 0:
        return "="
    return f"{'▲' if difference > 0 else '▼'} {difference:+.3g}"
