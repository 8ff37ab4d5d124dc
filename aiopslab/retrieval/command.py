"""The command group ``aiopslab retrieval``: what is found, what may replace it, what is stale."""

import json
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from aiopslab.retrieval.arguments import configuration_of, configured, retriever_of
from aiopslab.retrieval.gate_command import gate
from aiopslab.retrieval.index_command import health, ingest, register, stale
from aiopslab.terminal import Group, aligned, indented
from aiopslab.wording import plain

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.retrieval.drafts import Synthesised

CHANGED, NOTHING_MADE = 3, 4
WIDTH = 100
SEARCH_CODES = """\b
Exit codes
  0  shown, whether anything is found or not
  2  a wrong command, or a corpus or a configuration that cannot be used
"""
UPDATE_CODES = """\b
Exit codes
  0  every answer holds
  2  a wrong command, or corpora, questions or a configuration that cannot be used
  3  questions have another best answer now
"""
QUESTIONS_CODES = """\b
Exit codes
  0  written
  2  a wrong command, or a corpus that cannot be used
  4  no heading has enough under it to be asked
"""


class _Noting(Group):
    """A group whose commands say in a line what could not be used as it is."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with warnings.catch_warnings():
            warnings.showwarning = _beware
            return super().invoke(ctx)


def _beware(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Say a warning without where in our code it comes from."""
    click.echo(f"Beware: {plain(str(message))}", err=True)


@click.group(cls=_Noting)
def retrieval() -> None:
    """Search a corpus, let a better configuration pass, and keep an index as its sources are.

    \b
    Which configuration
      aiopslab retrieval questions docs/ -o questions.jsonl     a start, where nobody has asked
      aiopslab run rag_tuning                                   the best one, as a report
      aiopslab retrieval search retrieval.yaml docs/ "max payload?"
      aiopslab retrieval gate docs/ questions.jsonl --baseline now.yaml --candidate new.yaml

    \b
    An index
      aiopslab retrieval ingest docs/ indexes/docs              embed what is new
      aiopslab retrieval register indexes/docs --name docs      a version in MLflow
      aiopslab retrieval stale docs/ indexes/docs               is it as its sources are?
      aiopslab retrieval health indexes/docs                    is every vector there?
      aiopslab retrieval update old/ docs/ questions.jsonl      which answers have changed

    \b
    A corpus is a folder, file, archive or fsspec URL of Markdown, HTML, text, PDF,
    notebooks and Python, a table with document and text, or embedded:handbook.
    Questions are a table with text and answers, or embedded:questions. An index is
    a folder of Chroma, chroma+http://host:port/collection, or in MLflow's registry
    indexes:/NAME@ALIAS or indexes:/NAME/VERSION.
    """  # noqa: D301 - click reads \b as the start of a verbatim block


for each in (gate, ingest, register, health, stale):
    retrieval.add_command(each)


@retrieval.command(epilog=SEARCH_CODES)
@click.argument("config")
@click.argument("corpus")
@click.argument("question")
@click.option(
    "-k", type=click.IntRange(1, 1000), help="Hits; as in the configuration if not given."
)
def search(config: str, corpus: str, question: str, k: int | None) -> None:
    """Show what QUESTION finds in CORPUS.

    CONFIG is the YAML file of a configuration, - for one on standard input, or default.

    \b
    Examples
      aiopslab retrieval search default embedded:handbook "max payload of a call?"
      aiopslab retrieval search retrieval.yaml docs/ "max payload of a call?" -k 3
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.documents import open_corpus

    used = configuration_of(config)
    with retriever_of(open_corpus(corpus)) as retriever:
        hits = retriever.search(question, used, k)
    for line in _hits(hits):
        click.echo(line)
    if hits.empty:
        click.echo("nothing is found")


def _hits(hits: "pd.DataFrame") -> Iterator[str]:
    for hit in hits.to_dict("records"):
        place = " > ".join(filter(None, [hit["document"], hit["section"]]))
        yield f"{hit['rank']:>2}  {hit['score']:.3f}  {click.style(plain(place), bold=True)}"
        yield f"    {plain(textwrap.shorten(hit['text'], WIDTH, placeholder=' …'))}"


@retrieval.command(epilog=UPDATE_CODES)
@click.argument("before")
@click.argument("after")
@click.argument("questions")
@configured
def update(before: str, after: str, questions: str, config: str) -> None:
    """Tell what changed from the corpus BEFORE to AFTER, and which answers with it.

    QUESTIONS have their answers in BEFORE. What has to be embedded anew depends on how documents
    are cut, and so on the configuration.

    \b
    Examples
      aiopslab retrieval update docs-june/ docs/ questions.jsonl --config retrieval.yaml
      aiopslab retrieval update embedded:handbook_earlier embedded:handbook
        embedded:questions_earlier
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.truth import open_questions
    from aiopslab.retrieval.update import follow_update

    used = configuration_of(config)
    earlier, later = open_corpus(before), open_corpus(after)
    truth = open_questions(questions, earlier)
    found = follow_update(earlier, later, truth.answers, used)
    click.secho(found.note(), bold=True)
    for line in aligned(found.table()):
        click.echo(line)
    stale = found.answers.table().query("question in @found.answers.stale")
    if stale.empty:
        return
    texts = truth.questions.set_index("question")["text"]
    told = stale[["question", "state", "document"]].assign(text=stale["question"].map(texts))
    click.echo()
    for line in aligned(told):
        click.echo(line)
    raise SystemExit(CHANGED)


@retrieval.command(epilog=QUESTIONS_CODES)
@click.argument("corpus")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON lines.")
def questions(corpus: str, output: Path) -> None:
    """Make questions of the headings of CORPUS, each answered by what stands under it.

    No model is asked. It is the weakest truth, since a heading is near its text in words and few
    people ask like that; `aiopslab.retrieval.synthesise` has a model ask, and what is labelled by
    hand is best. A line is {"question": ..., "text": ..., "answers": [...]}.

    \b
    Example
      aiopslab retrieval questions docs/ -o questions.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.errors import RetrievalError
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.synthesis import from_headings

    made = from_headings(open_corpus(corpus))
    if len(made.questions):
        try:
            output.write_text("".join(_rows(made)), encoding="utf-8")
        except OSError as error:
            raise RetrievalError(
                f"{str(output)!r} cannot be written: {error.strerror}", "Name a file."
            ) from None
    click.secho(f"{plain(str(output))}: {len(made.questions):,} questions", bold=True)
    told = [f"{count:,} left out: {reason}" for reason, count in made.reasons.items()]
    for line in indented(told):
        click.echo(line)
    if made.questions.empty:
        raise SystemExit(NOTHING_MADE)


def _rows(made: "Synthesised") -> Iterator[str]:
    """Yield the lines that `truth.open_questions` reads."""
    columns = ["document", "start", "end", "grade"]
    groups = made.answers.groupby("question", sort=False)
    found = {question: given[columns].to_dict("records") for question, given in groups}
    for asked in made.questions.to_dict("records"):
        yield json.dumps({**asked, "answers": found[asked["question"]]}, ensure_ascii=False) + "\n"
