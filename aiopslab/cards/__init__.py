"""Cards: what a model, a prompt or an index is, from what was recorded of it.

Importing this is cheap; MLflow, Chroma and the rest are loaded with what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.cards.card import Card, Section
    from aiopslab.cards.index_card import card_of_index
    from aiopslab.cards.model_card import card_of_model
    from aiopslab.cards.prompt_card import card_of_prompt

_HOMES = {
    "Card": "card",
    "Section": "card",
    "card_of_index": "index_card",
    "card_of_model": "model_card",
    "card_of_prompt": "prompt_card",
}

__all__ = ["Card", "Section", "card_of_index", "card_of_model", "card_of_prompt"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.cards.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
