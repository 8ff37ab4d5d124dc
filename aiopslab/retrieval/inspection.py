"""Inspection: one question under two configurations, hit by hit and stage by stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.relevance import SHARE, best_of_documents, judge
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.spans import span_scores, union
from aiopslab.retrieval.stages import Question, by_stage
from aiopslab.retrieval.trial import SPANS

if TYPE_CHECKING:
    import plotly.graph_objects as go

METRICS = ("recall", "precision", "mrr", "ndcg", *SPANS.values())
ANSWERS = ("document", "start", "end", "grade")
_ASKED = "asked"  # what the one question is called


@dataclass(frozen=True)
class Look:
    """What one configuration finds.

    Parameters
    ----------
    configuration
        Which.
    hits
        As of `stages.by_stage`; with ``other``, the rank under the other configuration of a hit
        that has enough in common, missing where there is none, and ``answers``, whether it holds an
        answer.
    stages
        Those that the configuration has: of ``lexical, dense, fused, reranked``.
    """

    configuration: Configuration
    hits: pd.DataFrame
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """One question, and what two configurations find.

    Parameters
    ----------
    question
        What was asked.
    a, b
        Under each of them.
    answers
        ``document, start, end, grade`` of what is known to answer; empty where nothing is.
    is_whole
        Whether answers are whole documents.
    """

    question: str
    a: Look
    b: Look
    answers: pd.DataFrame
    is_whole: bool = False

    def metrics(self) -> pd.DataFrame:
        """Return how good each is at this question.

        Returns
        -------
        pandas.DataFrame
            ``a, b, difference`` by metric: those of `relevance.judge` and `spans.span_scores`, if
            it is known what answers, and ``tokens``, that a model has to read.
        """
        both = pd.DataFrame({"a": self._scores(self.a), "b": self._scores(self.b)})
        return both.assign(difference=both["b"] - both["a"]).rename_axis("metric")

    def table(self) -> pd.DataFrame:
        """Return one row a hit of either, ``configuration, rank, document, section, …``."""
        shown = ["rank", "document", "section", "start", "end", "score", "other", "answers"]
        parts = {name: look.hits[shown] for name, look in (("a", self.a), ("b", self.b))}
        return pd.concat(parts, names=["configuration", None]).reset_index("configuration")

    def figure(self) -> "go.Figure":
        """Draw the scores of the hits, a panel a stage."""
        from aiopslab.retrieval.stage_scores import stage_scores

        return stage_scores({"A": self.a, "B": self.b})

    def _scores(self, look: Look) -> "pd.Series[float]":
        tokens = float(look.hits["tokens"].sum())
        if self.answers.empty:
            return pd.Series({"tokens": tokens})
        hits, answers = _of_one(look.hits), _of_one(self.answers)
        k = look.configuration.k
        ranked = best_of_documents(hits) if self.is_whole else hits
        scores = (
            judge(ranked, answers).scores(k).join(span_scores(hits, answers).rename(columns=SPANS))
        )
        known = scores.reindex(columns=list(METRICS)).fillna(0.0).to_dict("records")[0]
        return pd.Series({**known, "tokens": tokens})


def inspect(
    retriever: Retriever,
    question: Question,
    a: Configuration,
    b: Configuration,
    answers: pd.DataFrame | None = None,
    is_whole: bool = False,
) -> Inspection:
    """Put one question to two configurations, and look at each stage of either.

    Parameters
    ----------
    retriever
        Of the corpus.
    question
        What is asked; what was made for it before is not made again.
    a, b
        The configurations.
    answers
        ``document, start, end, grade`` of what is known to answer.
    is_whole
        Whether answers are whole documents, see `trial.whole_documents`.

    Returns
    -------
    Inspection

    Raises
    ------
    RetrievalError
        As `Retriever.rank` does.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings fill air."})
    >>> answers = pd.DataFrame({"document": ["wings.md"], "start": 0, "end": 15, "grade": 1})
    >>> one, two = Configuration(search="lexical", k=1), Configuration(search="lexical", k=2)
    >>> found = inspect(Retriever(corpus, {}), Question("what do queues fill?"), one, two, answers)
    >>> found.b.hits[["rank", "document", "other", "answers"]].values.tolist()
    [[1, 'queues.md', 1, False], [2, 'wings.md', <NA>, True]]
    >>> found.metrics().loc["recall"].tolist()
    [0.0, 1.0, 1.0]
    """
    known = _no_answers() if answers is None else answers[list(ANSWERS)].reset_index(drop=True)
    (first, of_a), (second, of_b) = (by_stage(retriever, question, each) for each in (a, b))
    return Inspection(
        question.text,
        Look(a, _judged(first.assign(other=counterparts(first, second)), known), of_a),
        Look(b, _judged(second.assign(other=counterparts(second, first)), known), of_b),
        known,
        is_whole,
    )


def counterparts(
    hits: pd.DataFrame, others: pd.DataFrame, share: float = SHARE
) -> "pd.Series[int]":
    """Return the rank at which another list has what each hit has found.

    Parameters
    ----------
    hits, others
        ``rank, document, start, end``.
    share
        Of the shorter of two hits that they must have in common to be the same find, however
        differently the two configurations cut the text.

    Returns
    -------
    pandas.Series
        The best such rank; missing where there is none.

    Examples
    --------
    >>> hits = pd.DataFrame({"rank": [1, 2], "document": ["a", "b"], "start": 0, "end": 90})
    >>> others = pd.DataFrame({"rank": [1, 2], "document": "b", "start": [200, 40], "end": 300})
    >>> counterparts(hits, others).tolist()
    [<NA>, 2]
    """
    starts, ends = (
        [table[name].to_numpy(np.int64) for table in (hits, others)] for name in ("start", "end")
    )
    low, high = np.maximum.outer(*starts), np.minimum.outer(*ends)
    shorter = np.minimum.outer(ends[0] - starts[0], ends[1] - starts[1])
    is_same = np.equal.outer(*(table["document"].to_numpy(object) for table in (hits, others)))
    is_same &= high - low >= np.maximum(share * shorter, 1)
    ranks = np.where(is_same, others["rank"].to_numpy(np.float64), np.inf)
    best = ranks.min(axis=1, initial=np.inf)
    return pd.Series(np.where(np.isinf(best), np.nan, best), hits.index).astype("Int64")


def answering_parts(hit: Mapping[Any, Any], answers: pd.DataFrame) -> list[tuple[int, int]]:
    """Return which parts of a hit answer.

    Parameters
    ----------
    hit
        ``document, start, end``.
    answers
        ``document, start, end``.

    Returns
    -------
    list of tuple of int
        From the start of the hit, half-open, rising, without overlap.

    Examples
    --------
    >>> answers = pd.DataFrame({"document": "a", "start": [0, 5, 95], "end": [9, 12, 99]})
    >>> answering_parts({"document": "a", "start": 4, "end": 90}, answers)
    [(0, 8)]
    """
    own = answers[answers["document"] == hit["document"]]
    starts = own["start"].to_numpy(np.intp).clip(hit["start"], hit["end"]) - hit["start"]
    ends = own["end"].to_numpy(np.intp).clip(hit["start"], hit["end"]) - hit["start"]
    inside = ends > starts
    parts = union(starts[inside], ends[inside])
    return list(zip(parts.starts.tolist(), parts.ends.tolist(), strict=True))


def _judged(hits: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Tell which hits hold an answer."""
    if answers.empty or hits.empty:
        return hits.assign(answers=False)
    return hits.assign(answers=judge(_of_one(hits), _of_one(answers)).relevant[0])


def _of_one(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(question=_ASKED)


def _no_answers() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="int64") for name in ANSWERS}).astype(
        {"document": "str"}
    )
