"""Synthesis: questions made from the passages of a corpus, where nobody has asked any yet.

Questions of a model are filtered as in Z. Dai et al., "Promptagator: few-shot dense retrieval from
8 examples", 2022, and B. Smith and A. Troynikov, "Evaluating chunking strategies for retrieval",
2024, who ask for the words that answer along with the question.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

import pandas as pd

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.answerability import fault, quotations, same_as, supported, telling
from aiopslab.retrieval.chunking.chunks import stripped
from aiopslab.retrieval.chunking.sentences import sentences
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.drafts import Draft, Synthesised, answers_of, assembled
from aiopslab.retrieval.drawing import draw, own_texts
from aiopslab.retrieval.lexical import words
from aiopslab.retrieval.messages import DATA, Ask, fenced, read_object, replies
from aiopslab.retrieval.passages import Quoted, Span
from aiopslab.retrieval.relevance import judge
from aiopslab.retrieval.sections import SEPARATOR

Search = Callable[[pd.DataFrame], pd.DataFrame]
"""From questions (``question, text``) to hits (``question, rank, document, start, end``)."""

DEPTH = 10  # hits of a search among which the passage of a question has to be
UNDER = 10  # words under a heading that can be an answer

GRAMMAR = """root ::= begin (" " [A-Za-z0-9-]+){3,16} "?"
begin ::= "What" | "How" | "When" | "Why" | "Who" | "Which" | "Where"
"""
"""Of questions in English, in the notation of llama.cpp: models too small for JSON write nothing
that is a question without it."""

_WRITE = """You write questions that test a search engine. Write one question that the passage \
answers, as somebody would ask it who needs the answer and has never seen the passage: clear on \
its own, in words of your own, in the language of the passage, and never speaking of "the passage" \
or "the text".

{data}

