"""Explored: what was looked at by hand, as parameters of the report that runs it again."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import Truth
from aiopslab.retrieval.truth_kinds import TruthKind

EMBEDDER = "minilm"  # that the template has
LABELLED: TruthKind = "pooled"  # only what one of the configurations found was labelled
_ANSWER = ("document", "start", "end", "grade")


def space_between(a: Configuration, b: Configuration) -> dict[str, list[Any]]:
    """Return the space in which nothing but `b` is tried against `a`.

    Examples
    --------
    >>> space_between(Configuration(k=3), Configuration(search="hybrid", size=400, k=3))
    {'size': [400], 'search': ['hybrid']}
    """
    before, after = asdict(a), asdict(b)
    return {name: [value] for name, value in after.items() if value != before[name]}


def as_parameters(
    folder: Path,
    corpus: Corpus | str,
    a: Configuration,
    b: Configuration,
    truth: Truth | None = None,
    labels: Labels | None = None,
    questions: str | None = None,
) -> dict[str, Any]:
    """Write what the report needs, and return its parameters.

    Parameters
    ----------
    folder
        In which files that begin with ``explored-`` are written anew.
    corpus
        Itself, or its address.
    a, b
        The configurations; the first is the one in use.
    truth
        Questions, and where they are answered.
    labels
        Whose questions and answers are added to those of the truth.
    questions
        The address of the truth, which serves where nothing was labelled.

    Returns
    -------
    dict
        ``corpus, questions, current, space`` of the template ``rag_tuning``.

    Raises
    ------
    RetrievalError
        If no question has an answer, the configurations are the same one, or one of them needs an
        embedder that the template does not have.
    """
    if a == b:
        raise RetrievalError("A and B are the same configuration", "Turn a knob of one of them.")
    for each in (a, b):
        if each.embedder != EMBEDDER:
            raise RetrievalError(
                f"the report has no embedder {each.embedder!r}; it has {EMBEDDER}",
                "Run `retrieval.tune` in a notebook, with a retriever that has it.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "corpus": corpus if isinstance(corpus, str) else _written(corpus, folder),
        "questions": _questions(folder, truth, labels, questions),
        "current": str(a.save(folder / "explored-now.yaml")),
        "space": space_between(a, b),
    }


def merged(truth: Truth | None, labels: Labels | None) -> Iterator[dict[str, Any]]:
    """Yield questions of the truth and those that were labelled, with the answers of both.

    Yields
    ------
    dict
        As `truth.open_questions` reads them. A question that was labelled and is not of the truth
        has the kind ``pooled``.
    """
    answers = [] if truth is None else [truth.answers]
    rows = [] if truth is None else truth.questions.to_dict("records")
    if labels is not None:
        answers.append(labels.answers())
        asked = {each["question"] for each in rows}
        told = labels.table().drop_duplicates("question")[["question", "text"]].to_dict("records")
        rows += [{**each, "kind": LABELLED} for each in told if each["question"] not in asked]
    found = {
        question: given[list(_ANSWER)].to_dict("records")
        for question, given in (pd.concat(answers).groupby("question") if answers else ())
    }
    for row in rows:
        known = {str(name): value for name, value in row.items() if pd.notna(value)}
        yield {**known, "answers": found.get(row["question"], [])}


def _questions(
    folder: Path, truth: Truth | None, labels: Labels | None, address: str | None
) -> str:
    if address is not None and (labels is None or labels.table().empty):
        return address
    rows = list(merged(truth, labels))
    if not any(each["answers"] for each in rows):
        raise RetrievalError(
            "no question has an answer that is known", "Grade what answers with 1 or 2 first."
        )
    return _lines(rows, folder / "explored-questions.jsonl")


def _written(corpus: Corpus, folder: Path) -> str:
    texts = [{"document": document, "text": text} for document, text in corpus.texts]
    return _lines(texts, folder / "explored-corpus.jsonl")


def _lines(rows: list[dict[str, Any]], path: Path) -> str:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows), encoding="utf-8")
    return str(path)
