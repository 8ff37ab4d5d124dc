"""The command ``aiopslab retrieval gate``: whether a configuration may replace the one in use."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from aiopslab.gates import EXIT_CODES, Decided, Measured, Word, as_json, remember, say, stays
from aiopslab.retrieval.arguments import configuration_of, retriever_of, tracking
from aiopslab.terminal import aligned, indented

if TYPE_CHECKING:
    from aiopslab.retrieval.gate import Gate

TOKENS = "tokens"
WORDS: dict[str, Word] = {
    "passed": "promote",
    "failed": "keep",
    "not enough data": "not enough data",
}


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
@click.option("--candidate", required=True, help="A YAML file, indexes:/NAME/VERSION, or default.")
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
@click.option("--set-alias", help="Move this alias as decided; both have to be of one index.")
@tracking
@as_json
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
    set_alias: str | None,
    tracking_uri: str | None,
    written: str | None,
) -> None:
    """Put QUESTIONS on CORPUS to a candidate and to the configuration in use, and decide.

    The two are compared question by question. A bound is kept where the whole interval of the mean
    is on the right side of it, and broken where all of it is on the other. A configuration is a
    YAML file, or that of an index in the registry, indexes:/NAME@ALIAS. With --set-alias the alias
    is pointed at the candidate if that is promoted, and back at the baseline if it points at a
    candidate that is worse; otherwise it stays where it is.

    \b
    Examples
      aiopslab retrieval gate docs/ questions.jsonl --baseline now.yaml --candidate new.yaml
      aiopslab retrieval gate docs/ questions.jsonl --candidate new.yaml --floor recall=0.8
        --floor ndcg=0.6 --max-tokens 1000
      aiopslab retrieval gate embedded:handbook embedded:questions --baseline default
        --candidate new.yaml --metric span_recall --margin 0.03
      aiopslab retrieval gate docs/ questions.jsonl --baseline indexes:/docs@production
        --candidate indexes:/docs/7 --set-alias production
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.canonical import sha256
    from aiopslab.retrieval.aliases import open_sides
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.gate import Bound
    from aiopslab.retrieval.gate import gate as decided
    from aiopslab.retrieval.truth import open_questions

    bounds = [Bound(*each) for each in floors]
    if max_tokens is not None:
        bounds.append(Bound(TOKENS, max_tokens))
    if baseline is None and not bounds:
        raise click.UsageError("Nothing decides: give --baseline, --floor or --max-tokens.")
    moving = open_sides(candidate, baseline, set_alias, tracking_uri) if set_alias else None
    new = configuration_of(candidate, tracking_uri)
    now = None if baseline is None else configuration_of(baseline, tracking_uri)
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
    word, headline = WORDS[found.state], found.headline()
    if word == "promote" and _is_in_use(candidate, baseline, new == now, tracking_uri):
        word, headline = "keep", "The candidate is what is in use."
    moved = None
    if moving is not None and set_alias:
        moved = moving.aliases.follow(
            set_alias,
            moving.candidate,
            moving.baseline,
            is_promoted=word == "promote",
            is_worse=found.compared == "failed",
            data=sha256(truth.questions["text"].tolist()),
        )
    reasons = (headline, *found.reasons())
    told = Decided("index", word, candidate, baseline, reasons, tuple(_measured(found)), moved)
    if moving is not None:
        remember(told, moving.aliases, moving.candidate)
    alias = stays(set_alias, moving.aliases.name if moving else "", moved)
    lines = chain(indented(reasons), _table(found, metric), indented([alias] if alias else []))
    say(told, lines, written)
    raise SystemExit(told.exit_code)


def _is_in_use(
    candidate: str, baseline: str | None, is_set_alike: bool, tracking_uri: str | None
) -> bool:
    """Tell whether there is nothing to promote: versions may differ in documents alone."""
    from aiopslab.retrieval.registry import SCHEME, read_version

    if baseline is None or not (candidate.startswith(SCHEME) and baseline.startswith(SCHEME)):
        return is_set_alike
    one, other = (read_version(each, tracking_uri).uri for each in (candidate, baseline))
    return one == other


def _measured(found: "Gate") -> Iterator[Measured]:
    """Yield the gain, and the mean of each score that is bounded."""
    if found.contrast is not None:
        yield Measured(f"gain in {found.contrast.metric.name}", *found.contrast.gain)
    for each in found.held:
        yield Measured(each.bound.score, each.mean, each.low, each.high)


def _table(found: "Gate", metric: str) -> Iterator[str]:
    """Yield a row a configuration."""
    names = list(dict.fromkeys([metric, "recall", "ndcg", "span_recall", "span_precision"]))
    table = found.table()[["which", "configuration", *names, "tokens", "ms"]]
    formats = dict.fromkeys(names, "{:.3f}") | {"tokens": "{:,.0f}", "ms": "{:.1f}"}
    for name, form in formats.items():
        table[name] = table[name].map(form.format)
    yield from (f"  {line}" for line in aligned(table))
