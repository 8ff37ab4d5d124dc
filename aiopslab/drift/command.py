"""The command ``aiopslab promote``: whether a challenger is let past the gate."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from aiopslab.drift.refusal import refusing
from aiopslab.errors import FrameError, ParameterError, did_you_mean
from aiopslab.gates import EXIT_CODES, Decided, Measured, as_json, remember, say, stays
from aiopslab.terminal import indented

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.drift.observations import Roles

NO_SCORE = "score"  # the one name of a score that a table may lack


@click.command(epilog=EXIT_CODES)
@click.argument("observations")
@click.option(
    "--champion",
    "--baseline",
    "champion",
    required=True,
    help="The model in use: a column with its predictions, or models:/NAME@ALIAS.",
)
@click.option(
    "--challenger",
    "--candidate",
    "challenger",
    required=True,
    help="The one that may replace it, likewise, e.g. models:/NAME/7.",
)
@click.option("--target", default="target", show_default=True, help="Column of what came true.")
@click.option("--champion-score", help="Column of the champion's score, beside its predictions.")
@click.option("--challenger-score", help="Column of the challenger's score.")
@click.option("--metric", help="What is compared; the first that fits the task if not given.")
@click.option("--segment", "segments", multiple=True, help="Column no value of which may lose.")
@click.option(
    "--min-improvement", type=float, default=0.0, show_default=True, help="What it has to gain."
)
@click.option(
    "--max-loss", type=float, default=0.02, show_default=True, help="Of any class or segment."
)
@click.option(
    "--min-labels", type=int, default=100, show_default=True, help="Fewer decide nothing."
)
@click.option("--tracking-uri", help="Of the MLflow server; MLFLOW_TRACKING_URI if not given.")
@click.option("--set-alias", help="Move this alias as decided; both have to be of one model.")
@click.option("--seed", type=int, default=0, show_default=True)
@as_json
def promote(
    observations: str,
    champion: str,
    challenger: str,
    target: str,
    champion_score: str | None,
    challenger_score: str | None,
    metric: str | None,
    segments: tuple[str, ...],
    min_improvement: float,
    max_loss: float,
    min_labels: int,
    tracking_uri: str | None,
    set_alias: str | None,
    seed: int,
    written: str | None,
) -> None:
    """Compare a challenger with the champion on the same labelled rows, and decide.

    OBSERVATIONS is a table of recent rows that neither model was trained on (Parquet, CSV, JSON
    lines, or any URL that has observations), with the outcomes in the column --target. With
    --set-alias the alias is pointed at the challenger if that is promoted, and back at the champion
    if it points at a challenger that is surely worse; otherwise it stays where it is.

    \b
    Examples
      aiopslab promote recent.parquet --champion y_old --challenger y_new --target paid
      aiopslab promote recent.parquet --champion models:/loans@champion
        --challenger models:/loans/7 --target paid --min-improvement 0.005 --set-alias champion
    """
    import pandas as pd

    from aiopslab.drift.challenger import compare_models
    from aiopslab.drift.gate import Gate
    from aiopslab.drift.registry import is_address, open_sides
    from aiopslab.drift.source import open_observations

    with refusing():
        gate = Gate(min_improvement, max_loss, min_labels=min_labels)
        evidence = open_observations(observations)
        table = evidence.frames["observations"]
        if set_alias and (challenger in table or not is_address(challenger)):
            raise ParameterError(
                f"--set-alias is {set_alias}, but the challenger is {challenger}, a column",
                "Name the version that is to get the alias: --challenger models:/NAME/VERSION.",
            )
        _check(table, target, *segments)
        moving = open_sides(challenger, champion, set_alias, tracking_uri) if set_alias else None
        told = (champion, challenger, champion_score, challenger_score)
        if NO_SCORE not in told:
            table = table.drop(columns=NO_SCORE, errors="ignore")  # of which model, who knows
        known = tuple(each for each in told if each is not None and each in table)
        sides = [
            _predicted(table, *side, target, known, tracking_uri)
            for side in (
                ("champion", champion, champion_score),
                ("challenger", challenger, challenger_score),
            )
        ]
        both = pd.concat([table, *(added for added, _ in sides)], axis=1)
        old, new = (roles for _, roles in sides)
        challenge = compare_models(both, old, new, metric, segments=segments or None, seed=seed)
        decision = gate.decide(challenge)
        moved = None
        if moving is not None and set_alias:
            moved = moving.aliases.follow(
                set_alias,
                moving.candidate,
                moving.baseline,
                is_promoted=decision.outcome == "promote",
                is_worse=decision.outcome == "keep" and challenge.gain.high < 0,
                data=evidence.digest,
            )
        gain = challenge.gain
        decided = Decided(
            "model",
            decision.outcome,
            challenger,
            champion,
            decision.reasons,
            (Measured(f"gain in {challenge.metric}", gain.value, gain.low, gain.high),),
            moved,
        )
        if moving is not None:
            remember(decided, moving.aliases, moving.candidate)
        name = moving.aliases.name if moving else ""
        lines = [*decision.reasons, stays(set_alias, name, moved)]
        say(decided, indented([each for each in lines if each]), written)
    raise SystemExit(decided.exit_code)


def _predicted(
    table: "pd.DataFrame",
    who: str,
    model: str,
    score: str | None,
    target: str,
    known: tuple[str, ...],
    tracking_uri: str | None,
) -> "tuple[pd.DataFrame, Roles]":
    """Return the columns that a model adds to a table, and which column is what."""
    from aiopslab.drift.observations import Roles
    from aiopslab.drift.registry import is_address, open_model

    if model in table or not is_address(model):
        _check(table, model, *([score] if score else []))
        return table[[]], Roles(model, score or NO_SCORE, target)
    roles = Roles(f"prediction of the {who}", f"score of the {who}", target, ignored=known)
    said = open_model(model, tracking_uri).predict(table, roles)
    if roles.score not in said:
        return said[[roles.prediction]], replace(roles, score=NO_SCORE)
    return said[[roles.prediction, roles.score]], roles


def _check(table: "pd.DataFrame", *columns: str) -> None:
    for column in columns:
        if column not in table:
            raise FrameError(
                f"the observations have no column {column!r}",
                did_you_mean(column, [str(each) for each in table.columns]),
            )
