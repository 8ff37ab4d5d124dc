"""The command ``aiopslab prompts gate``: whether a candidate may replace the prompt in use."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

import click

from aiopslab.errors import PromptError
from aiopslab.gates import EXIT_CODES, Decided, Measured, Word, as_json, remember, say, stays
from aiopslab.mlflow_aliases import Aliases, Promotion
from aiopslab.mlflow_server import connect
from aiopslab.prompts.registry_command import tracking
from aiopslab.terminal import aligned, indented, shown

if TYPE_CHECKING:
    from aiopslab.prompts.analysis import PromptAnalysis
    from aiopslab.prompts.run import Run

CHOICES: dict[str, Word] = {
    "candidate": "promote",
    "baseline": "keep",
    "equivalent": "keep",
    "not enough data": "not enough data",
}
SAVED = ("cost_usd", "latency_ms", "input_tokens", "output_tokens")


@click.command(epilog=EXIT_CODES)
@click.option("--baseline", required=True, help="The prompt in use: a file or prompts:/NAME@ALIAS.")
@click.option("--candidate", required=True, help="The one that may replace it, likewise.")
@click.option(
    "--items", required=True, help="Table with one row an item, its answer in `expected`."
)
@click.option("--endpoint", help="Of an OpenAI-compatible API; the embedded model if not given.")
@click.option("--model", help="As the endpoint calls it.")
@click.option(
    "--score",
    "scores",
    multiple=True,
    default=["exact"],
    show_default=True,
    help="Of the outputs, e.g. label, number, rouge_l, toxicity. The first decides; in any other "
    "the candidate must not be worse.",
)
@click.option(
    "--margin",
    type=float,
    default=0.02,
    show_default=True,
    help="Largest difference of the score that does not matter.",
)
@click.option(
    "--saves",
    type=click.Choice(SAVED),
    help="It has to save this, and be no worse than by the margin; else it has to be better.",
)
@click.option(
    "--repetitions", type=click.IntRange(min=1), default=1, show_default=True, help="Of each call."
)
@click.option("--cap-usd", type=float, help="Stops before a call that might pass it; needs prices.")
@click.option("--input-price", type=float, help="USD for a million tokens of input.")
@click.option("--output-price", type=float, help="USD for a million tokens of output.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.95,
    show_default=True,
    help="Of the intervals.",
)
@click.option("--set-alias", help="Move this alias as decided; both have to be of one prompt.")
@tracking
@as_json
def gate(
    baseline: str,
    candidate: str,
    items: str,
    endpoint: str | None,
    model: str | None,
    scores: tuple[str, ...],
    margin: float,
    saves: str | None,
    repetitions: int,
    cap_usd: float | None,
    input_price: float | None,
    output_price: float | None,
    confidence: float,
    set_alias: str | None,
    tracking_uri: str | None,
    written: str | None,
) -> None:
    """Compare a candidate with the prompt in use on the same items, and decide.

    It is the evaluation of the report `aiopslab run prompt_ab`, with the same store of answers:
    after the one, the other pays for no call. With --set-alias the alias is pointed at the
    candidate if that is to be used, and back at the baseline if it points at a candidate that is
    worse; otherwise it stays where it is. The key of the endpoint comes from AIOPSLAB_LLM_TOKEN.

    \b
    Examples
      aiopslab prompts gate --baseline embedded:plain --candidate embedded:examples
        --items embedded:intents
      aiopslab prompts gate --baseline prompts:/support@production
        --candidate prompts:/support@latest --items questions.csv
        --endpoint https://host/v1 --model NAME --cap-usd 2 --input-price 0.5
        --output-price 1.5 --set-alias production
      aiopslab prompts gate --baseline long.md --candidate short.md --items questions.csv
        --endpoint https://host/v1 --model NAME --saves input_tokens
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.canonical import sha256
    from aiopslab.prompts.aliases import check_compared, follow
    from aiopslab.prompts.evaluation import evaluate
    from aiopslab.prompts.items import open_items, open_prompts
    from aiopslab.prompts.measures import named_scores
    from aiopslab.prompts.study import analyse

    table = open_items(items)
    scorers, metrics = named_scores(scores, table, margin)
    addresses, name = [baseline, candidate], ""
    numbers: list[int] = []
    if set_alias:
        addresses, name, numbers = _versions(baseline, candidate, tracking_uri)
    tried = open_prompts(addresses, tracking_uri)
    if tried[0].version == tried[1].version:
        same = f"The candidate says the same as {tried[0].name}."
        _end(Decided("prompt", "keep", candidate, baseline, (same,)), indented([same]), written)
    versions = dict(zip((each.name for each in tried), numbers, strict=False))
    if set_alias:
        check_compared(name, set_alias, versions, tracking_uri)
    prices = {"input": input_price, "output": output_price}
    with shown() if sys.stderr.isatty() else nullcontext() as report:
        run = evaluate(
            tried,
            table,
            endpoint,
            model,
            repetitions=repetitions,
            cap_usd=cap_usd,
            prices={kind: price for kind, price in prices.items() if price is not None},
            report=report,
        )
    if run.stopped:
        stopped = _stopped(run)
        told = Decided("prompt", "not enough data", candidate, baseline, stopped)
        _end(told, indented(stopped), written)
    analysis = analyse(run, table, scorers, metrics, saves=saves, confidence=confidence)
    moved = None
    if set_alias:
        data = sha256(table.astype(str).to_dict("list"))
        moved = follow(analysis.decision, name, set_alias, versions, tracking_uri, data)
    told = _decided(analysis, candidate, baseline, moved)
    if set_alias:
        remember(told, Aliases(connect(tracking_uri), "prompt", name), numbers[1])
    alias = stays(set_alias, name, moved)
    _end(told, chain(_lines(analysis), indented([alias] if alias else [])), written)


