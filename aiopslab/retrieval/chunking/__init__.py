"""Chunking: how documents are cut into the parts that are searched, one module a strategy."""

from aiopslab.retrieval.chunking.chunks import Strategy, identity
from aiopslab.retrieval.chunking.fixed import Fixed
from aiopslab.retrieval.chunking.headings import Headings
from aiopslab.retrieval.chunking.recursive import Recursive
from aiopslab.retrieval.chunking.semantic import Semantic
from aiopslab.retrieval.chunking.sentence import Sentence

__all__ = [
    "STRATEGIES",
    "Fixed",
    "Headings",
    "Recursive",
    "Semantic",
    "Sentence",
    "Strategy",
    "identity",
]

STRATEGIES = {
    "fixed": Fixed,
    "recursive": Recursive,
    "sentence": Sentence,
    "headings": Headings,
    "semantic": Semantic,
}
"""The strategies by the names that they have in a configuration."""
