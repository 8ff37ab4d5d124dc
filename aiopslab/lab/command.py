"""The command ``aiopslab lab``."""

import secrets
from ipaddress import ip_address
from pathlib import Path

import click

from aiopslab.lab.errors import LabError
from aiopslab.lab.workspace import default_folder, prepare


@click.command(
    epilog="""\b
Examples:
  aiopslab lab                          on ./aiopslab-lab, made at the first start
  aiopslab lab incidents/ --port 9000
  aiopslab lab --reports /srv/reports   the gallery and the MLflow store of others
  aiopslab lab --no-browser             over ssh: forward the port, open the address
  aiopslab lab -- --LabApp.collaborative=True

\b
The Launcher shows
  New from template   a notebook of your own for each investigation, ready to run
  Report gallery      what `aiopslab run -o FOLDER/reports` left, newest first
  MLflow              runs, metrics and models: the store of those reports, or the
                      server that MLFLOW_TRACKING_URI names
  Walkthroughs        notebooks/, to learn from and to change

Ctrl-C stops JupyterLab, its kernels and MLflow. The walkthroughs are copied once and
never written over. What JupyterLab remembers (theme, layout, log) is in FOLDER/.workspace.
""",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Where JupyterLab answers; 0 takes any free port.  [default: the first free from 8888]",
)
@click.option(
    "--ip",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="What it listens on. Anything but loopback shows it to others, if they have the token.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The gallery.  [default: reports in the workspace]",
)
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [-- JUPYTERLAB OPTION]..."
)
def lab(
    words: tuple[str, ...],
    port: int | None,
    ip: str,
    no_browser: bool,
    reports: Path | None,
) -> None:
    """Open JupyterLab on a ready workspace, with nothing to configure.

    FOLDER is the workspace. Unless given it is the checkout where the command is given in one,
    else aiopslab-lab, which is made.
    """
    from aiopslab.lab import session
    from aiopslab.lab.settings import Address

    folder, jupyter = _split(words)
    ip = _number(ip)
    address = Address(ip, session.free_port(ip, port), secrets.token_hex(24))
    workspace = prepare(folder or default_folder(Path.cwd()), reports)

    def ready() -> None:
        click.secho("JupyterLab is open", bold=True, nl=False)
        click.echo(f" on {workspace.folder}")
        for kept in workspace.kept:
            click.echo(f"  kept as you left it: {kept.relative_to(workspace.folder)}")
        click.echo(f"  {address.url}lab?token={address.token}")
        click.echo("Ctrl-C stops it.")

    session.run(workspace, address, not no_browser, jupyter, ready)
    click.echo("Stopped.")


def _split(words: tuple[str, ...]) -> tuple[Path | None, tuple[str, ...]]:
    """Tell the folder from what goes to JupyterLab: its options, which begin with a hyphen."""
    if words and not words[0].startswith("-"):
        return Path(words[0]), words[1:]
    return None, words


def _number(ip: str) -> str:
    try:
        return str(ip_address("127.0.0.1" if ip == "localhost" else ip))
    except ValueError:
        raise LabError(
            f"ip is {ip!r}; expected an IP address of this machine",
            "Pass 127.0.0.1 for this machine alone, 0.0.0.0 for all that can reach it.",
        ) from None
