"""The commands ``aiopslab policy`` and ``aiopslab audit``."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.terminal import Group
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.governance.audit import Trail
    from aiopslab.governance.deeds import Deed

DENIED = 4

EXIT_CODES = """\b
Exit codes
  0  sound, permitted, or done
  2  a file cannot be used, or a wrong command
  4  denied
"""


AUDIT_CODES = """\b
Exit codes
  0  unchanged, shown or archived
  2  a record was changed, removed, put in or moved, there is no trail, or a wrong command
"""


@click.group(cls=Group, epilog=EXIT_CODES)
def policy() -> None:
    """Check who may do what, and approve what somebody else asked for.

    A policy is a file of Cedar, or a folder with a policy.cedar; groups.yml beside it says who is
    in which group. What is done is held to the one that AIOPSLAB_POLICY names.

    \b
    Examples
      aiopslab policy check policy/
      AIOPSLAB_POLICY=policy/ aiopslab run drift
      AIOPSLAB_POLICY=policy/ aiopslab policy approve 17 --reason "holds on all segments"
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@policy.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "principal", metavar="USER", help="Who would do it.")
@click.option(
    "--action",
    type=click.Choice(["run", "promote", "rollback", "remediate", "publish", "approve"]),
    default="run",
    show_default=True,
)
@click.option(
    "--on",
    "--template",
    "subject",
    metavar="SUBJECT",
    help="A template, models:/NAME, prompts:/NAME, indexes:/NAME or runbooks:/NAME.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="URL",
    help="What a run would open, as often as needed.",
)
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="What else is asked: alias, version; to, edition, level; service; approves.",
)
@click.option("--approvals", type=click.IntRange(0), default=0, help="By how many others.")
def check(
    file: Path,
    principal: str | None,
    action: str,
    subject: str | None,
    sources: tuple[str, ...],
    pairs: tuple[str, ...],
    approvals: int,
) -> None:
    """Check the policy FILE, or explain a decision of it; nothing is done or recorded.

    \b
    Examples
      aiopslab policy check policy/
      aiopslab policy check policy/ --as ana --template drift --source sample://cpu-hog
      aiopslab policy check policy/ --as ana --action promote --on models:/loans
        --set alias=champion --set version=7 --approvals 1
      aiopslab policy check policy/ --as ana --action publish --on incident
        --set to=s3://bucket/open --set edition=internal --set level=act
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.policy import Policy

    if bool(principal) != bool(subject) or (sources and not principal):
        raise click.UsageError("Explaining a decision takes --as USER and --on SUBJECT.")
    known = Policy.read(file)
    if principal is None or subject is None:
        names = ", ".join(map(str, known.rules.values())) or "none, so that nothing is permitted"
        click.echo(f"{plain(str(known.path))} is sound. Its rules: {plain(names)}")
        return
    deed = _deed(action, subject, sources, dict(_pair(each) for each in pairs))
    decision = known.decide(principal, deed, approvals)
    click.secho("permitted" if decision.allowed else "denied", bold=True)
    for line in (*decision.why.splitlines(), decision.remedy):
        if line:
            click.echo(f"  {plain(line)}")
    sys.exit(0 if decision.allowed else DENIED)


@policy.command(epilog=EXIT_CODES)
@click.argument("number", metavar="RECORD", type=click.IntRange(1))
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be done.")
def approve(number: int, reason: str) -> None:
    """Approve what was denied to somebody else for want of an approval.

    RECORD is the number that the denial named, and that `aiopslab audit show --decision deny`
    lists. Whoever asked then asks again, within 24 hours; the approval is good for one deed, and
    for that one only. Who may approve what is for the policy to say, too.

    \b
    Example
      aiopslab policy approve 17 --reason "holds on all segments"
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.authorisation import approve as approved
    from aiopslab.governance.listing import lines

    asked = approved(number, reason)
    click.secho("approved", bold=True)
    for line in lines(asked):
        click.echo(line)


