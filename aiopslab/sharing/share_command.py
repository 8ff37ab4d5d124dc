"""The commands ``aiopslab gallery`` and ``aiopslab serve``."""

import os
from pathlib import Path
from typing import Any

import click

from aiopslab.errors import ReportError
from aiopslab.reports.command import Commands

SHORT = 3  # of what was to be taken out
TOKEN = "AIOPSLAB_SERVE_TOKEN"  # noqa: S105 - the name of a variable

of_gallery = click.argument("folder", type=click.Path(path_type=Path), default="reports")


class Gallery(Commands):
    """Commands of a gallery; a folder alone is to be built."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `aiopslab gallery FOLDER` for `aiopslab gallery build FOLDER`."""
        is_command = bool(args) and (args[0] in self.commands or args[0].startswith("-"))
        return super().parse_args(ctx, args if is_command else ["build", *args])


@click.group(cls=Gallery)
def gallery() -> None:
    """Build, thin out, publish and export a gallery of reports.

    \b
    Examples
      aiopslab gallery build reports/
      aiopslab gallery prune reports/ --keep 30 --days 90 --dry-run
      aiopslab gallery publish reports/ s3://bucket/team --edition redacted
      aiopslab gallery export incident-20260301T060000Z-1a2b3c -o report.html
      aiopslab gallery recall
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@gallery.command()
@of_gallery
def build(folder: Path) -> None:
    """Build the pages of the reports in FOLDER anew.

    Runs bring the pages up to date by themselves; this makes all of them again.
    """
    from aiopslab.reports.gallery import rebuild

    click.echo(rebuild(folder))


@gallery.command()
@of_gallery
@click.option("--keep", type=click.IntRange(1), help="Runs of each series that stay however old.")
@click.option("--days", type=click.FloatRange(0), help="Younger runs stay however many.")
@click.option("--failed-days", type=click.FloatRange(0), help="The same of runs that failed.")
@click.option(
    "--always",
    multiple=True,
    type=click.Choice(["ok", "watch", "act", "failed"]),
    help="Runs in this state stay; as often as needed.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def prune(folder: Path, dry_run: bool, **given: Any) -> None:
    """Remove old runs from the gallery in FOLDER.

    Left out, --keep is 30, --days 90 and --failed-days 14. What runs, and the last of each series,
    stays.

    \b
    Examples
      aiopslab gallery prune reports/ --dry-run
      aiopslab gallery prune reports/ --keep 10 --days 30 --always act
    """  # noqa: D301
    from aiopslab.sharing import retention
    from aiopslab.wording import plain

    settings = retention.Settings(
        **{name: value for name, value in given.items() if value not in (None, ())}
    )
    gone = retention.prune(folder, settings, dry_run=dry_run)
    for run in gone:
        click.echo(f"{run.started[:10]}  {run.state:8}{run.id}  {plain(run.headline)}")
    click.secho(f"{len(gone)} runs {'would go' if dry_run else 'removed'}", bold=True)


@gallery.command()
@of_gallery
@click.argument("to", metavar="TO")
@click.option(
    "--edition",
    type=click.Choice(["internal", "redacted"]),
    default="internal",
    show_default=True,
    help="redacted: for outsiders.",
)
@click.option("--url", default="", metavar="URL", help="Where readers find it, for its feed.")
@click.option(
    "--services",
    type=click.Choice(["keep", "pseudonym"]),
    default="keep",
    show_default=True,
    help="Names of services in the redacted edition.",
)
@click.option("--hide", multiple=True, metavar="WORD", help="A word no outsider may read.")
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["actions", "prose", "tables"]),
    help="What else outsiders may read; tables may hold log lines and prompts.",
)
def publish(folder: Path, to: str, edition: str, url: str, **outsiders: Any) -> None:
    """Publish the gallery in FOLDER to TO, a folder or a URL of fsspec.

    Only what changed is sent. Credentials come from the environment that fsspec's back end reads,
    e.g. AWS_PROFILE, or FSSPEC_S3_ENDPOINT_URL for storage that speaks as S3 does. Exits with 4
    where a policy (AIOPSLAB_POLICY) keeps reports from leaving, by edition, destination, template
    and level.

    \b
    Examples
      aiopslab gallery publish reports/ /srv/www/reports
      aiopslab gallery publish reports/ s3://bucket/team --url https://reports.example/team
      aiopslab gallery publish reports/ s3://bucket/open --edition redacted --services pseudonym
    """  # noqa: D301
    from pydantic import ValidationError

    from aiopslab.sharing.publish import Settings
    from aiopslab.sharing.publish import publish as send

    try:
        settings = Settings.model_validate(
            {"to": to, "edition": edition, "url": url, "redaction": outsiders}
        )
    except ValidationError as error:
        found = error.errors()[0]
        raise click.BadParameter(found["msg"], param_hint=str(found["loc"][0])) from None
    click.echo(send(folder, settings))


@gallery.command()
@click.argument("run")
@click.option(
    "-g",
    "--gallery",
    "folder",
    type=click.Path(path_type=Path),
    default="reports",
    show_default=True,
    help="Folder of the gallery.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="[default: RUN.html]")
def export(run: str, folder: Path, output: Path | None) -> None:
    """Make one file of a report, which opens without the gallery and without a network.

    RUN is the id of a run in the gallery, or the path of its folder or page.

    \b
    Examples
      aiopslab gallery export incident-20260301T060000Z-1a2b3c
      aiopslab gallery export reports/incident-20260301T060000Z-1a2b3c -o incident.html
    """  # noqa: D301
    from aiopslab.sharing.single import single

    made = single(run, folder, output)
    click.echo(f"{made}  {made.stat().st_size / 1e6:.1f} MB")


@gallery.command()
@click.option("--seed", default=0, show_default=True, help="Of the texts.")
@click.option(
    "--each", type=click.IntRange(1), default=50, show_default=True, help="Texts of each kind."
)
@click.option(
    "--least",
    type=click.IntRange(0, 100),
    default=95,
    show_default=True,
    help="What is surely to be taken out of them, in percent.",
)
def recall(seed: int, each: int, least: int) -> None:
    """Measure how much the redactor takes out of texts in which something is planted.

    The texts are made by chance: what is personal, where something is, secrets. Of a kind,
    low and high are the interval of its recall. Names in prose and hosts of one word are shown and
    do not count: no pattern tells them from other words, so name them with --hide when you publish.

    Exits with 3 where less is surely taken out of all together than --least.

    \b
    Example
      aiopslab gallery recall --each 200
    """  # noqa: D301
    from aiopslab.sharing.recall import measure
    from aiopslab.terminal import aligned

    found = measure(seed, each)
    for line in aligned(found.table().round(3)):
        click.echo(line)
    click.secho(f"surely {found.percent} % of all but what looks like any word", bold=True)
    raise SystemExit(0 if found.percent >= least else SHORT)


@click.command()
@of_gallery
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--proxy-header", metavar="NAME", help="Header in which a reverse proxy names readers."
)
@click.option(
    "--proxy-from",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network of that proxy; as often as needed.",
)
@click.option("--no-sign-in", is_flag=True, help="Let everybody of this machine read.")
def serve(
    folder: Path,
    host: str,
    port: int,
    proxy_header: str | None,
    proxy_from: tuple[str, ...],
    no_sign_in: bool,
) -> None:
    """Serve the gallery in FOLDER to those who sign in.

    Readers need the token in the address that is shown: that of the variable AIOPSLAB_SERVE_TOKEN,
    else one that is made. Or a reverse proxy signs them in and names them in a header.

    \b
    Examples
      aiopslab serve reports/
      aiopslab serve reports/ --host 10.0.0.4 --proxy-header X-Forwarded-User --proxy-from 10.0.0.5
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8700/feed.xml
    """  # noqa: D301
    import secrets
    import socket

    import uvicorn

    from aiopslab.reports.gallery import build as bring_up_to_date
    from aiopslab.sharing import gates
    from aiopslab.sharing.serve import app, check

    gate: gates.Gate
    query = ""
    if proxy_header:
        gate = gates.Proxy(proxy_header, proxy_from)
    elif no_sign_in:
        gate = gates.Open()
    else:
        gate = gates.Token(os.environ.get(TOKEN) or secrets.token_urlsafe(32))
        query = "" if os.environ.get(TOKEN) else f"?token={gate.secret}"
    check(host, gate)
    bring_up_to_date(folder)
    shown = f"[{host}]" if ":" in host else host
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ReportError(
            f"cannot listen at {shown}:{port}: {error.strerror}",
            "Choose another with --host or --port.",
        ) from None
    config = uvicorn.Config(
        app(folder, gate),
        # The token may stand in an address, and whom a request is from is for the gate to tell.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        log_level="warning",
    )
    click.echo(f"Open http://{shown}:{bound.getsockname()[1]}/{query}  (Ctrl-C ends it)")
    uvicorn.Server(config).run(sockets=[bound])
