"""Score: what a scorer says of one output, and why there may be nothing to say."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiopslab.errors import ParameterError, PromptError, did_you_mean

Status = Literal["scored", "unparsed", "error"]


@dataclass(frozen=True)
class Score:
    """A number for an output, or why there is none.

    Parameters
    ----------
    value
        A finite number; ``None`` where the output could not be read or the scorer failed.
    status
        ``scored``, ``unparsed`` (the output holds nothing that could be judged) or ``error``.
    note
        Why, in a few words. It must not repeat what should stay private.

    Raises
    ------
    ParameterError
        If something was scored without a finite value, or was not and has one.

    Examples
    --------
    >>> Score(0.5, note="2 of 4 facts").value
    0.5
    >>> Score(None, "unparsed", "no number in the output").status
    'unparsed'
    """

    value: float | None
    status: Status = "scored"
    note: str = ""

    def __post_init__(self) -> None:
        if self.status not in {"scored", "unparsed", "error"}:
            raise ParameterError(
                f"status is {self.status!r}; expected scored, unparsed or error",
                "Use unparsed where the output holds nothing that could be judged.",
            )
        if (self.status == "scored") != (self.value is not None and math.isfinite(self.value)):
            raise ParameterError(
                f"the value of what is {self.status} is {self.value}",
                "Give a finite number to what is scored, and None to all else.",
            )


# One that is faster, or cheaper, on many outputs at once may have a method `batch` as well, from
# their sequence and that of the items to one score each.
Scorer = Callable[[str, Mapping[str, Any]], float | bool | Score]


def unparsed(note: str) -> Score:
    """Return the score of an output that holds nothing to judge."""
    return Score(None, "unparsed", note)


def value_of(item: Mapping[str, Any], name: str) -> Any:
    """Return a field of an item.

    Raises
    ------
    PromptError
        If the item does not have it, or it is missing there.

    Examples
    --------
    >>> value_of({"expected": "Paris"}, "expected")
    'Paris'
    """
    if name not in item:
        raise PromptError(
            f"the item has no {name!r}", did_you_mean(name, [str(each) for each in item])
        )
    value = item[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise PromptError(f"{name!r} is missing in the item", "Fill it in, or leave the item out.")
    return value


def texts_of(item: Mapping[str, Any], name: str) -> list[str]:
    """Return a field that is one text or several, any of which will do, as a list."""
    value = value_of(item, name)
    several = isinstance(value, Sequence) and not isinstance(value, str)
    return [str(each) for each in value] if several else [str(value)]