@click.group(cls=Group, epilog=AUDIT_CODES)
def audit() -> None:
    """Look into the audit trail of what was asked and done.

    The trail is the one that AIOPSLAB_AUDIT names, else audit.jsonl beside the policy.

    \b
    Examples
      aiopslab audit verify
      aiopslab audit show --event promote --since now-7d
      aiopslab audit archive policy/audit.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block


def _named(context: click.Context, parameter: click.Parameter, file: Path | None) -> "Trail":
    """Return the trail that is named, by whatever way."""
    from aiopslab.governance import environment
    from aiopslab.governance.audit import Trail

    return Trail(file or environment.trail() or environment.FILE)


_trail: Callable[..., Any] = click.argument(
    "trail", metavar="[FILE]", type=click.Path(path_type=Path), required=False, callback=_named
)


@audit.command()
@_trail
@click.option(
    "--seen", default="", metavar="HASH", help="A hash that an earlier check gave, to be found."
)
def verify(trail: "Trail", seen: str) -> None:
    """Check every record of FILE, and of its archives, against the one before it.

    A record that was changed, removed, put in or moved is found by the chain; a trail that was cut
    off at its end only by a hash that was kept elsewhere: --seen.

    \b
    Examples
      aiopslab audit verify policy/audit.jsonl
      aiopslab audit verify policy/audit.jsonl --seen 2184b561…
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    click.echo(str(trail.verify(seen)))


@audit.command()
@_trail
@click.option("--by", "principal", default="", metavar="USER", help="Who asked or did it.")
@click.option("--event", default="", help="run, promote, rollback, publish, approve, …")
@click.option("--decision", default="", help="permit, deny, done or failed.")
@click.option("--subject", default="", metavar="TEXT", help="A part of what it was done to.")
@click.option("--since", metavar="WHEN", help="2026-03-01, or relative: now-7d, today.")
def show(trail: "Trail", since: str | None, **wanted: str) -> None:
    """List the records of FILE, the oldest first: who did what, on what, and why it was denied.

    What is listed has been checked; at the first record that was changed the list ends.

    \b
    Examples
      aiopslab audit show
      aiopslab audit show --by ana --event promote --since now-7d
      aiopslab audit show --decision deny --subject models:/loans
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.listing import Wanted, lines

    if not trail.path.exists():
        raise click.UsageError(f"There is no audit trail {trail.path}.")
    chosen = Wanted(**wanted, since=_moment(since) if since else None)
    for record in chosen.choose(trail.records()):
        for line in lines(record):
            click.echo(line)


@audit.command()
@_trail
def archive(trail: "Trail") -> None:
    """Close FILE into an archive beside it, and go on in a new one.

    The first record of the new file names the archive and holds the hash of its last, so that both
    are verified and shown as one. No record is ever removed.

    \b
    Example
      aiopslab audit archive policy/audit.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    click.echo(f"closed into {plain(str(trail.archive()))}")


def _deed(action: str, subject: str, sources: tuple[str, ...], told: dict[str, str]) -> "Deed":
    """Return what is asked about, of what the options say."""
    from aiopslab.governance import deeds
    from aiopslab.governance.request import resource

    known = {"alias", "version", "to", "edition", "level", "service", "approves"}
    if unknown := set(told) - known:
        raise click.UsageError(f"--set {min(unknown)}: expected one of {', '.join(sorted(known))}.")
    get = told.get
    if action == "run":
        return deeds.Run(subject, sources)
    if action == "publish":
        edition: Any = get("edition", "internal")
        outputs = ((subject, get("level", "ok")),)
        return deeds.Publication(".", get("to", "."), edition, outputs, "")
    if action == "remediate":
        return deeds.Remediation(subject.removeprefix("runbooks:/"), get("service", ""), "")
    if action == "approve":
        approves: Any = get("approves", "promote")
        return deeds.Approving(approves, subject, (resource(subject),), "", "")
    move: Any = action
    return deeds.Move(move, subject, get("alias", ""), get("version", ""))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise click.UsageError(f"--set {text!r} is not NAME=VALUE.")
    return name, value


def _moment(text: str) -> datetime:
    """Read a time; one without a zone is in UTC."""
    from datetime import UTC

    from aiopslab import moments

    if moments.is_relative(text):
        return moments.resolve(text, datetime.now(UTC), moments.zone("UTC"))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time; expected e.g. 2026-03-01 or now-7d", param_hint="--since"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
