"""The look of every figure: colours that colour-blind readers tell apart, on light and on dark."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Hues of Okabe and Ito (2008), shifted to a contrast of at least 3 to 1 on white and on near-black.
BLUE = "#2f7fc1"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#b0609a"
OCHRE = "#b37a00"
GREY = "#7f8893"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, OCHRE, GREY)

# Where the text of the page begins, however wide the labels are, and above any legend.
CORNER = {
    **{"x": 0, "xref": "container", "xanchor": "left"},
    **{"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
}

GRID = {"gridcolor": "rgba(127,136,147,0.25)", "zeroline": False, "automargin": True}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def styled(figure: "go.Figure", title: str, description: str, height: int) -> "go.Figure":
    """Give a figure the house look, its title and its text alternative.

    Parameters
    ----------
    figure
        Changed in place, and returned.
    title
        What the figure shows, as a reader would say it.
    description
        What a reader who cannot see it should know; kept in ``layout.meta.description``.
    height
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Backgrounds are transparent and text is mid-grey, so that it reads on any page.
    """
    layout = figure.layout.to_plotly_json()
    layout.pop("template", None)  # plotly sets it again, which takes less than to check it
    axes = (*figure.select_xaxes(), *figure.select_yaxes())
    ours = look(title, description, height) | {axis.plotly_name: GRID for axis in axes}
    # In one piece, since plotly checks all that there is with each change.
    figure.layout = _merged(layout, ours)
    return figure


def look(title: str, description: str, height: int) -> dict[str, Any]:
    """Return the layout that `styled` gives a figure, but for the `GRID` of its axes.

    A figure that is made with it, in one piece, is made several times sooner: plotly checks all
    that there is with each change of it.

    Parameters
    ----------
    title, description, height
        As of `styled`.

    Examples
    --------
    >>> look("Latency", "Latency rose.", 300)["meta"]
    {'description': 'Latency rose.'}
    """
    return {
        "title": {"text": title, "font": {"size": 15}, **CORNER},
        "meta": {"description": description},
        "height": height,
        "margin": {"l": 8, "r": 16, "t": 56, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE),
        "font": {"family": FONT, "size": 12, "color": GREY},
        "hoverlabel": {"font": {"family": FONT}},
        "legend": {"orientation": "h"}
        | {"y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    }


def _merged(layout: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return a layout with ours over it, part by part."""
    parts = [key for key in ours if isinstance(ours[key], dict) and key in layout]
    return layout | ours | {key: _merged(layout[key], ours[key]) for key in parts}
