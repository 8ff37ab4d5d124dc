"""The command ``aiopslab remediate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.errors import AIOpsLabError
from aiopslab.runbooks.arguments import (
    approved,
    audited,
    catalogued,
    known_actions,
    planned,
    reasoned,
    signed,
    valued,
    values_of,
)
from aiopslab.runbooks.display import listed, plain, show_outcome, show_plan, show_step

if TYPE_CHECKING:
    from aiopslab.runbooks.step import Step

EXIT_CODES = """\b
Exit codes
  0  done, or shown
  1  a file cannot be used, or a server did not do as asked
  2  a wrong command or option
  4  refused: not approved or permitted, nothing here can do it, or it no longer
     applies
"""


class _Group(click.Group):
    """A group whose commands end in a message where the user can mend it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except AIOpsLabError as error:
            ended = click.ClickException(plain(str(error), lines=True))
            ended.exit_code = error.exit_code  # type: ignore[misc]
            raise ended from None


@click.group(cls=_Group, epilog=EXIT_CODES)
def remediate() -> None:
    """Plan what to do about an incident, and do it when somebody approves.

    Nothing is changed without --approve, --by and --reason. What is done is written to an audit
    log before and after, and can be taken back with `undo`.

    \b
    Start here
      aiopslab remediate list                                 what can be done
      aiopslab remediate plan recording/ -o plan.json         what to do about an incident
      aiopslab remediate step rollback-prompt -o plan.json    what you know is to be done
      aiopslab remediate show plan.json 1                     one step, with all its commands
      aiopslab remediate run plan.json 1                      a dry run: look, change nothing
      aiopslab remediate run plan.json 1 --approve --by me --reason "users wait"
      aiopslab remediate audit show                           what was done
      aiopslab remediate undo 2 --approve --by me --reason "it did not help"
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@remediate.command("list")
@catalogued
def list_actions(catalogue: Path | None) -> None:
    """List the actions of the catalogue: what each answers, its risk and its command."""
    for action in known_actions(catalogue).actions:
        who = "can be done from here" if action.executor else "you run the command"
        click.secho(action.name, bold=True, nl=False)
        click.echo(f"  {action.title} ({action.risk.level} risk; {who})")
        if action.when:
            click.echo(f"    answers  {', '.join(action.when)}")
        click.echo(f"    command  {action.command}")


@remediate.command("plan")
@click.argument("evidence", metavar="EVIDENCE")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Save it as JSON."
)
@catalogued
@valued
def make_plan(
    evidence: str, output: Path | None, catalogue: Path | None, pairs: tuple[str, ...]
) -> None:
    """Plan what to do about an incident.

    EVIDENCE is a recording or any other source that `aiopslab run incident` takes, which is
    analysed; or a JSON file with a verdict, such as the run.json beside a report. A verdict alone
    does not say what was changed, so a plan of it has no rollback.

    \b
    Examples
      aiopslab remediate plan sample://classifier-deploy
      aiopslab remediate plan recording/ --set namespace=shop -o plan.json
      aiopslab remediate plan reports/incident-20260301T120000Z-c0ffee/run.json
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.runbooks.plans import plan_of_evidence, plan_of_verdict, save_plan

    known, given = known_actions(catalogue), values_of(pairs)
    made = (
        plan_of_verdict(Path(evidence), known, given)
        if evidence.endswith(".json")
        else plan_of_evidence(evidence, known, given)
    )
    show_plan(made)
    if output is not None:
        save_plan(output, made)
        if made.steps:
            click.echo(f"\nSaved. See a step with `aiopslab remediate show {output} 1`.")


