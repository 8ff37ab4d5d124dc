"""The `aiopslab` command. Everything heavy is imported by the command that needs it."""

import sys
from importlib import import_module
from pathlib import Path

import click

from aiopslab import __version__
from aiopslab.errors import AIOpsLabError
from aiopslab.reports.command import DONE, FAILED, Commands, into_gallery, run, run_template
from aiopslab.wording import plain

LATE = {
    "audit": "aiopslab.governance.command",
    "card": "aiopslab.cards.command",
    "diff": "aiopslab.comparison.diff_command",
    "feedback": "aiopslab.overview.feedback_command",
    "gallery": "aiopslab.sharing.share_command",
    "kernels": "aiopslab.kernels.command",
    "lab": "aiopslab.lab.command",
    "models": "aiopslab.models.command",
    "notify": "aiopslab.notifications.notify_command",
    "policy": "aiopslab.governance.command",
    "profile": "aiopslab.drift.profiling",
    "promote": "aiopslab.drift.command",
    "prompts": "aiopslab.prompts.command",
    "rehearse": "aiopslab.rehearsal.command",
    "remediate": "aiopslab.runbooks.command",
    "rerun": "aiopslab.comparison.rerun_command",
    "retrieval": "aiopslab.retrieval.command",
    "run-all": "aiopslab.plans.plan_command",
    "schedule": "aiopslab.plans.schedule_command",
    "serve": "aiopslab.sharing.share_command",
    "spending": "aiopslab.overview.spending.command",
    "story": "aiopslab.story.command",
}
INTERRUPTED, TERMINATED = 130, 143


class Root(Commands):
    """The commands, of which some are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *LATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in LATE:
            name = cmd_name.replace("-", "_")
            command: click.Command = getattr(import_module(LATE[cmd_name]), name)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aiopslab")
def cli() -> None:
    """AIOps Lab: find what broke, when, where, and how sure we are; keep it as a report.

    \b
    Start here
      aiopslab demo                  run every template on embedded data
      aiopslab run incident --help   what a report can be told
      aiopslab run incident -p evidence=recording/ -o reports/
    """


cli.add_command(run)


@cli.command()
def templates() -> None:
    """List the templates that `aiopslab run` takes."""
    from aiopslab.reports import templates as known

    for template in known():
        click.secho(template.name, bold=True, nl=False)
        click.echo(f"  {template.title}: {len(template.parameters)} parameters")
        click.echo(f"    {template.summary}")


@cli.command()
def samples() -> None:
    """List the embedded recordings, each opened as sample://NAME."""
    from aiopslab import sources

    for name in sources.samples.names():
        click.echo(f"sample://{name}")


@cli.command()
@into_gallery
def demo(output: Path) -> None:
    """Run every template on its embedded data, and the incident report on every recording."""
    from aiopslab import sources
    from aiopslab.reports import templates as known

    every = [{"evidence": f"sample://{name}"} for name in sources.samples.names()]
    by_name = {each.name: each for each in known()}
    overview = by_name.pop("overview")
    shown = next(each.default for each in overview.parameters if each.name == "evidence")
    failed, series = False, {}
    for template in by_name.values():
        for values in every if template.name == "incident" else [{}]:
            click.echo(" ".join([template.name, *values.values()]))
            record = run_template(template, values, output)
            failed |= record.status == "failed"
            told = {each.name: each.default for each in template.parameters} | values
            if shown in told.values():  # of the same recording, so that the overview leads to it
                series[template.name] = record.series
    click.echo(overview.name)
    failed |= run_template(overview, {"reports": series}, output).status == "failed"
    click.secho(f"\nOpen {output / 'index.html'} in a browser.", bold=True)
    sys.exit(FAILED if failed else DONE)


def main() -> None:
    """Run the command; a mistake of the user's ends in a message, never in a traceback."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AIOpsLabError as error:
        told = "\n".join(map(plain, str(error).splitlines()))
        click.secho(f"Error: {told}", fg="red", err=True)
        sys.exit(error.exit_code)
    except click.Abort as abort:  # click's name for an interruption, which it keeps as the cause
        click.echo("Stopped.", err=True)
        sys.exit(TERMINATED if type(abort.__cause__).__name__ == "Terminated" else INTERRUPTED)
