"""Widgets: analyses and stores in the hands of a person, in a notebook with a kernel."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.widgets.labelling import Labelling

_HOMES = {"Labelling": "labelling"}

__all__ = ["Labelling"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