@remediate.command("step")
@click.argument("action")
@click.option("--service", required=True, metavar="NAME", help="Whom it is done to.")
@click.option("--why", required=True, metavar="TEXT", help="The evidence for it, in a sentence.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Save it as JSON."
)
@catalogued
@valued
def make_step(
    action: str,
    service: str,
    why: str,
    output: Path | None,
    catalogue: Path | None,
    pairs: tuple[str, ...],
) -> None:
    """Make a plan of one ACTION of the catalogue, where somebody knows what is to be done.

    \b
    Examples
      aiopslab remediate step rollback-prompt --service llm --set prompt=support
        --why "Answers got worse with version 3." -o plan.json
      aiopslab remediate run plan.json 1
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.runbooks.planning import Plan
    from aiopslab.runbooks.plans import save_plan
    from aiopslab.runbooks.step import Step

    made = Plan((Step.of(known_actions(catalogue)[action], service, values_of(pairs), why),))
    show_plan(made)
    if output is not None:
        save_plan(output, made)
        click.echo(f"\nSaved. See what it would do with `aiopslab remediate run {output} 1`.")


@remediate.command()
@planned
@click.argument("number", metavar="[STEP]", type=int, required=False)
def show(file: Path, number: int | None) -> None:
    """Show a saved PLAN, or all that there is to know of one STEP of it."""
    from aiopslab.runbooks.plans import load_plan

    saved = load_plan(file)
    if number is None:
        show_plan(saved)
    else:
        show_step(saved[number])


@remediate.command()
@planned
@click.argument("number", metavar="STEP", type=int)
@valued
@approved
@signed
@reasoned
@audited
def run(
    file: Path,
    number: int,
    pairs: tuple[str, ...],
    approve: bool,
    by: str | None,
    reason: str | None,
    audit: Path,
) -> None:
    """Show what a STEP of a PLAN would do, or do it.

    Without --approve it is a dry run, which asks the server whether the step still applies and
    changes nothing. With it the step is done, once, and recorded.

    \b
    Examples
      aiopslab remediate run plan.json 1
      aiopslab remediate run plan.json 1 --set version=2 --set current=3
      aiopslab remediate run plan.json 1 --set version=2 --set current=3 \\
          --approve --by me --reason "version 3 answers nonsense"
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.runbooks.plans import load_plan

    step = load_plan(file)[number].with_values(values_of(pairs))
    command = f"aiopslab remediate run {file} {number}"
    _execute(step, approve, by, reason, audit, command, pairs)


@remediate.command()
@click.argument("number", metavar="RECORD", type=int)
@approved
@signed
@reasoned
@audited
def undo(number: int, approve: bool, by: str | None, reason: str | None, audit: Path) -> None:
    """Take back what a RECORD of the audit log says was done.

    It is a step like any other: shown first, done with --approve, and recorded.
    """
    from aiopslab.runbooks.audit import AuditLog
    from aiopslab.runbooks.execution import undo_of

    records = list(AuditLog(audit).records())
    if not 1 <= number <= len(records):
        raise click.UsageError(f"There is no record {number}; {audit} has {len(records)}.")
    step = undo_of(records[number - 1])
    _execute(step, approve, by, reason, audit, f"aiopslab remediate undo {number}")


@remediate.group()
def audit() -> None:
    """Read the audit log, and check that nobody changed it."""


@audit.command("show")
@audited
def show_audit(audit: Path) -> None:
    """List the records: what was done when, by whom and why."""
    from aiopslab.runbooks.audit import AuditLog

    for record in AuditLog(audit).records():
        what = f"{record.get('action', '')} {record.get('service', '')}"
        click.secho(f"{record['number']:>4}  {record['at'][:19]}  {record['event']:<8}", nl=False)
        why = record.get("why") or record.get("reason", "")
        click.echo(plain(f"  {what}  {record.get('by', '')}: {why}"))


@audit.command()
@click.option(
    "--seen",
    default="",
    metavar="HASH",
    help="The hash of a record that was there: that it still is shows that none was cut off.",
)
@audited
def verify(audit: Path, seen: str) -> None:
    """Check that no record was changed, removed or put in.

    Keep the hash that is printed somewhere else, and give it with --seen the next time: a log cut
    off at its end, or written anew as a whole, is found by nothing else.
    """
    from aiopslab.runbooks.audit import AuditLog

    click.echo(str(AuditLog(audit).verify(seen)))


def _execute(
    step: "Step",
    approve: bool,
    by: str | None,
    reason: str | None,
    log: Path,
    command: str,
    pairs: tuple[str, ...] = (),
) -> None:
    """Do a step or show it, and say what to do next."""
    from aiopslab.governance.approval import Approval
    from aiopslab.runbooks.audit import AuditLog
    from aiopslab.runbooks.execution import execute

    if not approve:
        show_step(step)
        show_outcome(execute(step), command, pairs)
        return
    if not by or not reason:
        raise click.UsageError("--approve needs --by NAME and --reason TEXT.")
    outcome = execute(step, Approval.now(step, by, reason), AuditLog(log), dry_run=False)
    click.echo(plain(outcome.says))
    for title, state in (("before", outcome.before), ("after", outcome.after)):
        if state:
            click.echo(plain(f"  {title}  {listed(state)}"))
    if outcome.acted:
        click.echo(f"  recorded as {outcome.record} in {log}")
        if outcome.undo is not None:
            click.echo(f"  to take it back: aiopslab remediate undo {outcome.record}")
