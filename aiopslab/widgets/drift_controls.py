"""Controls of the drift explorer, each with what it is for."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd

LEAST, MOST = -0.5, 1.7  # powers of ten of the thresholds that are offered, in margins
WIDE: dict[str, Any] = {
    "style": {"description_width": "10em"},
    "layout": widgets.Layout(width="34em", max_width="100%"),
}


def threshold_slider() -> Any:
    """Return the slider of the threshold, in margins.

    Examples
    --------
    >>> threshold_slider().value
    1.0
    """
    return widgets.FloatLogSlider(
        value=1.0,
        min=LEAST,
        max=MOST,
        step=0.02,
        readout_format=".3g",
        continuous_update=False,
        description="Threshold, margins",
        tooltip="Effect from which a window raises an alarm; 1 is the least that matters",
        **WIDE,
    )


def windows_slider(lengths: Sequence[pd.Timedelta], length: pd.Timedelta) -> Any:
    """Return the slider of how long the windows are in which history is replayed.

    Examples
    --------
    >>> lengths = [pd.Timedelta(each) for each in ("1h", "6h")]
    >>> windows_slider(lengths, lengths[1]).label
    '6h'
    """
    return widgets.SelectionSlider(
        options=[(duration(each), each) for each in lengths],
        value=length,
        continuous_update=False,
        description="Windows of history",
        tooltip="How long the windows are in which history is replayed",
        **WIDE,
    )


def duration(length: pd.Timedelta) -> str:
    """Write a duration as parameters do.

    Examples
    --------
    >>> [duration(pd.Timedelta(each)) for each in ("2s", "90min", "6h", "14D")]
    ['2s', '90min', '6h', '14D']
    """
    for unit in ("D", "h", "min"):
        if length % pd.Timedelta(1, unit) == pd.Timedelta(0):
            return f"{length // pd.Timedelta(1, unit)}{unit}"
    return f"{length.total_seconds():g}s"
