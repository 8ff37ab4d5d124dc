"""Blinding: prompts under other names, as long as who rates must not know them."""

import hashlib
import json
from string import ascii_uppercase

import pandas as pd

_NAMED = ("left", "right", "preferred")


def aliases(preferences: pd.DataFrame, seed: int) -> dict[str, str]:
    """Return what each prompt is called, by its name.

    Parameters
    ----------
    preferences
        ``left, right``, as from `Feedback.preferences`.
    seed
        Of the order, so that the letters tell nothing of the names.

    Examples
    --------
    >>> told = pd.DataFrame({"left": ["old", "new"], "right": ["new", "old"]})
    >>> aliases(told, seed=0)
    {'new': 'prompt A', 'old': 'prompt B'}
    """
    names = sorted(
        {*preferences["left"], *preferences["right"]}, key=lambda each: _draw(each, seed)
    )
    return {each: f"prompt {_letter(number)}" for number, each in enumerate(names)}


def blinded(preferences: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return preferences with the aliases of the prompts in the place of their names.

    Examples
    --------
    >>> told = pd.DataFrame({"left": ["old"], "right": ["new"], "preferred": ["tie"]})
    >>> blinded(told, seed=0).values.tolist()
    [['prompt B', 'prompt A', 'tie']]
    """
    known = aliases(preferences, seed) | {"tie": "tie"}
    return preferences.assign(**{each: preferences[each].map(known) for each in _NAMED})


def _draw(name: str, seed: int) -> str:
    return hashlib.sha256(json.dumps([seed, name]).encode()).hexdigest()


def _letter(number: int) -> str:
    return f"{ascii_uppercase[number % 26]}{number // 26 or ''}"
