"""The command ``aiopslab profile``: a good table kept as a profile, others held against it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiopslab.drift.refusal import refusing
from aiopslab.errors import FrameError, did_you_mean

if TYPE_CHECKING:
    from aiopslab.drift.comparison import Comparison
    from aiopslab.drift.feature import FeatureDrift
    from aiopslab.drift.profiles import Profile

SAME, DRIFTED, NOT_ENOUGH = 0, 3, 4
EXIT_CODES = """\b
Exit codes
  0  profiled; with --against, no drift that matters
  2  a wrong command, or a table or profile that cannot be used
  3  a feature drifted
  4  not enough data to tell
"""


@click.command(epilog=EXIT_CODES)
@click.argument("source")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to keep the profile in."
)
@click.option("--against", type=click.Path(path_type=Path), help="Profile of a known good table.")
@click.option("--ignore", multiple=True, help="Column to leave out, such as an id or a timestamp.")
@click.option(
    "--cluster",
    metavar="tcp://HOST:PORT",
    help="Scheduler of dask.distributed whose workers profile the parts of a Parquet table.",
)
def profile(
    source: str,
    output: Path | None,
    against: Path | None,
    ignore: tuple[str, ...],
    cluster: str | None,
) -> None:
    """Profile a table, and tell which features drifted from a known good one.

    SOURCE is one row an observation: Parquet, a file or a folder of them, which is never held in
    memory as a whole; or CSV, JSON lines, or any URL that has observations. A profile is a few
    megabytes, whatever the number of rows, and serves every later comparison.

    \b
    Examples
      aiopslab profile january.parquet -o good.profile --ignore id --ignore timestamp
      aiopslab profile today.parquet --against good.profile --ignore id --ignore timestamp
      aiopslab profile s3://bucket/year/ -o year.profile --cluster tcp://scheduler:8786
    """
    from aiopslab.drift.comparison import compare
    from aiopslab.drift.profiles import Profile

    if output is None and against is None:
        raise click.UsageError("Name a file to keep the profile in (-o), or one to be --against.")
    with refusing():
        good = Profile.load(against) if against else None
        if cluster:
            made = _on_cluster(source, good, ignore, cluster)
        else:
            made = _profiled(source, good, ignore)
        if output is not None:
            made.save(output)
            click.echo(f"{output}: {made.rows:,} rows, {len(made.features)} features", err=True)
        if good is None:
            return
        good = _without(good, ignore)
        _check_same(source, good, made)
        comparison = compare(good, made)
    for line in _lines(comparison):
        click.echo(line)
    raise SystemExit(_exit_code(comparison))


def _profiled(source: str, like: "Profile | None", ignore: tuple[str, ...]) -> "Profile":
    """Profile a source as it is best read."""
    from aiopslab.drift.parquet import columns_of, profile_parquet, rows_of
    from aiopslab.drift.profiles import profile
    from aiopslab.drift.source import open_observations

    known = list(like.features) if like else []
    if _is_parquet(source):
        columns = _kept(columns_of(source), known, ignore)
        length, is_watched = rows_of(source), sys.stderr.isatty()
        with click.progressbar(
            length=length, label=source, file=sys.stderr, hidden=not is_watched
        ) as bar:
            made = profile_parquet(source, like, columns, progress=bar.update)
    else:
        table = open_observations(source).frames["observations"]
        columns = _kept([str(each) for each in table.columns], known, ignore)
        made = profile(table[columns], like)
    if not made.rows:
        raise FrameError(f"{source} has no rows", "Profile a table with at least one.")
    return made


def _on_cluster(
    source: str, like: "Profile | None", ignore: tuple[str, ...], address: str
) -> "Profile":
    """Profile Parquet where its workers can read it: a shared folder, or an fsspec URL."""
    from aiopslab.dask_scheduler import connect
    from aiopslab.drift.partitions import profile_partitions

    with connect(address) as client, client.as_current():
        import dask.dataframe as dd

        try:
            table = dd.read_parquet(source)
        except (OSError, ValueError) as error:
            raise FrameError(
                f"{source} cannot be read as Parquet: {error}",
                "Give a file or a folder that this machine and the workers can read.",
            ) from None
        known = list(like.features) if like else []
        columns = _kept([str(each) for each in table.columns], known, ignore)
        made = profile_partitions(table[columns], like)
    if not made.rows:
        raise FrameError(f"{source} has no rows", "Profile a table with at least one.")
    return made


def _is_parquet(source: str) -> bool:
    """Tell Parquet, in parts or not, from a recording, whose files are named after frames."""
    from aiopslab.sources import files
    from aiopslab.sources.tables import frame_of

    if source.lower().endswith(".parquet"):
        files.check_local(source)
        return files.is_protocol(files.scheme(source))
    parts = list(Path(source).glob("*.parquet")) if Path(source).is_dir() else []
    return bool(parts) and not any(frame_of(each.name) for each in parts)


def _kept(columns: list[str], known: list[str], ignore: tuple[str, ...]) -> list[str]:
    for name in ignore:
        if name not in columns and name not in known:
            raise FrameError(
                f"--ignore is {name!r}, but there is no such column", did_you_mean(name, columns)
            )
    kept = [name for name in columns if name not in ignore]
    if not kept:
        raise FrameError("there is no column left to profile", "Ignore fewer.")
    return kept


def _without(good: "Profile", ignore: tuple[str, ...]) -> "Profile":
    from aiopslab.drift.profiles import Profile

    left = {name: part for name, part in good.features.items() if name not in ignore}
    return Profile(good.rows, left)


def _check_same(source: str, good: "Profile", made: "Profile") -> None:
    for name in good.features:
        if name not in made.features:
            raise FrameError(
                f"{source} has no column {name!r}, which the profile has",
                f"Deliver it again, or leave it out: --ignore {name}.",
            )


def _exit_code(comparison: "Comparison") -> int:
    if comparison.drifted:
        return DRIFTED
    return SAME if any(_is_tested(each) for each in comparison.features) else NOT_ENOUGH


def _is_tested(drift: "FeatureDrift") -> bool:
    return not isnan(drift.p)  # as it is without enough data


def _lines(comparison: "Comparison") -> Iterator[str]:
    """Yield the answer, and a line a feature with the most drifted first."""
    drifted, features = len(comparison.drifted), len(comparison.features)
    rows = f"{comparison.current.rows:,} rows against {comparison.reference.rows:,}"
    yield click.style(f"{drifted} of {features} features drifted; {rows}", bold=True)
    percent = f"{comparison.confidence:.0%}".replace("%", " %")
    table = [("", "feature", "effect", percent, "measure", "what moved")]
    for each in comparison.features:
        tested, effect = _is_tested(each), each.effect
        table.append(
            (
                "drifted" if each.drifted else "same" if tested else "too few",
                " ".join(each.feature.split()),
                "-" if isnan(effect.value) else f"{effect.value:.3f}",
                "-" if isnan(effect.low) else f"{effect.low:.3f} to {effect.high:.3f}",
                each.measure,
                each.direction,
            )
        )
    yield from _aligned(table)
    for name in comparison.extra:
        yield f"not compared, since the profile does not have it: {name}"


def _aligned(table: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
