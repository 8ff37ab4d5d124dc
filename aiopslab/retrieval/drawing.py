"""Drawing: passages of a corpus to ask about, from all of its documents and sections."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.chunking.chunks import stripped
from aiopslab.retrieval.chunking.recursive import split
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.lexical import words
from aiopslab.retrieval.sections import Section, enclosing
from aiopslab.retrieval.tokens import Words, ruler

LONGEST = 200  # tokens of a passage
SHORTEST = 25  # words of prose in a passage that a question can be asked about
TOKENS = Words()  # the same passages are drawn whatever models there are
_CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^\s*\|.*$", re.MULTILINE)


def draw(corpus: Corpus, passages: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw passages: one of each document in turn, and in it one of each section in turn.

    A passage is the text of a section without those in it, cut up to 200 tokens where it is longer.

    Parameters
    ----------
    corpus
        To draw from.
    passages
        How many, as far as there are.
    seed
        Of the order.

    Returns
    -------
    tuple of DataFrame
        ``document, start, end, text, section`` of those drawn; and ``document, start, end, reason``
        of those that no question can be asked about: too short, mostly tables or code, or standing
        in several places.

    Raises
    ------
    RetrievalError
        If `passages` is below 1, or there is none to draw.
    """
    if passages < 1:
        raise RetrievalError(f"passages is {passages}; expected 1 or more", "Pass for example 100.")
    rows = [
        (document, start, end, text[start:end], path)
        for document, text in corpus.texts
        for start, end, path in _parts(text, corpus.sections_by_document.get(document, []))
    ]
    parts = pd.DataFrame(rows, columns=["document", "start", "end", "text", "section"])
    parts["reason"] = [_unfit(text) for text in parts["text"]]
    is_repeated = parts["text"].map(lambda each: " ".join(words(each))).duplicated(keep=False)
    parts.loc[is_repeated & parts["reason"].isna(), "reason"] = "stands in several places"
    fit = parts[parts["reason"].isna()].drop(columns="reason")
    if fit.empty:
        raise RetrievalError(
            f"none of {len(parts)} passages has {SHORTEST} words of prose to ask about",
            "Add documents with whole sentences, or write questions by hand.",
        )
    fit = fit.sample(frac=1, random_state=seed)
    for places in (["document", "section"], ["document"]):
        turn = fit.groupby(places, sort=False).cumcount()
        fit = fit.iloc[turn.argsort(kind="stable")]
    unfit = parts.loc[parts["reason"].notna(), ["document", "start", "end", "reason"]]
    return fit.head(passages).reset_index(drop=True), unfit.reset_index(drop=True)


def own_texts(text: str, sections: Sequence[Section]) -> Iterator[tuple[int, int, str | None]]:
    """Yield where the text of each section is, without those in it, and that before the first."""
    yield 0, min((each.start for each in sections), default=len(text)), None
    inner: dict[int, int] = {}
    for section, parent in zip(sections, enclosing(sections), strict=True):
        inner.setdefault(parent, section.start)
    for place, section in enumerate(sections):
        yield section.start, inner.get(place, section.end), section.path


def _parts(text: str, sections: Sequence[Section]) -> Iterator[tuple[int, int, str]]:
    measure = ruler(text, TOKENS)
    for start, end, path in own_texts(text, sections):
        if start < end:
            for span in split(text, start, end, measure, LONGEST):
                if visible := stripped(text, *span):
                    yield *visible, path or ""


def _unfit(text: str) -> str | None:
    """Tell why no question can be asked about a passage."""
    length, prose = (len(words(each)) for each in (text, _TABLE.sub("", _CODE.sub("", text))))
    if length < SHORTEST:
        return "too short to ask about"
    return "mostly table or code" if prose < SHORTEST or 2 * prose < length else None
