"""The commands ``aiopslab policy`` and ``aiopslab audit``."""

import sys
from pathlib import Path

import click

from aiopslab.terminal import Group, plain

DENIED = 4

EXIT_CODES = """\b
Exit codes
  0  sound, or permitted
  2  a file cannot be used, or a wrong command
  4  denied
"""


@click.group(cls=Group, epilog=EXIT_CODES)
def policy() -> None:
    """Check who may run which template on which source.

    A policy is a file of Cedar, or a folder with a policy.cedar; groups.yml beside it says who is
    in which group. Runs are held to the one that AIOPSLAB_POLICY names.

    \b
    Examples
      aiopslab policy check policy/
      AIOPSLAB_POLICY=policy/ aiopslab run drift
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "principal", metavar="USER", help="Who would run it.")
@click.option("--template", metavar="NAME", help="What would be run.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="URL",
    help="What it would open, as often as needed.",
)
def check(
    file: Path, principal: str | None, template: str | None, sources: tuple[str, ...]
) -> None:
    """Check the policy FILE, or explain a decision of it; nothing is run or recorded.

    \b
    Examples
      aiopslab policy check policy/
      aiopslab policy check policy/ --as ana --template drift --source sample://cpu-hog
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.policy import Policy

    if bool(principal) != bool(template) or (sources and not principal):
        raise click.UsageError("Explaining a decision takes --as USER and --template NAME.")
    known = Policy.read(file)
    if principal is None or template is None:
        names = ", ".join(map(str, known.rules.values())) or "none, so that nothing is permitted"
        click.echo(f"{plain(str(known.path))} is sound. Its rules: {plain(names)}")
        return
    decision = known.decide(principal, template, sources)
    click.secho("permitted" if decision.allowed else "denied", bold=True)
    for line in (*decision.why.splitlines(), decision.remedy):
        if line:
            click.echo(f"  {plain(line)}")
    sys.exit(0 if decision.allowed else DENIED)


@click.group(cls=Group)
def audit() -> None:
    """Look into the audit trail of what was asked and done.

    \b
    Example
      aiopslab audit verify policy/audit.jsonl
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@audit.command()
@click.argument("file", type=click.Path(path_type=Path), default="audit.jsonl")
@click.option(
    "--seen", default="", metavar="HASH", help="A hash that an earlier check gave, to be found."
)
def verify(file: Path, seen: str) -> None:
    """Check every record of FILE against the one before it.

    A record that was changed, removed, put in or moved is found by the chain; a trail that was cut
    off at its end only by a hash that was kept elsewhere: --seen.

    \b
    Examples
      aiopslab audit verify policy/audit.jsonl
      aiopslab audit verify policy/audit.jsonl --seen 2184b561…
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.governance.audit import Trail

    click.echo(str(Trail(file).verify(seen)))
