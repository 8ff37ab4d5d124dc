"""Plans, steps and outcomes as a terminal shows them."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aiopslab.runbooks.execution import Outcome
    from aiopslab.runbooks.planning import Plan
    from aiopslab.runbooks.step import Step


def show_outcome(outcome: "Outcome", command: str, pairs: tuple[str, ...]) -> None:
    """Show what a dry run saw, and which command is next."""
    click.echo(plain(f"\nDry run: {outcome.says}"))
    if outcome.before:
        click.echo(plain(f"  now  {listed(outcome.before)}"))
    given = [*pairs, *(f"{name}={value}" for name, value in outcome.suggested.items())]
    said = "".join(f" --set {shlex.quote(pair)}" for pair in given)
    if outcome.suggested:
        click.echo(plain(f"  see it with these values:  {command}{said}"))
    elif outcome.before:
        click.echo(plain(f'  to do it:  {command}{said} --approve --by NAME --reason "…"'))


def show_plan(made: "Plan") -> None:
    """Show the steps of a plan, and what there is to look at besides."""
    click.secho(plain(made.headline), bold=True)
    for number, step in enumerate(made.steps, start=1):
        click.echo(
            plain(
                f"{number:>3}. {step.action.title}: {step.service} "
                f"({step.expected}, {step.action.risk.level} risk)"
            )
        )
        click.echo(plain(f"     {step.why}"))
        click.echo(f"     {step.command}")
        if step.warning:
            click.secho(plain(f"     Beware: {step.warning}"), fg="yellow")
    for note in made.notes:
        click.echo(plain(f"Note: {note}"))
    if made.next:
        click.echo("Next, look here:")
    for each in made.next:
        click.echo(plain(f"  {each}"))


def show_step(step: "Step") -> None:
    """Show all that there is to know of a step."""
    click.secho(plain(f"{step.action.title}: {step.service}"), bold=True)
    told = [
        ("why", step.why),
        ("expect", step.expected),
        ("risk", f"{step.action.risk.level}: {step.action.risk.why}"),
        ("beware", step.warning),
        ("first", step.precondition),
        ("check", step.check),
        ("do", step.command),
        ("undo", step.undo),
        ("", step.undo_command),
        ("lacks", ", ".join(f"{e} ({step.action.parameters[e].help})" for e in step.needs)),
    ]
    for title, text in told:
        if text:
            click.echo(plain(f"  {title:<8} {text}"))


def listed(state: Mapping[str, Any]) -> str:
    """Write names with their values in one line.

    Examples
    --------
    >>> listed({"alias": "champion", "version": 2})
    'alias champion, version 2'
    """
    return ", ".join(f"{name} {value}" for name, value in state.items())


def plain(text: str, lines: bool = False) -> str:
    r"""Leave out what would steer a terminal.

    Examples
    --------
    >>> plain("\x1b[2Jslow\n")
    '[2Jslow'
    """
    return "".join(each for each in text if each.isprintable() or (lines and each == "\n"))
