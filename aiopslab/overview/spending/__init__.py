"""Spending: what calls of language models cost, how long a budget lasts, and what would save."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.overview.spending.analysis import spend
    from aiopslab.overview.spending.burn import Burn
    from aiopslab.overview.spending.prices import read_prices
    from aiopslab.overview.spending.result import Spending
    from aiopslab.overview.spending.saving import Saving

_HOMES = {
    "Burn": "burn",
    "Saving": "saving",
    "Spending": "result",
    "read_prices": "prices",
    "spend": "analysis",
}

__all__ = ["Burn", "Saving", "Spending", "read_prices", "spend"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
