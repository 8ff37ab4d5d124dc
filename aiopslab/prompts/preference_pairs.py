"""Preference pairs: of two outputs the one that raters prefer, as lines to train on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiopslab.errors import PromptError

Balance = tuple[str, str, str, int]  # input, both outputs; below 0 where the first is preferred


@dataclass(frozen=True)
class Exported:
    """What became of the ratings of pairs.

    Parameters
    ----------
    pairs
        Written, one line each.
    ties
        Rated, with both outputs preferred as often.
    """

    pairs: int
    ties: int


def write_pairs(path: str | Path, balances: Sequence[Balance]) -> Exported:
    """Write the pairs of which one output is preferred, a line each; count those without.

    Raises
    ------
    PromptError
        If the file cannot be written.
    """
    lines = [
        json.dumps(
            {
                "prompt": asked,
                "chosen": first if balance < 0 else second,
                "rejected": second if balance < 0 else first,
            },
            ensure_ascii=False,
        )
        for asked, first, second, balance in balances
        if balance
    ]
    part = Path(f"{path}.part")
    try:
        part.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
        part.replace(path)  # readers see the whole file, or the one before
    except OSError as error:
        raise PromptError(
            f"{str(path)!r} cannot be written: {error.strerror}", "Name another file."
        ) from None
    return Exported(len(lines), len(balances) - len(lines))
