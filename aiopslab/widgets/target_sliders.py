"""Target sliders: the objectives of an overview, moved by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import numpy as np

from aiopslab.overview.targets import SHARES, TARGET_NAMES, TargetName, Targets

NAMES: dict[TargetName, str] = {
    "good_requests": "good requests, at least",
    "latency_ms": "latency (ms), at most",
    "accuracy": "right predictions, at least",
    "quality": "good answers, at least",
    "age_s": "age (s), at most",
    "current_documents": "current documents, at least",
    "cost_usd": "cost a query (USD), at most",
}
REACH = 2.0  # powers of ten that a slider goes below and above the target that was given
LEAST, MOST = 0.01, 0.999
_LOOK = {
    "style": {"description_width": "14em"},
    "layout": widgets.Layout(width="36em", max_width="100%"),
}


class TargetSliders:
    """A slider for each target, of which those of one tile are shown.

    Parameters
    ----------
    targets
        Those that were given.
    changed
        Called with the targets whenever one of them is moved.

    Examples
    --------
    >>> seen = []
    >>> sliders = TargetSliders(Targets(), seen.append)
    >>> sliders.by_name["accuracy"].value = 0.9
    >>> seen[-1].accuracy
    0.9
    """

    def __init__(self, targets: Targets, changed: Callable[[Targets], None]) -> None:
        self.given = self.targets = targets
        self._changed = changed
        self.by_name = {name: _slider(name, targets.of(name)) for name in TARGET_NAMES}
        for name, slider in self.by_name.items():
            slider.observe(lambda change, name=name: self._move(name, change["new"]), "value")
        self.reset = widgets.Button(
            description="Targets as given",
            tooltip="Put every target back to what it was given as",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
        )
        self.reset.on_click(lambda _: self._reset())
        self.widget = widgets.VBox([self.reset])

    def show(self, names: list[TargetName]) -> None:
        """Show the sliders of some targets."""
        shown = [self.by_name[each] for each in dict.fromkeys(names)]
        self.widget.children = (*shown, self.reset) if shown else ()

    def _move(self, name: TargetName, value: float) -> None:
        # A slider of the browser counts in steps, and 0.8 comes back as 0.8000000000000002.
        moved: dict[str, Any] = {name: float(f"{value:.6g}")}
        self.targets = replace(self.targets, **moved)
        self._changed(self.targets)

    def _reset(self) -> None:
        for name, slider in self.by_name.items():
            slider.value = self.given.of(name)


def _slider(name: TargetName, value: float) -> Any:
    told = {"description": NAMES[name], "tooltip": f"The target of {NAMES[name]}", **_LOOK}
    if name in SHARES:
        low, high = min(LEAST, value), max(MOST, value)
        return widgets.FloatSlider(
            value=value, min=low, max=high, step=0.001, readout_format=".1%", **told
        )
    power = float(np.log10(value))
    return widgets.FloatLogSlider(
        value=value, min=power - REACH, max=power + REACH, step=0.01, readout_format=".3g", **told
    )
