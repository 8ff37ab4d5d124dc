"""The command ``aiopslab notify``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.terminal import Group
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.notifications.notify_settings import Settings

FAILED = 1
KEY = "notify"

_only = click.option(
    "-t", "--target", "only", multiple=True, metavar="NAME", help="Only these, as often as needed."
)
_output = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="reports",
    show_default=True,
    help="Folder of the gallery.",
)
_plan = click.argument("plan", type=click.Path(path_type=Path))


@click.group(cls=Group)
def notify() -> None:
    """Tell people of reports, as a plan says under `notify:`.

    \b
    Start here
      aiopslab notify test plan.yml      does a message arrive?
      aiopslab notify digest plan.yml    send the digests whose time has come
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@notify.command("test")
@_plan
@_only
@_output
def trial(plan: Path, only: tuple[str, ...], output: Path) -> None:
    """Send a trial message to the targets of PLAN, and say which got it.

    \b
    Examples
      aiopslab notify test plan.yml
      aiopslab notify test plan.yml --target "on call"
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.notifications.notify import send_trial

    problems = send_trial(_settings(plan, only), output, only)
    for name, problem in problems.items():
        click.echo(plain(problem or f"{name} was told"))
    sys.exit(FAILED if any(problems.values()) else 0)


@notify.command("digest")
@_plan
@_only
@_output
def digest(plan: Path, only: tuple[str, ...], output: Path) -> None:
    """Send the digests of PLAN whose time has come; for a timer, where no report runs by then.

    \b
    Example
      aiopslab notify digest plan.yml -o reports/
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from datetime import UTC, datetime

    from aiopslab.notifications.notify import send_digests

    problems = send_digests(_settings(plan, only), output, datetime.now(UTC), only)
    for problem in problems:
        click.echo(plain(problem), err=True)
    sys.exit(FAILED if problems else 0)


def _settings(plan: Path, only: tuple[str, ...]) -> "Settings":
    """Read the one key of a plan that this is about: the rest may still be in the making."""
    from pydantic import ValidationError

    from aiopslab import yaml_file
    from aiopslab.notifications.notify_settings import Settings

    document = yaml_file.read(plan)
    told = document.value if isinstance(document.value, dict) else {}
    if KEY not in told:
        raise ParameterError(
            f"{plan} has no `{KEY}:`, so nobody is told", "See docs/factory/notifications.md."
        )
    try:
        settings = Settings.model_validate(told[KEY])
    except ValidationError as error:
        lines = [
            f"{plan}, line {document.line((KEY, *each['loc']))}: "
            f"{'.'.join(map(str, (KEY, *each['loc'])))}: {each['msg']}"
            for each in error.errors()
        ]
        raise ParameterError("\n".join(lines), "See docs/factory/notifications.md.") from None
    known = [each.name for each in settings.targets]
    for name in only:
        if name not in known:
            raise ParameterError(f"no target is named {name!r}. {did_you_mean(name, known)}")
    return settings
