"""Arguments: what commands of retrieval take, and a retriever that shows how far it is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from aiopslab.terminal import shown

if TYPE_CHECKING:
    from aiopslab.retrieval.configuration import Configuration
    from aiopslab.retrieval.documents import Corpus
    from aiopslab.retrieval.retriever import Retriever

DEFAULT, STANDARD_INPUT = "default", "-"

configured = click.option(
    "--config",
    default=DEFAULT,
    show_default=True,
    help="YAML file of a configuration, or - for one on standard input.",
)


tracking = click.option(
    "--tracking-uri", help="Of the MLflow server; MLFLOW_TRACKING_URI if not given."
)


@dataclass(frozen=True)
class Embedded:
    """How many texts have a vector.

    Examples
    --------
    >>> print(Embedded(1000, 12))
    12 of 1,000 texts embedded
    """

    total: int
    done: int

    def __str__(self) -> str:
        return f"{self.done:,} of {self.total:,} texts embedded"


def configuration_of(told: str, tracking_uri: str | None = None) -> "Configuration":
    """Return the configuration that an argument names, or that of a version of an index.

    Examples
    --------
    >>> configuration_of("default").name
    'recursive 200/0, dense, top 5'
    """
    from aiopslab.retrieval.configuration import Configuration, read_configuration

    if told == DEFAULT:
        return Configuration()
    if told.startswith("indexes:/"):
        from aiopslab.retrieval.registry import read_version

        return read_version(told, tracking_uri).configuration
    return read_configuration("/dev/stdin" if told == STANDARD_INPUT else told)


@contextmanager
def retriever_of(corpus: "Corpus") -> Iterator["Retriever"]:
    """Give a retriever that shows at a terminal how far it is with embedding."""
    from aiopslab.retrieval.retriever import Retriever

    with shown() if sys.stderr.isatty() else nullcontext() as report:
        if report is None:
            yield Retriever(corpus)
        else:
            yield Retriever(corpus, progress=lambda done, total: report(Embedded(total, done)))
