"""Rules: a policy that every output has to keep, as a list that anybody can read."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers.score import Score, Scorer
from aiopslab.prompts.scorers.text import Unit, compiled_of, length_of


@dataclass(frozen=True)
class Rule:
    """One thing that an output has to keep.

    Parameters
    ----------
    name
        What it is called where it is broken.
    is_kept
        From the output to whether it is.

    Examples
    --------
    >>> Rule("no shouting", lambda output: not output.isupper()).is_kept("STOP")
    False
    """

    name: str
    is_kept: Callable[[str], bool]


def must(name: str, pattern: str) -> Rule:
    """Return the rule that an output matches a regular expression, whatever the case."""
    compiled = compiled_of(pattern, ignore_case=True)
    return Rule(name, lambda output: compiled.search(output) is not None)


def must_not(name: str, pattern: str) -> Rule:
    """Return the rule that an output does not match a regular expression, whatever the case."""
    compiled = compiled_of(pattern, ignore_case=True)
    return Rule(name, lambda output: compiled.search(output) is None)


def says(name: str, text: str) -> Rule:
    """Return the rule that an output has a text, such as a disclaimer; case and space are alike."""
    wanted = _plain(text)
    return Rule(name, lambda output: wanted in _plain(output))


def no_longer(name: str, than: int, unit: Unit = "words") -> Rule:
    """Return the rule that an output has at most so many words, characters or sentences."""
    length_of("", unit)  # a unit that is none is refused here
    return Rule(name, lambda output: length_of(output, unit) <= than)


def no_shorter(name: str, than: int, unit: Unit = "words") -> Rule:
    """Return the rule that an output has at least so many words, characters or sentences."""
    length_of("", unit)
    return Rule(name, lambda output: length_of(output, unit) >= than)


def policy(rules: Sequence[Rule]) -> Scorer:
    """Score the share of the rules that an output keeps; 1 where it keeps all.

    Parameters
    ----------
    rules
        Made with `must`, `must_not`, `says`, `no_longer`, `no_shorter`, or your own.

    Returns
    -------
    Scorer
        The note lists the rules that are broken.

    Raises
    ------
    ParameterError
        If there is no rule, or two have the same name.

    Examples
    --------
    >>> scorer = policy([must_not("advice", "you should buy"), says("disclaimer", "No advice.")])
    >>> scorer("You should buy gold. No advice.", {})
    Score(value=0.5, status='scored', note='breaks advice')
    """
    names = [each.name for each in rules]
    if not names or len(set(names)) < len(names):
        raise ParameterError(
            "a policy has no rules" if not names else "two rules of a policy have the same name",
            "Name each rule as it should read in a report.",
        )

    def score(output: str, item: Mapping[str, Any]) -> Score:
        broken = [each.name for each in rules if not each.is_kept(output)]
        note = f"breaks {', '.join(broken)}" if broken else ""
        return Score(1 - len(broken) / len(rules), note=note)

    return score


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
