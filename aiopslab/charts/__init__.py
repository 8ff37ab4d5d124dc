"""One plotly theme and the figure builders that reports and widgets share."""

from aiopslab.charts.bars import ranked_bars
from aiopslab.charts.multiples import Mark, small_multiples
from aiopslab.charts.service_map import service_map
from aiopslab.charts.timeline import timeline

__all__ = ["Mark", "ranked_bars", "service_map", "small_multiples", "timeline"]
