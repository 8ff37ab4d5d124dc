"""View: what every widget has: a state, parameters of a report, still pictures."""

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from aiopslab.widgets.page import Page

if TYPE_CHECKING:
    import plotly.graph_objects as go


class View(traitlets.HasTraits):
    """A thin view over an analysis, in a notebook with a kernel, and a picture without one.

    Parameters
    ----------
    title
        What a screen reader calls it, and what stands above its pictures.

    Attributes
    ----------
    selection : dict
        What a person chose, in plain JSON values, for the next cell to use. It can be observed:
        ``view.observe(function, "selection")``.
    page : Page
        Theme, keys and voice.
    box : ipywidgets.VBox
        What is shown, to be put into other widgets.

    Examples
    --------
    >>> class Choice(View):
    ...     def to_parameters(self):
    ...         return {"service": self.selection["service"]}
    ...     def summary(self):
    ...         return "<p>auth</p>"
    >>> choice = Choice("A choice")
    >>> choice.selection = {"service": "auth"}
    >>> choice, choice.to_parameters()
    (Choice({'service': 'auth'}), {'service': 'auth'})
    """

    selection = traitlets.Dict()

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.page = Page()
        self.box = widgets.VBox([self.page])
        self.box.add_class("aiopslab-view")

    def show(self, *children: Any) -> None:
        """Put widgets into the box, one below the other."""
        self.box.children = (self.page, *children)

    def to_parameters(self) -> dict[str, Any]:
        """Return what its headless report is told, to find what was seen here again."""
        raise NotImplementedError

    def summary(self) -> str:
        """Return, as escaped HTML, what is read where no kernel runs."""
        raise NotImplementedError

    def pictures(self) -> "list[go.Figure]":
        """Return the figures that are seen where no kernel runs."""
        return []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.selection})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self.box._repr_mimebundle_()
        parts = [self.summary(), *map(_image, self.pictures())]
        return {**shown, "text/plain": repr(self), "text/html": "\n".join(parts)}


def _image(figure: "go.Figure") -> str:
    from aiopslab.charts.still import still

    told = (figure.layout.meta or {}).get("description", figure.layout.title.text or "")
    data = b64encode(still(figure)).decode()
    return f'<p><img alt="{escape(told)}" src="data:image/png;base64,{data}"></p>'
