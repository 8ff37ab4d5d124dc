"""Retrieval: which configuration finds the passages that answer, proven on questions.

Importing this is cheap; pandas and the rest are loaded with what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.retrieval.analysis import RetrievalAnalysis, analyse
    from aiopslab.retrieval.answer_changes import changes_of_answers
    from aiopslab.retrieval.chroma import open_index, read_index
    from aiopslab.retrieval.configuration import Configuration, read_configuration
    from aiopslab.retrieval.documents import Corpus, open_corpus
    from aiopslab.retrieval.embedders import EndpointEmbedder
    from aiopslab.retrieval.embedding import default_embedders
    from aiopslab.retrieval.freshness import staleness
    from aiopslab.retrieval.health import check
    from aiopslab.retrieval.ingestion import ingest
    from aiopslab.retrieval.labels import Labels
    from aiopslab.retrieval.library import earlier_of
    from aiopslab.retrieval.loading import load
    from aiopslab.retrieval.looking import look_at
    from aiopslab.retrieval.pooling import pool, pooled_scores
    from aiopslab.retrieval.registry import read_version, register
    from aiopslab.retrieval.retriever import Retriever
    from aiopslab.retrieval.sweep import Sweep, tune
    from aiopslab.retrieval.synthesis import GRAMMAR, from_headings, synthesise
    from aiopslab.retrieval.tracking import log_trials
    from aiopslab.retrieval.trial import run_trial
    from aiopslab.retrieval.truth import Truth, open_questions
    from aiopslab.retrieval.truth_kinds import describe_truth
    from aiopslab.retrieval.update import follow_update

_HOMES = {
    "pooled_scores": "pooling",
    "pool": "pooling",
    "Labels": "labels",
    "EndpointEmbedder": "embedders",
    "earlier_of": "library",
    "default_embedders": "embedding",
    "GRAMMAR": "synthesis",
    "describe_truth": "truth_kinds",
    "look_at": "looking",
    "from_headings": "synthesis",
    "synthesise": "synthesis",
    "follow_update": "update",
    "Configuration": "configuration",
    "Corpus": "documents",
    "RetrievalAnalysis": "analysis",
    "Retriever": "retriever",
    "Sweep": "sweep",
    "Truth": "truth",
    "analyse": "analysis",
    "changes_of_answers": "answer_changes",
    "check": "health",
    "ingest": "ingestion",
    "load": "loading",
    "log_trials": "tracking",
    "open_corpus": "documents",
    "open_index": "chroma",
    "open_questions": "truth",
    "read_configuration": "configuration",
    "read_index": "chroma",
    "read_version": "registry",
    "register": "registry",
    "run_trial": "trial",
    "staleness": "freshness",
    "tune": "sweep",
}
__all__ = [
    "GRAMMAR",
    "Configuration",
    "Corpus",
    "EndpointEmbedder",
    "Labels",
    "RetrievalAnalysis",
    "Retriever",
    "Sweep",
    "Truth",
    "analyse",
    "changes_of_answers",
    "check",
    "default_embedders",
    "describe_truth",
    "earlier_of",
    "follow_update",
    "from_headings",
    "ingest",
    "load",
    "log_trials",
    "look_at",
    "open_corpus",
    "open_index",
    "open_questions",
    "pool",
    "pooled_scores",
    "read_configuration",
    "read_index",
    "read_version",
    "register",
    "run_trial",
    "staleness",
    "synthesise",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.retrieval.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
