"""Scrapes the metrics of every service over HTTP."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiopslab.rehearsal.measures import MEASURES, Window, metric_names, parse

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 0.8


@dataclass
class Scraper:
    """Scrapes every service over HTTP.

    Parameters
    ----------
    client
        What requests are made with.
    ports
        The port of each service.
    """

    client: "httpx.AsyncClient"
    ports: Mapping[str, int]

    def __post_init__(self) -> None:
        self._windows = {service: Window() for service in self.ports}

    async def scrape(self, time: float) -> dict[tuple[str, str], float]:
        """Scrape all once.

        Parameters
        ----------
        time
            When, in seconds of any steady clock.

        Returns
        -------
        dict
            A value for each (service, metric). A service that did not answer in time has ``up``
            0 and NaN for the rest.
        """
        rows = await asyncio.gather(*(self._one(service, time) for service in self.ports))
        return {key: value for row in rows for key, value in row.items()}

    async def _one(self, service: str, time: float) -> dict[tuple[str, str], float]:
        import httpx

        row = {(service, metric): math.nan for metric in metric_names(service)}
        try:
            url = f"http://127.0.0.1:{self.ports[service]}/metrics"
            response = await self.client.get(url, timeout=_TIMEOUT_S)
            response.raise_for_status()
        except httpx.HTTPError:
            return {**row, (service, "up"): 0.0}
        window = self._windows[service]
        window.add(time, parse(response.text))
        row.update({(service, each.metric): each.read(window) for each in MEASURES[service]})
        return {**row, (service, "up"): 1.0}
