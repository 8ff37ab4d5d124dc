"""The command ``aiopslab retrieval gate``: whether a configuration may replace the one in use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aiopslab.retrieval.arguments import configuration_of, retriever_of
from aiopslab.terminal import aligned, indented, plain

if TYPE_CHECKING:
    from aiopslab.retrieval.gate import Gate

TOKENS = "tokens"
CODES = {"passed": 0, "failed": 3, "not enough data": 4}
COLOURS = {"passed": "green", "failed": "red", "not enough data": "yellow"}
EXIT_CODES = """\b
Exit codes
  0  use the candidate: it is better, or not worse by the margin, and keeps every bound
  2  a wrong command, or a corpus, questions or configurations that cannot be used
  3  the candidate is worse, or surely breaks a bound
  4  not enough questions to tell
"""


def _floors(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, float]]:
    """Read ``recall=0.8``."""
    told = []
    for value in values:
        score, _, least = value.partition("=")
        if score == TOKENS:
            raise click.BadParameter("fewer tokens are better; give --max-tokens")
        try:
            told.append((score, float(least)))
        except ValueError:
            raise click.BadParameter(f"{value!r}; expected e.g. recall=0.8") from None
    return told


@click.command(epilog=EXIT_CODES)
@click.argument("corpus")
@click.argument("questions")
@click.option("--candidate", required=True, help="YAML file of a configuration, or default.")
@click.option("--baseline", help="The one in use, likewise; without it the bounds alone decide.")
@click.option("--qrels", help="Table query-id, corpus-id, score, where answers are documents.")
@click.option(
    "--metric",
    default="ndcg",
    show_default=True,
    help="That is compared: recall, precision, hit_rate, mrr, map, ndcg, span_recall, "
    "span_precision or span_iou.",
)
@click.option(
    "--margin",
    type=float,
    default=0.02,
    show_default=True,
    help="Largest loss of the metric that does not matter.",
)
@click.option(
    "--floor",
    "floors",
    callback=_floors,
    multiple=True,
    metavar="SCORE=LEAST",
    help="What the candidate has to reach, e.g. recall=0.8; may be repeated.",
)
@click.option("--max-tokens", type=float, help="That the hits of a question may have on average.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.95,
    show_default=True,
    help="Of the intervals.",
)
def gate(
    corpus: str,
    questions: str,
    candidate: str,
    baseline: str | None,
    qrels: str | None,
    metric: str,
    margin: float,
    floors: list[tuple[str, float]],
    max_tokens: float | None,
    confidence: float,
) -> None:
    """Put QUESTIONS on CORPUS to a candidate and to the configuration in use, and decide.

    The two are compared question by question. A bound is kept where the whole interval of the mean
    is on the right side of it, and broken where all of it is on the other.

    \b
    Examples
      aiopslab retrieval gate docs/ questions.jsonl --baseline now.yaml --candidate new.yaml
      aiopslab retrieval gate docs/ questions.jsonl --candidate new.yaml --floor recall=0.8
        --floor ndcg=0.6 --max-tokens 1000
      aiopslab retrieval gate embedded:handbook embedded:questions --baseline default
        --candidate new.yaml --metric span_recall --margin 0.03
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.gate import Bound
    from aiopslab.retrieval.gate import gate as decided
    from aiopslab.retrieval.truth import open_questions

    bounds = [Bound(*each) for each in floors]
    if max_tokens is not None:
        bounds.append(Bound(TOKENS, max_tokens))
    if baseline is None and not bounds:
        raise click.UsageError("Nothing decides: give --baseline, --floor or --max-tokens.")
    new = configuration_of(candidate)
    now = None if baseline is None else configuration_of(baseline)
    library = open_corpus(corpus)
    truth = open_questions(questions, library, qrels)
    with retriever_of(library) as retriever:
        found = decided(
            retriever,
            truth,
            new,
            now,
            metric=metric,
            margin=margin,
            bounds=bounds,
            confidence=confidence,
        )
    for line in _lines(found, metric):
        click.echo(line)
    raise SystemExit(CODES[found.state])


def _lines(found: "Gate", metric: str) -> Iterator[str]:
    """Yield the decision, why it is so, and a row a configuration."""
    yield click.style(plain(found.headline()), bold=True, fg=COLOURS[found.state])
    yield from indented(found.reasons())
    names = list(dict.fromkeys([metric, "recall", "ndcg", "span_recall", "span_precision"]))
    table = found.table()[["which", "configuration", *names, "tokens", "ms"]]
    formats = dict.fromkeys(names, "{:.3f}") | {"tokens": "{:,.0f}", "ms": "{:.1f}"}
    for name, form in formats.items():
        table[name] = table[name].map(form.format)
    yield from (f"  {line}" for line in aligned(table))