Reply with JSON and nothing else: {{"question": "the question", "quote": "the words of the passage \
that answer it, copied exactly"}}"""
_TASK = "Write one question that the passage answers, and quote the words that answer it."
_ASKED = re.compile(r"[^\n?？؟]*[?？؟]")
_LEAD = re.compile(r"^\W*(?:\d+[.)]\s+)?(?:question\W+)?", re.IGNORECASE)
_RULED = re.compile(r"\s*(=+|-+)\s*\n")


def synthesise(
    corpus: Corpus,
    ask: Ask,
    passages: int = 100,
    *,
    seed: int = 0,
    check: Ask | None = None,
    embedder: Embedder | None = None,
    search: Search | None = None,
) -> Synthesised:
    """Have a model write questions from passages, and keep those that can be put to a corpus.

    Parameters
    ----------
    corpus
        Whose passages are drawn, see `draw`.
    ask
        The model. It is asked for JSON with a question and the words that answer it; of an answer
        that is no JSON the first question in it is taken, and the whole passage as what answers.
    passages
        How many are drawn; each gives one question at most.
    seed
        Of the draws.
    check
        A model that finds the answer in the passage when it has the question; without one, the
        words that the first model copied have to be there, or the passage to be `supported`.
    embedder
        For support, and for questions that ask the same, in other words too.
    search
        Leaves out questions of which the passage is not among its first ten hits, which others
        answer as well or better. What is left is easier for this search than what was asked; take
        none of those that are to be compared.

    Returns
    -------
    Synthesised
        Of kind ``synthetic``. One that is asked of up to three passages has the answers of all.

    Raises
    ------
    RetrievalError
        If `passages` is below 1, no passage can be asked about, or the model does not give as many
        answers as it was asked for.
    """
    drawn, unfit = draw(corpus, passages, seed)
    titles = dict(zip(corpus.documents["document"], corpus.documents["title"], strict=True))
    columns = (drawn[each].tolist() for each in ("document", "start", "end", "text", "section"))
    made = [
        Draft("", document, start, end, text, section or titles[document])
        for document, start, end, text, section in zip(*columns, strict=True)
    ]
    system = _WRITE.format(data=DATA)
    asked = [
        fenced(system, {"headings": each.heads, "passage": each.passage}, _TASK) for each in made
    ]
    answers = replies(ask, asked)
    made = [_read(answer, each) for answer, each in zip(answers, made, strict=True)]
    made = _supported(made, embedder) if check is None else _checked(made, check)
    if search is not None:
        made = _found(made, search)
    firsts = same_as([each.text for each in made if each.reason is None], embedder)
    return assembled(corpus, made, firsts, unfit, "synthetic")


def from_headings(corpus: Corpus) -> Synthesised:
    r"""Take what stands over a text for a question that it answers; no model is asked.

    Headings with those above them (alone where they end in a question mark), and the first
    sentence of the docstring of Python. It is the weakest truth: a heading is near its text in
    words and in place, and few people ask like that.

    Parameters
    ----------
    corpus
        With sections. Pages of a PDF have no headings to take.

    Returns
    -------
    Synthesised
        Of kind ``headings``; the answer is what stands under the heading itself.

    Examples
    --------
    >>> under = "Somebody sends more than is read, day and night, for weeks."
    >>> text = f"# Queues\n## Why do queues fill up?\n{under}"
    >>> found = from_headings(Corpus.of_texts({"queues.md": text}))
    >>> found.questions["text"].tolist(), found.reasons
    (['Why do queues fill up?'], {'little text': 1})
    """
    made = []
    for document, text in corpus.texts:
        sections = corpus.sections_by_document.get(document, [])
        suffix = PurePosixPath(document).suffix
        if suffix == ".pdf":
            continue
        taken = _docstring if suffix == ".py" else _heading
        for start, end, path in own_texts(text, sections):
            if path is not None:
                asked, under = taken(text, start, end, path)
                low, high = stripped(text, under, end) or (under, under)
                reason = None
                if len(words(text[low:high])) < UNDER:
                    reason = "little text"
                elif len(telling(asked)) < 2:
                    reason = "says too little"
                made.append(Draft(asked, document, low, high, "", path, reason=reason))
    kept = pd.Series([each.text for each in made if each.reason is None], dtype="str")
    firsts = kept.index.to_series().groupby(kept).transform("min").tolist()
    return assembled(corpus, made, firsts, pd.DataFrame(), "headings")


def _heading(text: str, start: int, end: int, path: str) -> tuple[str, int]:
    """Return what a heading asks, and where the text under it begins."""
    *above, title = path.split(SEPARATOR)
    line = text.find("\n", start, end)
    ruled = _RULED.match(text, line + 1, end) if line >= 0 else None
    under = ruled.end() if ruled else (line + 1 if line >= 0 else end)
    return title if title.endswith("?") else ": ".join([*above[-1:], title]), under


def _docstring(text: str, start: int, end: int, path: str) -> tuple[str, int]:
    """Return the first sentence of a docstring, which stands under a signature, and its end."""
    docstring = text[start:end].partition("\n\n")[2]
    first = sentences(docstring)[0][1] if docstring else 0
    return " ".join(docstring[:first].split()), end - len(docstring) + first


def _read(answer: str, made: Draft) -> Draft:
    """Return the question in the answer of a model, with where the words that it quotes are."""
    told = read_object(answer)
    asked, quote = told.get("question"), told.get("quote")
    if not told and (found := _ASKED.search(answer)):
        asked = _LEAD.sub("", found[0], count=1)
    if not isinstance(asked, str) or not asked.strip():
        return made._replace(text=answer, reason="nothing to read in the answer")
    made = made._replace(text=" ".join(asked.split()))
    if reason := fault(made.text, made.passage):
        return made._replace(reason=reason)
    if not isinstance(quote, str) or not quote.strip():
        return made
    span = Quoted(made.passage).find(quote)
    return made._replace(answer=span, reason=None if span else "quote not in the passage")


def _supported(made: list[Draft], embedder: Embedder | None) -> list[Draft]:
    """Leave out what nothing was quoted for and the passage does not support."""
    unsure = [each for each in made if each.reason is None and each.answer is None]
    pairs = [(each.text, f"{each.heads}\n{each.passage}") for each in unsure]
    known = dict(zip((each.identity for each in unsure), supported(pairs, embedder), strict=True))
    return [
        each if known.get(each.identity, True) else each._replace(reason="not supported")
        for each in made
    ]


def _checked(made: list[Draft], check: Ask) -> list[Draft]:
    """Leave out what another look finds no answer to, or another one."""
    asked = [each for each in made if each.reason is None]
    found = iter(quotations(check, [(each.text, each.passage) for each in asked]))
    return [each if each.reason else _agreed(each, next(found)) for each in made]


def _agreed(made: Draft, found: Span | None) -> Draft:
    if found is None:
        return made._replace(reason="not answered, says the check")
    own = made.answer or found
    if min(own[1], found[1]) <= max(own[0], found[0]):
        return made._replace(reason="answered elsewhere, says the check")
    return made._replace(answer=own)


def _found(made: list[Draft], search: Search) -> list[Draft]:
    """Leave out what a search does not find the passage for."""
    asked = [each for each in made if each.reason is None]
    answers = answers_of([(each, each.identity) for each in asked])
    questions = answers[["question"]].assign(text=[each.text for each in asked])
    hits = search(questions)
    is_found = judge(hits, answers).scores(DEPTH)["hit_rate"].to_dict() if asked else {}
    return [
        each
        if each.reason or is_found[each.identity]
        else each._replace(reason="answered as well elsewhere, says the search")
        for each in made
    ]
