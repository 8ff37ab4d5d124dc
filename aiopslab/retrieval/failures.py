"""Failures: why an answer was not among the hits, and what would change that."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.retrieval.relevance import SHARE, judge
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.standing import standing
from aiopslab.retrieval.trial import Trial, whole_documents
from aiopslab.retrieval.truth import Truth

ABSENT, FILTERED, APART, NO_WORD, LOW = CAUSES = (
    "not in the corpus",
    "filtered",
    "cut apart",
    "shares no word",
    "ranked low",
)
"""Each answer has the first of them that is true of it."""

ADVICE = {
    ABSENT: "add the documents that answer, or say where the answers are",
    FILTERED: "drop the filter, or correct what the documents say of themselves",
    APART: "cut larger chunks, let them overlap, or cut at headings",
    NO_WORD: "search by meaning as well (hybrid)",
    LOW: "return more hits, or rerank them",
}
TOUCHED = 0.1  # of an answer, below which a hit only borders on it
QUOTED = 160  # characters of an answer that are shown
_ABOUT = ("text", "topic", "kind")
_ALONE = {"by_words": "by words", "by_meaning": "by meaning"}


def failures(retriever: Retriever, truth: Truth, trial: Trial) -> pd.DataFrame:
    """Tell why answers are not among the hits.

    Parameters
    ----------
    retriever
        Of the corpus that was searched.
    truth
        Questions and answers; of questions that the trial was not asked, only those without any
        answer count.
    trial
        What was found.

    Returns
    -------
    pandas.DataFrame
        One row an answer, in the order of the questions: ``question, text``, ``topic`` and ``kind``
        where questions have them, ``document, start, end, quote``, ``cause`` (see `CAUSES`) and
        ``detail``; ``rank``, at which a chunk stands that holds it, and ``by_words, by_meaning``,
        the same by either search alone, see `standing`, each missing where there is none; ``held``,
        the share of it in the chunk that holds the most; ``first``, the document that stood first.

    Notes
    -----
    An answer is cut apart where no chunk holds as much of it as `judge` asks for, or where a hit
    holds a part of it, a tenth at least, that is too small: the search came to the place, and the
    cut made the hit worth nothing. All chunks are ranked, for the questions with such answers only.

    Examples
    --------
    >>> from aiopslab.retrieval.configuration import Configuration
    >>> from aiopslab.retrieval.documents import Corpus
    >>> from aiopslab.retrieval.trial import run_trial
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["What do queues do?"]})
    >>> answers = pd.DataFrame({"question": ["q"], "document": "wings.md", "start": 0, "end": 11})
    >>> truth, retriever = Truth(questions, answers.assign(grade=1)), Retriever(corpus, {})
    >>> trial = run_trial(retriever, truth, Configuration(search="lexical"))
    >>> failures(retriever, truth, trial).loc[0, ["cause", "first"]].tolist()
    ['shares no word', 'queues.md']
    """
    rows = _missed(truth, trial)
    documents = retriever.corpus.documents.set_index("document")
    sizes = rows["document"].map(documents["text"].str.len())
    is_there = (rows["start"] < sizes).fillna(False).astype(bool)
    chunks = retriever.chunks(trial.configuration)
    among = retriever.among(trial.configuration)
    outside = np.zeros(len(chunks), dtype=bool) if among is None else ~among
    is_filtered = is_there & rows["document"].isin(chunks.loc[outside, "document"])

    held = _meetings(rows[is_there], chunks.assign(place=np.arange(len(chunks))), ["document"])
    enough = held[held["common"] >= SHARE * held["shorter"]]
    is_held = rows.index.isin(enough["answer"])
    ranks = _ranks(retriever, truth, trial, rows[is_held & ~is_filtered], enough)
    near = _meetings(rows[is_there], trial.hits, ["question", "document"])
    near = near[near["held"] >= TOUCHED].sort_values("held", ascending=False, kind="stable")
    near = near.drop_duplicates("answer").set_index("answer")
    first = trial.hits[trial.hits["rank"] == 1].set_index("question")["document"]
    rows = rows.join(ranks).assign(
        held=held.groupby("answer")["held"].max().reindex(rows.index),
        part=near["held"].reindex(rows.index),
        part_rank=near["rank"].reindex(rows.index),
        first=rows["question"].map(first),
    )
    is_wordless = (trial.configuration.search == "lexical") & rows["rank"].isna()
    is_apart = rows["part"].notna() | ~is_held
    rows["cause"] = LOW
    causes = zip(CAUSES, (~is_there, is_filtered, is_apart, is_wordless), strict=False)
    for cause, is_true in reversed([*causes]):
        rows.loc[is_true, "cause"] = cause
    where = trial.configuration.where
    records = rows.to_dict("records")
    rows["quote"] = [_quote(row, documents) for row in records]
    rows["detail"] = [_detail(row, documents, where) for row in records]
    asked = [each for each in _ABOUT if each in rows]
    answer = ["document", "start", "end", "quote", "cause", "detail", "rank", *_ALONE, "held"]
    return rows[["question", *asked, *answer, "first"]]


def summary(failed: pd.DataFrame) -> pd.DataFrame:
    """Count failures by cause, with what to change.

    Parameters
    ----------
    failed
        Of `failures`.

    Returns
    -------
    pandas.DataFrame
        One row a cause that there is, the most frequent first: ``cause, answers, share, questions,
        advice``. A question has several answers, and may be counted under several causes.
    """
    rows = []
    for cause in CAUSES:
        some = failed[failed["cause"] == cause]
        if len(some):
            share = len(some) / len(failed)
            questions = some["question"].nunique()
            rows.append((cause, len(some), share, questions, _advice(cause, some)))
    table = pd.DataFrame(rows, columns=["cause", "answers", "share", "questions", "advice"])
    return table.sort_values("answers", ascending=False, kind="stable", ignore_index=True)


def _missed(truth: Truth, trial: Trial) -> pd.DataFrame:
    """Return the answers that no hit holds, and the questions without any answer."""
    spans = ["question", "document", "start", "end"]
    answers = truth.answers[truth.answers["question"].isin(trial.scores.index)]
    answers = answers.drop_duplicates(spans).reset_index(drop=True)
    # Each answer is judged as if it were the only one of a question of its own.
    alone = answers.assign(asked=answers["question"], question=answers.index)
    hits = trial.hits.rename(columns={"question": "asked"}).merge(alone[["asked", "question"]])
    missed = ~np.any(judge(hits, alone).relevant, axis=1)
    without = ~truth.questions["question"].isin(truth.answers["question"])
    told = [answers.iloc[np.flatnonzero(missed)][spans], truth.questions[without][["question"]]]
    wanted = pd.concat(told, ignore_index=True)
    asked = truth.questions[["question", *(each for each in _ABOUT if each in truth.questions)]]
    return asked.merge(wanted, on="question").astype({"start": "Int64", "end": "Int64"})


def _meetings(rows: pd.DataFrame, spans: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the pairs of answer and span that have text in common, and how much."""
    answers = rows[["question", "document", "start", "end"]].rename_axis("answer").reset_index()
    pairs = answers.astype({"start": "int64", "end": "int64"}).merge(
        spans, on=keys, suffixes=("", "_of")
    )
    common = np.minimum(pairs["end"], pairs["end_of"])
    common -= np.maximum(pairs["start"], pairs["start_of"])
    length = pairs["end"] - pairs["start"]
    shorter = np.minimum(length, pairs["end_of"] - pairs["start_of"])
    return pairs.assign(common=common, shorter=shorter, held=common / length)[common > 0]


