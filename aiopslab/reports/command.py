"""The command ``aiopslab run``."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.errors import AIOpsLabError, ParameterError, did_you_mean

if TYPE_CHECKING:
    from aiopslab.reports.catalogue import Template
    from aiopslab.reports.execution import Limits
    from aiopslab.reports.record import Record

DONE, FAILED, ALARM = 0, 1, 3

EXIT_CODES = """\b
Exit codes
  0    done
  1    the report failed; what there is of it is kept and marked
  2    a wrong command or parameter; nothing was started
  3    the verdict reached the level of --fail-on
  4    a policy does not permit it; nothing was started
  130  interrupted; what there is of the report is kept (143: by SIGTERM)
"""

into_gallery = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="reports",
    show_default=True,
    help="Folder of the gallery.",
)


def seconds(text: str) -> float:
    """Read a duration such as ``10min``, as seconds.

    Raises
    ------
    click.BadParameter
        If it is none.
    """
    from aiopslab import durations

    duration = durations.parse(text)
    if duration is None:
        raise click.BadParameter(f'{text!r} is no duration above 0, such as "90s" or "10min"')
    return float(duration.total_seconds())


class Commands(click.Group):
    """A group that names the nearest command when there is no such one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Resolve a command, or say which was probably meant."""
        if self.get_command(ctx, args[0]) is None:
            known = self.list_commands(ctx)
            raise click.UsageError(
                f"No such command {args[0]!r}. {did_you_mean(args[0], known)}", ctx
            )
        return super().resolve_command(ctx, args)


class Templates(Commands):
    """One command a template, made from its parameters when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the templates."""
        from aiopslab.reports import templates

        return [template.name for template in templates()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a template, by its name or its path."""
        from aiopslab.reports import find

        if not cmd_name.endswith(".ipynb") and cmd_name not in self.list_commands(ctx):
            return None
        return _command(find(cmd_name))


@click.group(cls=Templates, subcommand_metavar="TEMPLATE [OPTIONS]", epilog=EXIT_CODES)
def run() -> None:
    """Run a template headless and render its report.

    TEMPLATE is one of the names below, or the path of a notebook with a `parameters` cell.
    `aiopslab run TEMPLATE --help` shows what it can be told.

    \b
    Examples
      aiopslab run incident
      aiopslab run incident -p evidence=telemetry/ -p confidence=0.9
      aiopslab run incident -f incident.yml --fail-on act
      aiopslab run drift --timeout 10min --cell-timeout 1min
    """  # noqa: D301 - click reads \b as the start of a verbatim block


def run_template(
    template: "Template", values: dict[str, Any], folder: Path, limits: "Limits | None" = None
) -> "Record":
    """Run a template, and say how it stands and what came of it.

    Raises
    ------
    AIOpsLabError
        As `aiopslab.reports.run.run` does; no secret of the environment is in its text.
    """
    from rich.console import Console

    from aiopslab.reports import render, secrets
    from aiopslab.reports.execution import USUAL
    from aiopslab.reports.gallery import INDEX
    from aiopslab.reports.record import PAGE
    from aiopslab.reports.run import run as run_report
    from aiopslab.reports.scan import Scanner

    scanner = Scanner(secrets.of_environment())
    console = Console(stderr=True, highlight=False)
    title = scanner.text(template.title, "title")
    console.print(title, markup=False)
    try:
        with _progress(console, title) as progress:
            record = run_report(template, values, folder, progress, limits=limits or USUAL)
    except AIOpsLabError as error:
        clean = (scanner.text(each, "error") for each in (error.problem, error.remedy))
        raise type(error)(*clean) from None
    state = render.state(record)
    headline = str(record.failure or (record.verdict.headline if record.verdict else ""))
    click.echo(f"{render.GLYPHS[state]} {state}: {headline}")
    for note in record.notes:
        click.echo(f"Note: {note}", err=True)
    click.echo(f"  report   {folder / record.id / PAGE}")
    click.echo(f"  gallery  {folder / INDEX}")
    return record


