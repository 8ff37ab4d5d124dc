"""The command ``aiopslab promote``: whether a challenger is let past the gate."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.drift.observations import Roles

EXIT_CODES = """\b
Exit codes
  0  promote the challenger
  2  a wrong command, or evidence that cannot be read
  3  keep the champion
  4  not enough data to tell
"""


@click.command(epilog=EXIT_CODES)
@click.argument("observations")
@click.option("--champion", required=True, help="Its predictions: a column, or models:/NAME@ALIAS.")
@click.option("--challenger", required=True, help="Likewise, e.g. models:/NAME/7.")
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
@click.option("--set-alias", help="Point this alias at the challenger's version if it is promoted.")
@click.option("--seed", type=int, default=0, show_default=True)
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
) -> None:
    """Compare a challenger with the champion on the same labelled rows, and decide.

    OBSERVATIONS is a table of recent rows that neither model was trained on (Parquet, CSV, JSON
    lines, or any URL that has observations), with the outcomes in the column --target.

    \b
    Examples
      aiopslab promote recent.parquet --champion y_old --challenger y_new --target paid
      aiopslab promote recent.parquet --champion models:/loans@champion
        --challenger models:/loans/7 --target paid --min-improvement 0.005 --set-alias champion
    """
    from aiopslab.drift.challenger import compare_models
    from aiopslab.drift.gate import Gate
    from aiopslab.drift.source import open_observations

    gate = Gate(min_improvement, max_loss, min_labels=min_labels)
    table = open_observations(observations).frames["observations"]
    table, old = _predicted(table, champion, "champion", champion_score, target, tracking_uri)
    table, new = _predicted(table, challenger, "challenger", challenger_score, target, tracking_uri)
    challenge = compare_models(table, old, new, metric, segments=segments or None, seed=seed)
    decision = gate.decide(challenge)
    click.secho(decision.outcome, bold=True)
    for reason in decision.reasons:
        click.echo(f"  {reason}")
    if set_alias and decision.outcome == "promote":
        from aiopslab.drift.registry import point_alias

        click.echo(f"  {point_alias(challenger, set_alias, tracking_uri)}")
    raise SystemExit(decision.exit_code)


def _predicted(
    table: "pd.DataFrame",
    model: str,
    who: str,
    score: str | None,
    target: str,
    tracking_uri: str | None,
) -> "tuple[pd.DataFrame, Roles]":
    """Return the table with the predictions of a model, and where they are."""
    from aiopslab.drift.observations import Roles
    from aiopslab.drift.registry import is_address, open_model
    from aiopslab.errors import FrameError, did_you_mean

    for column in (target, score, None if is_address(model) else model):
        if column is not None and column not in table:
            raise FrameError(
                f"the observations have no column {column!r}",
                did_you_mean(column, [str(each) for each in table.columns]),
            )
    if not is_address(model):
        return table, Roles(model, score or f"score of the {who}", target)
    roles = Roles(f"prediction of the {who}", f"score of the {who}", target)
    return open_model(model, tracking_uri).predict(table, roles), roles
