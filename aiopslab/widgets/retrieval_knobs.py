"""The knobs of one configuration: the few that matter, each turned at once."""

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import traitlets

from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.retriever import Retriever

CUTS = tuple((chunking, size) for chunking in ("recursive", "headings") for size in (100, 200, 400))
SEARCHES = {
    "by words (lexical)": "lexical",
    "by meaning (dense)": "dense",
    "both (hybrid)": "hybrid",
}
RERANKERS = {"off": "none", "diverse": "diverse", "late interaction": "late"}
MOST = 20  # hits
_STYLE = {"description_width": "5.5em"}
_LAYOUT = {"width": "100%", "max_width": "26em"}


class Knobs(traitlets.HasTraits):
    """Widgets for the fields of a configuration; those that it has no widget for stay as they are.

    Parameters
    ----------
    name
        What the configuration is called: ``A`` or ``B``.
    configuration
        Where they begin.
    retriever
        That knows which chunks it has made.
    both
        Configurations whose chunks are offered, beside some usual ones.

    Attributes
    ----------
    configuration : Configuration
        As the knobs are; observable.
    """

    configuration = traitlets.Instance(Configuration)

    def __init__(
        self,
        name: str,
        configuration: Configuration,
        retriever: Retriever,
        both: Sequence[Configuration],
    ) -> None:
        super().__init__(configuration=configuration)
        self._base, self._retriever = configuration, retriever
        self._is_held = False
        own = (configuration.chunking, configuration.size)
        offered = {(each.chunking, each.size) for each in both} | {own, *CUTS}
        self._cuts = sorted(offered, key=lambda each: (each[0] != own[0], *each))
        self.cut = widgets.Dropdown(
            options=self._options(), value=own, description="chunks", tooltip="How texts are cut"
        )
        self.search = widgets.Dropdown(
            options=SEARCHES,
            value=configuration.search,
            description="search",
            tooltip="By words, by meaning, or both",
        )
        self.weight = widgets.FloatSlider(
            value=configuration.weight,
            min=0,
            max=1,
            step=0.05,
            description="meaning",
            tooltip="What the search by meaning weighs in hybrid; the words have the rest",
            readout_format=".2f",
        )
        self.rerank = widgets.Dropdown(
            options=RERANKERS,
            value=configuration.rerank,
            description="reranker",
            tooltip="A second look at the first hits; late interaction takes seconds",
        )
        self.k = widgets.IntSlider(
            value=configuration.k,
            min=1,
            max=max(MOST, configuration.k),
            description="hits",
            tooltip="How many are handed to the model",
        )
        self._all = (self.cut, self.search, self.weight, self.rerank, self.k)
        for each in self._all:
            each.style, each.layout = _STYLE, _LAYOUT
            each.observe(lambda _: self._turned(), "value")
        self._name = widgets.HTML()
        self.widget = widgets.VBox(
            [widgets.HTML(f"<b>{name}</b>"), *self._all, self._name],
            layout={"flex": "1 1 20em", "min_width": "0"},
        )
        self._titled()

    def refresh(self) -> None:
        """Tell again which chunks are made."""
        options = self._options()
        if options != self.cut.options:
            chosen, self._is_held = self.cut.value, True  # new options choose the first of them
            self.cut.options, self.cut.value = options, chosen
            self._is_held = False

    def _turned(self) -> None:
        if self._is_held:
            return
        chunking, size = self.cut.value
        try:
            self.configuration = self._base.with_(
                chunking=chunking,
                size=size,
                overlap=min(self._base.overlap, size - 1),
                search=self.search.value,
                weight=round(self.weight.value, 2),
                rerank=self.rerank.value,
                k=self.k.value,
            )
        finally:
            self._titled()

    def _titled(self) -> None:
        self.weight.disabled = self.search.value != "hybrid"
        self._name.value = f"<small>{escape(self.configuration.name)}</small>"

    def _options(self) -> tuple[tuple[str, Any], ...]:
        told = []
        for chunking, size in self._cuts:
            overlap = min(self._base.overlap, size - 1)
            cut = self.configuration.with_(chunking=chunking, size=size, overlap=overlap)
            made = "" if self._retriever.is_ready(cut) else " (not made yet)"
            told.append((f"{chunking} {size}{made}", (chunking, size)))
        return tuple(told)