def _progress(console: Any, title: str) -> AbstractContextManager[Any]:
    """Show a bar to a person, and a line a section to a log."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    @contextmanager
    def bar() -> Iterator[Any]:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as shown:
            task = shown.add_task(title, total=None)

            def advance(cell: int, cells: int, section: str) -> None:
                shown.update(task, total=cells, completed=cell, description=section or title)

            yield advance

    @contextmanager
    def lines() -> Iterator[Any]:
        last = ""

        def advance(cell: int, cells: int, section: str) -> None:
            nonlocal last
            if section != last:
                console.print(f"  {section} (cell {cell} of {cells})")
                last = section

        yield advance

    return bar() if console.is_terminal else lines()


def _command(template: "Template") -> click.Command:
    """Make the command of a template."""

    @click.command(
        template.name,
        help=f"{template.title}\n\n{template.summary}",
        epilog=_parameters_help(template),
    )
    @click.option(
        "-p",
        "--parameter",
        "pairs",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter, as often as needed; see below.",
    )
    @click.option(
        "-f",
        "--file",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Parameters from a YAML or JSON file; -p overrides it.",
    )
    @into_gallery
    @click.option(
        "--fail-on",
        type=click.Choice(["watch", "act"]),
        metavar="LEVEL",
        help="Exit with 3 when the verdict is this level or worse: watch or act.",
    )
    @click.option(
        "--timeout",
        "report_s",
        type=seconds,
        metavar="DURATION",
        help="End the report, as failed, when it takes longer: 90s, 10min, 1h.",
    )
    @click.option(
        "--cell-timeout",
        "cell_s",
        type=seconds,
        metavar="DURATION",
        help="End it when one of its cells takes longer.",
    )
    @click.option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow server to log to and to open models from; else MLFLOW_TRACKING_URI, else a "
        "store in the folder.",
    )
    def command(
        pairs: tuple[str, ...],
        file: Path | None,
        output: Path,
        fail_on: str | None,
        report_s: float | None,
        cell_s: float | None,
        tracking_uri: str | None,
    ) -> None:
        from aiopslab.reports.execution import Limits

        values = (_from_file(file) if file else {}) | dict(_pair(pair) for pair in pairs)
        if tracking_uri:
            os.environ["MLFLOW_TRACKING_URI"] = tracking_uri  # which the kernel gets too
        record = run_template(template, values, output, Limits(cell_s, report_s))
        if record.status == "failed":
            sys.exit(FAILED)
        sys.exit(ALARM if _is_alarming(record, fail_on) else DONE)

    return command


def _parameters_help(template: "Template") -> str:
    """Describe the parameters: name, type, default, help."""
    lines = ["\b", "Parameters (-p NAME=VALUE)"]
    for parameter in template.parameters:
        default = "required" if parameter.is_required else f"default: {_shown(parameter.default)}"
        lines.append(f"  {parameter.name}: {parameter.kind()}  [{default}]")
        lines += [f"      {line}" for line in _wrapped(parameter.help)]
    return "\n".join([*lines, "", EXIT_CODES])


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 72)


def _pair(pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise ParameterError(f"-p {pair!r} is not NAME=VALUE", "Write it as -p confidence=0.9.")
    return name, value


def _from_file(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"{path} is neither YAML nor JSON: {error}", "Mend the file."
        ) from None
    if values is not None and not isinstance(values, dict):
        raise ParameterError(
            f"{path} holds a {type(values).__name__}; expected names with values",
            "Write one `name: value` a line.",
        )
    return values or {}


def _is_alarming(record: "Record", fail_on: str | None) -> bool:
    from aiopslab.findings import LEVELS

    if fail_on is None or record.verdict is None:
        return False
    levels: list[str] = list(LEVELS)
    return levels.index(record.verdict.level) >= levels.index(fail_on)
