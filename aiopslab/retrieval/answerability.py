"""Answerability: whether a question can be put to a corpus, and whether a passage answers it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.lexical import stems, words
from aiopslab.retrieval.messages import DATA, Ask, fenced, read_object, replies
from aiopslab.retrieval.passages import Quoted, Span

SHORTEST, LONGEST = 4, 40  # words of a question
COPIED = 5  # words in a row that a question may take from its passage,
COPIED_SHARE = 2 / 3  # or this share of its own, since names can be long
# Of written questions with answers, and with passages drawn at random: .76 and .02 have a third of
# their words in them (of those written in other words on purpose .33 and .02), .97 and .06 the
# cosine (.70 and .10). No two that ask different things came above .89.
SUPPORT = 1 / 3  # of the telling words of a question
SUPPORT_NEAR = 0.3  # cosine of a question and a passage that supports it
ALIKE = 0.8  # of the telling words of two questions that ask the same
NEAR = 0.92  # cosine of two questions that ask the same
FOREIGN = 2  # function words of another language, beside twice as many of the passage's own
KNOWN = 3  # function words of a language by which a passage is taken to be in it

_CHECK = """Does the passage answer the question, by itself and without anything else you know?

{data}

Reply with JSON and nothing else: {{"quote": "the words of the passage that answer, copied \
exactly"}}, or {{"quote": null}} where it does not."""
_SOURCE = re.compile(
    r"\b(?:this|given|above|following|provided|preceding|previous) "
    r"(?:section|passage|text|paragraph|document|page|article|excerpt|chapter|snippet|context)\b"
    r"|\b(?:the|this) (?:passage|paragraph|excerpt|snippet|author|writer)\b"
    r"|\b(?:in|from|by|to) (?:the|this) (?:text|section|article|chapter|quote)\b"
    r"|\b(?:answer|reply) to (?:the|this) question\b"
    r"|\baccording to (?:the|this) (?:document|page)\b"
    r"|\b(?:mentioned|described|discussed|shown|listed|stated|given) (?:above|below|here)\b"
    r"|^(?:what|how|why|when|where|who) (?:is|are|does|do|did|was|were|can|should) "
    r"(?:this|these|those|they|he|she)\b",
    re.IGNORECASE,
)


def quotations(ask: Ask, pairs: Sequence[tuple[str, str]]) -> list[Span | None]:
    """Ask a model for the words of each passage that answer its question.

    Parameters
    ----------
    ask
        The model; another than the one that wrote the questions is the harder check.
    pairs
        Question and passage.

    Returns
    -------
    list
        Where the words stand in the passage; ``None`` where the model says that there are none, or
        what it says is not there or cannot be read.

    Examples
    --------
    >>> def ask(asked):
    ...     return ['{"quote": "on Tuesday"}'] * len(asked)
    >>> quotations(ask, [("When is the handover?", "It is on Tuesday.")])
    [(6, 16)]
    """
    system = _CHECK.format(data=DATA)
    task = "Copy the words of the passage that answer the question."
    asked = [fenced(system, {"question": one, "passage": other}, task) for one, other in pairs]
    told = (read_object(each).get("quote") for each in replies(ask, asked))
    return [
        Quoted(passage).find(quote) if isinstance(quote, str) else None
        for quote, (_, passage) in zip(told, pairs, strict=True)
    ]


def fault(question: str, passage: str) -> str | None:
    """Tell why a question is none to put to a corpus without showing the passage.

    Parameters
    ----------
    question
        On its own.
    passage
        That it was made from.

    Returns
    -------
    str or None
        The first that is wrong with it.

    Examples
    --------
    >>> passage = "The handover is on Tuesday at 10:00 UTC, in a call of 15 minutes."
    >>> fault("When does the phone pass on to the next one?", passage)
    >>> fault("What does this section say of it?", passage)
    'speaks of its source'
    >>> fault("Is the handover on Tuesday at 10:00 UTC, in a call?", passage)
    'copied from the passage'
    >>> fault("Wann ist die Übergabe an den nächsten?", passage)
    'in another language'
    """
    length = len(words(question))
    if not question.rstrip().endswith(("?", "？", "؟")) or question.count("?") > 1:
        return "no question"
    if not SHORTEST <= length <= LONGEST:
        return "too short or too long"
    if _SOURCE.search(question):
        return "speaks of its source"
    if is_foreign(question, passage):
        return "in another language"
    run = longest_run(words(question), words(passage))
    if run > COPIED and run > COPIED_SHARE * length:
        return "copied from the passage"
    return None


def longest_run(words_of_one: Sequence[str], words_of_other: Sequence[str]) -> int:
    """Return how many words in a row two texts have in common at most.

    Examples
    --------
    >>> longest_run("is it on tuesday at ten".split(), "it is on tuesday at noon".split())
    3
    """
    best = 0
    lengths: dict[int, int] = {}  # of the run that ends at each place of the other
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words_of_other):
        places.setdefault(word, []).append(place)
    for word in words_of_one:
        lengths = {place: lengths.get(place - 1, 0) + 1 for place in places.get(word, ())}
        best = max(best, *lengths.values()) if lengths else best
    return best


def telling(text: str) -> frozenset[str]:
    """Return the stems of the words of a text but for the function words of English.

    Examples
    --------
    >>> sorted(telling("How are the queues drained?"))
    ['drain', 'queue']
    """
    own = frozenset(words(text)) - _function_words()["english"]
    return frozenset(stems(sorted(own)))


def supported(pairs: Sequence[tuple[str, str]], embedder: Embedder | None = None) -> list[bool]:
    """Tell which texts have enough to do with their questions for answering them.

    It is what can be said without asking a model. By words alone it is wrong about many questions
    in other words than the answer.

    Parameters
    ----------
    pairs
        Question and text.
    embedder
        Whose unit vectors count too, where there is one.

    Examples
    --------
    >>> text = "The handover is on Tuesday."
    >>> supported([("When is handover day?", text), ("Who pays the nodes?", text)])
    [True, False]
    """
    near = np.zeros(len(pairs), dtype=bool)
    if embedder is not None and pairs:
        asked, told = (np.asarray(embedder.embed(list(each))) for each in zip(*pairs, strict=True))
        near = (asked * told).sum(axis=1) >= SUPPORT_NEAR
    wanted = [(telling(question), telling(text)) for question, text in pairs]
    return [
        bool(is_near) or (bool(own) and len(own & others) >= SUPPORT * len(own))
        for is_near, (own, others) in zip(near, wanted, strict=True)
    ]


def same_as(questions: Sequence[str], embedder: Embedder | None = None) -> list[int]:
    """Return for each question the place of the first that asks the same, its own where none does.

    Parameters
    ----------
    questions
        Their texts.
    embedder
        Finds what is the same in other words too; without one, words are compared.

    Examples
    --------
    >>> same_as(["Who drains the queues?", "Why is it slow?", "Who is it that drains a queue?"])
    [0, 1, 0]
    """
    sets = [telling(each) or frozenset(words(each)) for each in questions]
    vectors = None if embedder is None else np.asarray(embedder.embed(list(questions)))
    firsts: list[int] = []
    for place, own in enumerate(sets):
        seen = sorted(set(firsts))
        near: npt.NDArray[np.bool_] = np.zeros(len(seen), dtype=bool)
        if vectors is not None and seen:
            near = vectors[seen] @ vectors[place] >= NEAR
        same = (
            first
            for first, is_near in zip(seen, near.tolist(), strict=True)
            if is_near or len(own & sets[first]) >= ALIKE * len(own | sets[first])
        )
        firsts.append(next(same, place))
    return firsts


def is_foreign(question: str, passage: str) -> bool:
    """Tell whether a question is in another script or language than its passage.

    Languages are told apart by their function words, where those say it clearly.
    """
    scripts = _script(question), _script(passage)
    if None not in scripts and scripts[0] != scripts[1]:
        return True
    own = _function_counts(passage).most_common(1)
    counts = _function_counts(question)
    if not own or not counts or own[0][1] < KNOWN:
        return False
    language, most = own[0][0], counts.most_common(1)[0][1]
    return most >= FOREIGN + 2 * counts[language]


def _script(text: str) -> str | None:
    names = (unicodedata.name(each, "").split(" ")[0] for each in text if each.isalpha())
    most = Counter("CJK" if name in {"HIRAGANA", "KATAKANA"} else name for name in names)
    return most.most_common(1)[0][0] if most else None


def _function_counts(text: str) -> Counter[str]:
    own = re.findall(r"\w+", text.casefold())
    told = {name: sum(each in known for each in own) for name, known in _function_words().items()}
    return Counter({name: count for name, count in told.items() if count})


@cache
def _function_words() -> dict[str, frozenset[str]]:
    from bm25s import stopwords

    names = "danish dutch french german italian norwegian portuguese spanish swedish turkish"
    lists = {name: getattr(stopwords, f"STOPWORDS_{name.upper()}") for name in names.split()}
    lists["english"] = stopwords.STOPWORDS_EN_PLUS
    return {name: frozenset(each) for name, each in lists.items()}
