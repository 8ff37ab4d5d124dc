"""Grounding: how far what was said is supported by a context, without a model.

Every word of the output that carries meaning is looked for in the context; numbers and names count
double, since they are what is invented most, and words that only hold a sentence together count
little. Three things come together:

- the share of what was said that the context has (word overlap, but weighted),
- how much is missing in all: each unsupported word is one more chance to be wrong, so that a long
  output with three inventions is not excused by its length,
- whether it is found together, in one sentence of the context, and not picked from all over it.

A negation in the output that the context does not have takes some away as well.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiopslab.prompts.scorers.score import Score, Scorer, texts_of, unparsed
from aiopslab.prompts.scorers.words import sentences_of, stem, words_of

# How much a word counts beside a plain one, and what is taken off. They were set by what they mean,
# to one digit. When one of them is halved or doubled, the area under the curve moves by less than
# .003 on BEGIN and by less than .01 on WiCE; the weight of facts alone moves that by .025.
OF_FACTS = 2.0  # numbers and names
OF_FILLERS = 0.3
OF_RELATED = 0.7  # of a word that begins like one of the context: attack, attackers
PER_MISSING = 0.1
SCATTERED = 0.5  # is left of what no sentence of the context says together
NEGATED = 0.8

_FILLERS = """
    a about after also am an and are as at be been before being between but by can could d did do
    does down during for from had has have he her here him his how i if in into is it its ll m may
    me might must my no not of off on or our out over re s shall she should so t than that the their
    them then there these they this those through to too up us ve very was we were what when where
    which who whom whose why will with would you your
"""
_NEGATIONS = "no not never none neither nor without cannot nothing nobody"
FILLERS, NEGATIONS = frozenset(_FILLERS.split()), frozenset(_NEGATIONS.split())
_PREFIX = 5  # letters


@dataclass(frozen=True)
class _Context:
    words: frozenset[str]
    beginnings: frozenset[str]
    sentences: tuple[frozenset[str], ...]


def faithfulness(context: str = "context") -> Scorer:
    """Score how far an output is supported by its context, from 0 to 1.

    Parameters
    ----------
    context
        The field of the item with the text, or the list of texts, to be faithful to.

    Returns
    -------
    Scorer
        The more, the better supported. An output without words is unparsed. The note tells how
        many words have no support, and how many of those are numbers or names.

    Notes
    -----
    It reads words and no meaning: a paraphrase in other words scores low, and words of the context
    in another relation to each other score high. On the public sets BEGIN (fully attributable) and
    WiCE (supported) the area under the curve and what plain word overlap comes to beside it are
    printed by ``make bench-prompts``; use it to rank and to find outputs worth a look, and label
    some of your own before it gates anything.

    Examples
    --------
    >>> item = {"context": "The ferry was built in 1962 and carries 300 people."}
    >>> scorer = faithfulness()
    >>> scorer("It was built in 1962.", item).value > scorer("It was built in 1975.", item).value
    True
    """

    def score(output: str, item: Mapping[str, Any]) -> Score:
        return grounded(output, "\n".join(texts_of(item, context)))

    return score


def grounded(claim: str, context: str) -> Score:
    """Return how far a claim is supported by a context; see `faithfulness`."""
    words = [(stem(each), _weight(each, place)) for place, each in enumerate(words_of(claim))]
    if not words:
        return unparsed("the output has no words")
    known = _read(context)
    total = sum(weight for _, weight in words)
    supported = sum(weight * _support(word, known) for word, weight in words)
    weights: defaultdict[str, float] = defaultdict(float)
    for word, weight in words:
        weights[word] += weight
    together = max(
        (sum(weights[word] for word in each if word in weights) for each in known.sentences),
        default=0.0,
    )
    value = (
        (supported / total)
        * math.exp(-PER_MISSING * (total - supported))
        * (SCATTERED + (1 - SCATTERED) * together / total)
    )
    if any(word in NEGATIONS for word, _ in words) and not known.words & NEGATIONS:
        value *= NEGATED
    missing = [weight for word, weight in words if not _support(word, known)]
    facts = missing.count(OF_FACTS)
    claims = facts + missing.count(1.0)
    note = f"{claims} of {len(words)} words unsupported, {facts} of them numbers or names"
    return Score(value, note=note)


def _weight(word: str, place: int) -> float:
    if word[0].isdigit() or (place and word[0].isupper() and word.casefold() not in FILLERS):
        return OF_FACTS
    return OF_FILLERS if word.casefold() in FILLERS | NEGATIONS else 1.0


def _support(word: str, known: _Context) -> float:
    if word in known.words:
        return 1.0
    is_related = word[0].isalpha() and word[:_PREFIX] in known.beginnings
    return OF_RELATED if is_related else 0.0


@lru_cache(maxsize=256)
def _read(context: str) -> _Context:
    """Take a context apart; many outputs are often held against the same one."""
    sentences = tuple(frozenset(map(stem, words_of(each))) for each in sentences_of(context))
    words = frozenset().union(*sentences)
    beginnings = frozenset(each[:_PREFIX] for each in words if len(each) >= _PREFIX)
    return _Context(words, beginnings, sentences)
