"""Explorer: what each question found under two configurations, side by side."""

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.relevance import judge
from aiopslab.retrieval.sections import paths_at
from aiopslab.retrieval.trial import Trial
from aiopslab.retrieval.truth import Truth

SHOWN = 160  # characters of a hit
WINNERS = {-1: "one", 0: "same", 1: "other"}
_ABOUT = ("topic", "kind")
_FIRST = ("document", "section", "snippet")


def side_by_side(one: Trial, other: Trial, truth: Truth, corpus: Corpus) -> pd.DataFrame:
    """Put what two configurations found next to each other, question by question.

    Parameters
    ----------
    one, other
        Trials on the same questions.
    truth
        These questions and their answers, or more of them.
    corpus
        That was searched.

    Returns
    -------
    pandas.DataFrame
        ``question, text``, ``topic`` and ``kind`` where questions have them; of each trial
        ``rank_one`` and ``rank_other``, of the first hit that holds an answer (missing where none
        does), ``recall_*`` and the first hit, ``document_*, section_*, snippet_*`` (empty where
        there was none); and ``better``: ``one``, ``other`` or ``same``, by recall and then by rank.
        What the other loses comes first, the most of it at the top, and what it wins last.

    Raises
    ------
    RetrievalError
        If the trials are of different questions, or the truth lacks one.

    Examples
    --------
    >>> from aiopslab.retrieval.configuration import Configuration
    >>> from aiopslab.retrieval.retriever import Retriever
    >>> from aiopslab.retrieval.trial import run_trial
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["Do wings fill queues?"]})
    >>> answers = pd.DataFrame({"question": ["q"], "document": "wings.md", "start": 0, "end": 11})
    >>> truth, retriever = Truth(questions, answers.assign(grade=1)), Retriever(corpus, {})
    >>> one, other = (
    ...     run_trial(retriever, truth, Configuration(search="lexical", k=k)) for k in (2, 1)
    ... )
    >>> side_by_side(one, other, truth, corpus)["better"].tolist()
    ['one']
    """
    asked = one.scores.index
    if set(asked) != set(other.scores.index):
        raise RetrievalError(
            f"{one.name!r} was asked {len(asked)} questions and {other.name!r} "
            f"{len(other.scores)}, not all of them the same",
            "Run both trials with the same questions.",
        )
    if not asked.isin(truth.questions["question"]).all():
        raise RetrievalError(
            "the trials were asked questions that are not among these",
            "Pass the questions they were asked.",
        )
    own = ["question", "text", *(each for each in _ABOUT if each in truth.questions)]
    table = truth.questions.loc[truth.questions["question"].isin(asked), own].reset_index(drop=True)
    for name, trial in (("one", one), ("other", other)):
        about = _of_trial(trial, truth, corpus).reindex(table["question"]).reset_index(drop=True)
        table = table.join(about.add_suffix(f"_{name}"))
    gain = (table["recall_other"] - table["recall_one"]).to_numpy(np.float64).round(9)
    # A question without a hit is behind any rank.
    early = [1 / table[f"rank_{name}"].astype("float64") for name in ("one", "other")]
    sooner = (early[1].fillna(0) - early[0].fillna(0)).to_numpy(np.float64)
    sign = np.where(gain == 0, np.sign(sooner), np.sign(gain)).astype(int)
    first = [f"{part}_{name}" for name in ("one", "other") for part in _FIRST]
    table[first] = table[first].fillna("")
    table["better"] = [WINNERS[each] for each in sign]
    found = ["rank_one", "rank_other", "recall_one", "recall_other", "better"]
    order = np.lexsort((sooner, gain, sign))
    return table.iloc[order][[*own, *found, *first]].reset_index(drop=True)


def _of_trial(trial: Trial, truth: Truth, corpus: Corpus) -> pd.DataFrame:
    """Return rank, recall and the first hit of each question."""
    judged = judge(trial.hits, truth.answers)
    first = np.where(judged.relevant.any(axis=1), judged.relevant.argmax(axis=1) + 1, np.nan)
    hits = trial.hits[trial.hits["rank"] == 1].set_index("question")
    texts = dict(corpus.texts)
    sections = corpus.sections_by_document
    shown = [
        (
            document,
            *paths_at(sections.get(document, []), [start]),
            _snippet(texts[document], start, end),
        )
        for document, start, end in zip(hits["document"], hits["start"], hits["end"], strict=True)
    ]
    return pd.DataFrame(
        {
            "rank": pd.Series(first, judged.questions).reindex(trial.scores.index).astype("Int64"),
            "recall": trial.scores["recall"],
        }
    ).join(pd.DataFrame(shown, index=hits.index, columns=list(_FIRST)))


def _snippet(text: str, start: int, end: int) -> str:
    line = " ".join(text[start:end].split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1].rstrip()}…"