def _end(decided: Decided, lines: Iterator[str], written: str | None) -> NoReturn:
    say(decided, lines, written)
    raise SystemExit(decided.exit_code)


def _decided(
    analysis: "PromptAnalysis", candidate: str, baseline: str, moved: Promotion | None
) -> Decided:
    """Return what was decided, with what every metric gains."""
    return Decided(
        "prompt",
        CHOICES[analysis.decision.choice],
        candidate,
        baseline,
        tuple(dict.fromkeys((analysis.verdict().headline, *analysis.decision.reasons))),
        tuple(
            Measured(f"gain in {each.metric.name}", *each.gain)
            for each in analysis.comparison.contrasts
        ),
        moved,
    )


def _versions(
    baseline: str, candidate: str, tracking_uri: str | None
) -> tuple[list[str], str, list[int]]:
    """Return the addresses of versions that stay what they are, their prompt, and their numbers."""
    from aiopslab.prompts.registry import number_of

    (name, old), (other, new) = (number_of(each, tracking_uri) for each in (baseline, candidate))
    if name != other:
        raise PromptError(
            f"--set-alias moves an alias of one prompt; the baseline is of {name!r}, the candidate "
            f"of {other!r}",
            "Register the candidate as a version of the prompt that is in use.",
        )
    return [f"prompts:/{name}/{number}" for number in (old, new)], name, [old, new]


def _stopped(run: "Run") -> tuple[str, ...]:
    return (
        f"Not enough data to tell: stopped by {run.stopped}.",
        str(run.progress),
        "Raise the cap and run again: what was answered is kept and costs nothing.",
    )


def _lines(analysis: "PromptAnalysis") -> Iterator[str]:
    """Yield what to use, why it is so, every metric, and what should make one careful."""
    verdict = analysis.verdict()
    told = " ".join([verdict.headline, *analysis.decision.reasons])
    yield from indented([verdict.headline])
    yield from indented(analysis.decision.reasons[1:])
    table = analysis.comparison_table()
    for line in aligned(table.drop(columns=["candidate", "matters from", "won / lost"])):
        yield f"  {line}"
    note = analysis.sample_note()
    yield from indented([each for each in (note, str(analysis.run.progress)) if each not in told])
    cautions = [each.claim for each in verdict.findings if each.severity != "ok"]
    yield from indented([f"Beware: {each}" for each in cautions if each not in told])
