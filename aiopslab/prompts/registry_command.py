"""The commands ``aiopslab prompts register`` and ``rollback``: versions, and what is in use."""

import click

REGISTER_CODES = """\b
Exit codes
  0  registered, or the latest version says the same
  2  a wrong command, a prompt that cannot be used, or a server that refuses
  4  registered, but a policy does not permit the alias
"""
ROLLBACK_CODES = """\b
Exit codes
  0  moved back
  2  a wrong command, nothing is known of an earlier version, somebody has moved
     the alias since, or a server that refuses
  4  a policy does not permit it
"""

tracking = click.option(
    "--tracking-uri", help="Of the MLflow server; MLFLOW_TRACKING_URI if not given."
)


@click.command(epilog=REGISTER_CODES)
@click.argument("file")
@click.option("--name", required=True, help="In the registry.")
@click.option("--alias", help="Point this alias at the version, such as staging.")
@click.option("--message", default="", help="Why it was changed.")
@tracking
def register(
    file: str, name: str, alias: str | None, message: str, tracking_uri: str | None
) -> None:
    """Register the prompt in FILE as a version in MLflow's Prompt Registry.

    Prints its address. Where the latest version has the same messages and parameters, that is the
    one: nothing is registered twice.

    \b
    Examples
      aiopslab prompts register new.md --name support
      aiopslab prompts register new.md --name support --alias staging --message "Shorter."
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.prompts.aliases import promote
    from aiopslab.prompts.items import open_prompt
    from aiopslab.prompts.registry import register as registered

    number = registered(open_prompt(file, tracking_uri), name, tracking_uri, message)
    click.echo(f"prompts:/{name}/{number}")
    if alias:
        click.echo(f"  {promote(name, alias, number, tracking_uri)}")


@click.command(epilog=ROLLBACK_CODES)
@click.argument("name")
@click.option("--alias", required=True, help="That is to be moved back, such as production.")
@tracking
def rollback(name: str, alias: str, tracking_uri: str | None) -> None:
    """Point an alias of the prompt NAME back at what it pointed at before its last promotion.

    That is what `register --alias`, `gate --set-alias` or promote() in Python moved last; a tag of
    the prompt keeps it. An alias that nobody had before is removed.

    \b
    Example
      aiopslab prompts rollback support --alias production
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.prompts.aliases import last_promotion, roll_back

    taken_back = roll_back(last_promotion(name, alias, tracking_uri), tracking_uri)
    before = taken_back.before
    at = f"at version {before} again" if before is not None else "nowhere again"
    click.secho(f"{alias} of {name} points {at}", bold=True)
    click.echo(f"  it pointed at version {taken_back.version}")
