"""One plotly theme and the figure builders that reports and widgets share."""

from aiopslab.charts.bars import ranked_bars
from aiopslab.charts.multiples import Mark, small_multiples

__all__ = ["Mark", "ranked_bars", "small_multiples"]
