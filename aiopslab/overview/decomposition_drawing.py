"""The picture of a decomposition: from what was to what is, part by part."""

from typing import TYPE_CHECKING

from aiopslab.charts.labels import label
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled
from aiopslab.overview.written import difference_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.overview.decomposition import Decomposition


def waterfall(found: "Decomposition") -> "go.Figure":
    """Draw a bar a part, each from where the one before it ends, with its interval."""
    import plotly.graph_objects as go

    title = f"What moved {found.outcome}"
    if found.total is None or not found.parts:
        notes = [{"text": label(" ".join(found.notes) or "Nothing moved."), "showarrow": False}]
        figure = go.Figure(layout={"annotations": notes})
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return styled(figure, title, f"{title}. {' '.join(found.notes)}", 140)
    unit = found.total.unit
    factor = 1.0 if unit else 100.0
    names, starts, sizes, ends = [], [], [], []
    at = 0.0
    for part in found.parts:
        interval = part.effect.interval
        assert interval is not None
        names.append(label(part.name))
        starts.append(factor * at)
        sizes.append(factor * part.effect.value)
        at += part.effect.value
        ends.append(
            (
                factor * (interval.high - part.effect.value),
                factor * (part.effect.value - interval.low),
            )
        )
    names.append("in all")
    starts.append(0.0)
    sizes.append(factor * found.total.value)
    ends.append((0.0, 0.0))
    colours = [VERMILION if size * found.total.value > 0 else BLUE for size in sizes[:-1]]
    texts = [difference_of(size / factor, unit) for size in sizes]
    figure = go.Figure(
        go.Bar(
            y=names,
            x=sizes,
            base=starts,
            orientation="h",
            marker={"color": [*colours, GREY], "opacity": 0.6},
            error_x={
                **{"type": "data", "symmetric": False, "color": GREY, "thickness": 2, "width": 5},
                "array": [each[0] for each in ends],
                "arrayminus": [each[1] for each in ends],
            },
            hovertext=texts,
            hovertemplate="%{y}: %{hovertext}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_xaxes(title_text=f"change, {unit or 'points'}")
    spoken = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return styled(figure, title, f"{title}. {spoken}.", 110 + 30 * len(names))
