"""Stage scores: the hits of two configurations as bars, a panel a stage."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.retrieval.inspection import Look

ROW = 22  # pixels, of a hit
HEADING = 46  # of the name of a panel and the room above it
ANSWERS = "✓ "  # before the name of a hit that answers: told not by colour alone
TITLE = "Scores of the hits, stage by stage"


def stage_scores(looks: Mapping[str, "Look"]) -> "go.Figure":
    """Draw what each stage gave to the hits of some configurations.

    Parameters
    ----------
    looks
        By the name of the configuration, such as ``A``.

    Returns
    -------
    plotly.graph_objects.Figure
        A row of panels a configuration, a panel a stage, a bar a hit with the best on top. A hit
        that a stage did not have has no bar there. What answers is filled, and marked by a tick.
    """
    from plotly.subplots import make_subplots

    heights = [ROW * max(len(each.hits), 1) for each in looks.values()]
    inner = sum(heights) + HEADING * (len(looks) - 1)
    columns = max((len(each.stages) for each in looks.values()), default=1)
    titles = [
        f"<b>{labelled(name)}</b> · {each.stages[at]}" if at < len(each.stages) else ""
        for name, each in looks.items()
        for at in range(columns)
    ]
    figure = make_subplots(
        rows=len(looks),
        cols=columns,
        row_heights=heights,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=HEADING / inner if len(looks) > 1 else 0,
        subplot_titles=titles,
    )
    for row, (name, look) in enumerate(looks.items(), start=1):
        names = _names(look)
        colours = [BLUE if each else GREY for each in look.hits["answers"]]
        for column, stage in enumerate(look.stages, start=1):
            figure.add_bar(
                x=look.hits[stage].tolist(),
                y=names,
                orientation="h",
                name=f"{name} {stage}",
                marker={"color": colours, "opacity": 0.7},
                customdata=_details(look, stage),
                hovertemplate="%{customdata[0]}: %{x:.4g}, rank %{customdata[1]}<extra></extra>",
                showlegend=False,
                row=row,
                col=column,
            )
        for column in range(len(look.stages) + 1, columns + 1):
            figure.update_xaxes(visible=False, row=row, col=column)
        figure.update_yaxes(type="category", autorange="reversed", row=row)
    figure.update_annotations(font={"size": 12})
    styled(figure, TITLE, f"{TITLE}. {_said(looks)}", 110 + inner)
    return figure.update_layout(margin={"t": 70})


def _names(look: "Look") -> list[str]:
    """Return what each hit is called on the axis; ranks tell chunks of one document apart."""
    columns = (look.hits[each] for each in ("rank", "document", "answers"))
    return [
        labelled(f"{ANSWERS if answers else ''}{rank} {document}", 34)
        for rank, document, answers in zip(*columns, strict=True)
    ]


def _details(look: "Look", stage: str) -> list[list[Any]]:
    """Return of each hit its document as it is shown, its rank, and its document as it is."""
    ranks = [str(each) for each in look.hits[f"rank_{stage}"].astype(object)]
    both = zip(look.hits["document"].tolist(), ranks, strict=True)
    return [[labelled(document, 60), rank, document] for document, rank in both]


def _said(looks: Mapping[str, "Look"]) -> str:
    told = []
    for name, look in looks.items():
        hits = "; ".join(
            f"{row['rank']} {row['document']} {row['score']:.3g}"
            f"{', answers' if row['answers'] else ''}"
            for row in look.hits.head(3).to_dict("records")
        )
        told.append(f"{name} ({look.configuration.name}): {hits or 'nothing found'}.")
    return " ".join(told)
