"""The commands ``aiopslab retrieval ingest``, ``register``, ``health`` and ``stale``."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.arguments import configuration_of, configured, tracking
from aiopslab.terminal import aligned, indented, shown
from aiopslab.wording import plain

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.findings import Verdict
    from aiopslab.models.embedder import Counts, Embedder

REGISTER_CODES = """\b
Exit codes
  0  registered, or the latest version is the same
  2  a wrong command, an index that cannot be used, or a server that refuses
"""
COLOURS = {"ok": "green", "watch": "yellow", "act": "red"}
BROKEN, WATCH, STALE = 3, 4, 3
HEALTH = {"ok": 0, "act": BROKEN, "watch": WATCH}
SHOWN = 40  # stale documents
INGEST_CODES = """\b
Exit codes
  0  the index is as the corpus is
  2  a wrong command, or a corpus, a configuration or an index that cannot be used
"""
HEALTH_CODES = """\b
Exit codes
  0  every vector can be read and is its own
  2  a wrong command, or an index that cannot be opened
  3  something is broken: act
  4  something is worth a look
"""
STALE_CODES = """\b
Exit codes
  0  every document is in the index as its source is
  2  a wrong command, or a corpus or an index that cannot be opened
  3  documents are stale
"""

_corpus = click.argument("corpus")
_index = click.argument("index")


@click.command(epilog=INGEST_CODES)
@_corpus
@_index
@configured
def ingest(corpus: str, index: str, config: str) -> None:
    """Bring INDEX to CORPUS: embed what is new, keep what is there, remove what is gone.

    INDEX is a folder of Chroma, with #collection where it holds several, or
    chroma+http://host:port/collection. A folder has one writer at a time. A run that was killed
    leaves nothing to undo: the next one does the rest.

    \b
    Examples
      aiopslab retrieval ingest docs/ indexes/docs
      aiopslab retrieval ingest docs/ chroma+http://localhost:8000/docs --config retrieval.yaml
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.chroma import open_index
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.ingestion import ingest as bring
    from aiopslab.retrieval.retriever import Retriever

    used = configuration_of(config)
    if used.pooling != "direct":
        raise RetrievalError(
            "the configuration pools vectors late; an index takes those of chunks alone",
            "Take pooling: direct.",
        )
    library = open_corpus(corpus)
    retriever = Retriever(library)
    chunks = retriever.chunks(used)
    embedder = _Counting(retriever.embedder(used))
    name = used.name.partition(", ")[0]
    report_at = shown() if sys.stderr.isatty() else nullcontext()
    with open_index(index, embedder) as opened, report_at as report:
        told = bring(opened, library.documents, chunks, name, report=report)
    tokens = "" if told.tokens is None else f"; {told.tokens:,} tokens"
    click.echo(f"{plain(index)}: {told}{tokens}")


@click.command(epilog=REGISTER_CODES)
@_index
@click.option("--name", required=True, help="In the registry.")
@configured
@click.option("--alias", help="Point this alias at the version, such as staging.")
@click.option("--message", default="", help="Why it was made.")
@tracking
def register(
    index: str, name: str, config: str, alias: str | None, message: str, tracking_uri: str | None
) -> None:
    """Register INDEX, as it was ingested, as a version in MLflow's registry.

    Prints its address, indexes:/NAME/VERSION. Where the latest version has the same collection,
    documents and configuration, that is the one: nothing is registered twice. What is in use stays
    as it is while the next version is ingested into a collection of its own.

    \b
    Examples
      aiopslab retrieval register indexes/docs --name docs --config retrieval.yaml
      aiopslab retrieval register chroma+http://localhost:8000/docs-2 --name docs
        --config retrieval.yaml --alias staging --message "Cut by headings."
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.aliases import promote
    from aiopslab.retrieval.registry import SCHEME
    from aiopslab.retrieval.registry import register as registered

    used = configuration_of(config, tracking_uri)
    number = registered(index, name, used, tracking_uri, message)
    click.echo(f"{SCHEME}{name}/{number}")
    if alias:
        click.echo(f"  {promote(name, alias, number, tracking_uri)}")


@click.command(epilog=HEALTH_CODES)
@_index
def health(index: str) -> None:
    """Read every vector of INDEX, and check that it is its own and is found.

    INDEX is a folder of Chroma, with #collection where it holds several, or
    chroma+http://host:port/collection. Counts and searches look right where vectors are lost; this
    does not. Of a folder a copy is read, so that its writer goes on.

    \b
    Example
      aiopslab retrieval health indexes/docs
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.chroma import read_index
    from aiopslab.retrieval.health import check

    with read_index(index) as opened:
        found = check(opened)
    table = found.table()
    table["share"] = table["share"].map("{:.1%}".format)
    verdict = found.verdict()
    _show(verdict, table)
    raise SystemExit(HEALTH[verdict.level])


@click.command(epilog=STALE_CODES)
@_corpus
@_index
def stale(corpus: str, index: str) -> None:
    """Tell which documents of CORPUS are not in INDEX as they are now.

    INDEX is a folder of Chroma, with #collection where it holds several, or
    chroma+http://host:port/collection. Contents are compared, not times.

    \b
    Example
      aiopslab retrieval stale docs/ indexes/docs
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.chroma import read_index
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.freshness import CURRENT, staleness

    library = open_corpus(corpus)
    with read_index(index) as opened:
        found = staleness(library.documents, opened.manifest())
    table = found.table()
    table = table[table["state"] != CURRENT]
    told = table[["document", "state", "chunks"]].assign(
        days=table["stale_days"].map(lambda days: "" if days != days else f"{days:,.1f}"),  # noqa: PLR0124
    )
    _show(found.verdict(), told.head(SHOWN))
    if len(told) > SHOWN:
        click.echo(f"and {len(told) - SHOWN:,} more")
    raise SystemExit(STALE if len(told) else 0)


def _show(verdict: "Verdict", table: "pd.DataFrame") -> None:
    for line in _lines(verdict, table):
        click.echo(line)


def _lines(verdict: "Verdict", table: "pd.DataFrame") -> Iterator[str]:
    """Yield the verdict, what was found and what to do, and a table."""
    yield click.style(plain(verdict.headline), bold=True, fg=COLOURS[verdict.level])
    claims = [each.claim for each in verdict.findings if each.claim != verdict.headline]
    yield from indented(claims)
    yield from indented([f"→ {each}" for each in verdict.actions])
    if len(table):
        yield ""
        yield from aligned(table)


@dataclass(frozen=True)
class _Counting:
    """An embedder that keeps its vectors, and counts tokens where what it keeps them of does."""

    embedder: "Embedder"

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def dimensions(self) -> int:
        return self.embedder.dimensions

    def embed(self, texts: list[str]) -> Any:
        return self.embedder.embed(texts)

    def count_tokens(self, texts: Sequence[str]) -> "Counts":
        from aiopslab.retrieval.embedding import itself

        counts: Counts = itself(self.embedder).count_tokens(texts)
        return counts