def _ranks(
    retriever: Retriever, truth: Truth, trial: Trial, rows: pd.DataFrame, enough: pd.DataFrame
) -> pd.DataFrame:
    """Return at which rank the best chunk stands that holds each answer."""
    chunks = retriever.chunks(trial.configuration)
    is_whole = whole_documents(truth, retriever.corpus.documents)
    items = pd.factorize(chunks["document"])[0] if is_whole else np.arange(len(chunks))
    holding = {answer: items[places] for answer, places in enough.groupby("answer")["place"]}
    by_question = [(str(text), some) for text, some in rows.groupby("text", sort=False)]
    told = standing(retriever, trial.configuration, [text for text, _ in by_question], items)
    found = {
        answer: {name: ranks[holding[answer]].min() for name, ranks in each.items()}
        for (_, some), each in zip(by_question, told, strict=True)
        for answer in some.index
    }
    table = pd.DataFrame.from_dict(found, orient="index", dtype=np.float64)
    return table.reindex(columns=["rank", *_ALONE]).replace(np.inf, np.nan).astype("Int64")


def _quote(row: Mapping[Any, Any], documents: pd.DataFrame) -> str:
    """Return how an answer begins, as far as there is one."""
    if row["document"] not in documents.index:
        return ""
    text = str(documents.at[row["document"], "text"])
    return text[row["start"] : min(row["end"], row["start"] + QUOTED)]


def _detail(row: Mapping[Any, Any], documents: pd.DataFrame, where: Mapping[str, Any]) -> str:
    """Say what is known of one failure."""
    document, cause = row["document"], row["cause"]
    if cause == ABSENT:
        if document in documents.index:
            return f"{document} ends before the answer begins"
        return "no answer is known" if pd.isna(document) else f"there is no document {document}"
    if cause == FILTERED:
        own = [f"{name} {documents[name][document]}" for name in where]
        return f"the document has {', '.join(own)}"
    if cause == APART:
        most = f"{0 if pd.isna(row['held']) else row['held']:.0%}"
        if pd.isna(row["part"]):
            return f"no chunk holds more than {most} of it"
        hit = f"hit {row['part_rank']:.0f} holds {row['part']:.0%} of it"
        return f"{hit}, and no chunk more than {most}"
    told = "there was no hit"
    if not pd.isna(row["first"]):
        other = "another passage of it" if row["first"] == document else str(row["first"])
        told = f"{other} stood first"
    ranks = [f"at rank {row[name]} {how}" for name, how in _ALONE.items() if not pd.isna(row[name])]
    return "; ".join([told, *ranks])


def _advice(cause: str, some: pd.DataFrame) -> str:
    """Say what to change, and how far that would go where it is known."""
    if cause != LOW:
        return ADVICE[cause]
    parts = [ADVICE[cause]]
    ranks = some["rank"].dropna().sort_values()
    if len(ranks):
        half = (len(some) + 1) // 2
        if half <= len(ranks):
            parts.append(f"{half} of {len(some)} stand among the first {ranks.iloc[half - 1]}")
    for name, how in _ALONE.items():
        nearer = int((some[name] < some["rank"]).sum())
        if nearer:
            parts.append(f"{nearer} of {len(some)} stand higher {how} alone")
    return "; ".join(parts)
