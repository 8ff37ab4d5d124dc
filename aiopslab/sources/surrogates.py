"""JSON in which text was cut within a character, so that half of a surrogate pair is left of it."""

import json
from typing import Any


def loads(text: str) -> Any:
    r"""Read JSON; raises as `json.loads`.

    Examples
    --------
    >>> loads('["cut \\ud83d", "whole \\ud83d\\ude00"]')
    ['cut ?', 'whole 😀']
    """
    return whole(json.loads(text), text)


def whole(value: Any, text: str) -> Any:
    """Replace the halves, of which no table, file or terminal can hold one.

    Parameters
    ----------
    value
        What was read.
    text
        The JSON that it was read from; most has no escape of such a half, and needs no more.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
