"""What others do: rank the services of an incident, each by its own package where that installs.

A package that does not install beside this project runs in an environment of its own, in the same
run: ``AIOPSLAB_PEERS_PYTHON`` names its Python, which needs numpy and pandas beside the package.

- ``fse-baro`` 0.2.2 (BARO) installs beside the pins; ``uv pip install fse-baro`` adds nothing else.
- ``sfr-pyrca`` 1.0.1 (PyRCA; ``pyrca`` is another package, of concrete structures) needs
  scikit-learn < 1.2, here 1.9.1 is pinned, whose binaries need numpy < 2, and with it pandas < 3.
  It needs ``pkg_resources``, so setuptools < 70, and asks for javabridge 1.0.19, which has no
  wheel and does not build without a Java home but is not imported by the analyses used here. Where
  it works: Python 3.11, ``uv pip install sfr-pyrca fse-baro "numpy<1.24" "pandas<2" "scipy<1.11"
  "setuptools<70" --override FILE``, the file holding ``javabridge; sys_platform == "none"``.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from benchmarks.harness import Figure
    from benchmarks.incident import data

PYTHON = "AIOPSLAB_PEERS_PYTHON"
BEFORE, AFTER = pd.Timedelta("15min"), pd.Timedelta("6min")  # of a fault, that peers are shown
NORMAL = (0.0, 0.0)
ANOMALOUS = 3.0  # nats: as rare as 1 in 20 of the quiet values, the published setting
ALERTED = "latency_Average"  # what the alerts of petshop are of
SEED = 0


@dataclass(frozen=True)
class Case:
    """What a peer is given. Rows before the onset are quiet; topology is caller, callee."""

    metrics: pd.DataFrame
    onset: pd.Timestamp
    topology: pd.DataFrame | None = None


def n_sigma(metrics: pd.DataFrame, onset: pd.Timestamp) -> list[str]:
    """Rank by the largest deviation after the onset from the mean before it, in its deviations.

    Series that are constant before the onset have no deviation and are left out.
    """
    before, after = metrics[metrics.index < onset], metrics[metrics.index >= onset]
    sigma = before.std()
    z = (after - before.mean()).abs().max() / sigma.where(sigma > 0)
    return services(z.dropna().sort_values(ascending=False, kind="stable").index)


def baro(metrics: pd.DataFrame, onset: pd.Timestamp) -> list[str]:
    """Rank with BARO's robust scorer (Pham et al. 2024), of the package ``fse-baro``."""
    from baro.root_cause_analysis import robust_scorer

    plain, names = _plain(metrics)
    ranked = robust_scorer(plain, inject_time=onset.timestamp())["ranks"]
    return services([names[each] for each in ranked])


def baro_onset(metrics: pd.DataFrame) -> pd.Timestamp | None:
    """Find the onset with BARO's change-point detection: the first change; ``None`` without any.

    It takes the columns that it knows as latencies, else all. In windows of 20 rows it finds none.
    """
    from baro.anomaly_detection import bocpd

    plain, _ = _plain(metrics)
    found = bocpd(plain.drop(columns="time"))
    first = min(found, default=len(metrics))
    return metrics.index[first] if first < len(metrics) else None  # the end is no change


def pyrca_rcd(metrics: pd.DataFrame, onset: pd.Timestamp) -> list[str]:
    """Rank with RCD (Ikram et al. 2022), of the package ``sfr-pyrca``, as it comes."""
    from pyrca.analyzers.rcd import RCD, RCDConfig

    quiet, after, names = _split(metrics, onset)
    np.random.seed(SEED)
    found = RCD(RCDConfig(k=len(names))).find_root_causes(quiet, after).root_cause_nodes
    return services([names[name] for name, _ in found])


def pyrca_ht(metrics: pd.DataFrame, onset: pd.Timestamp, topology: pd.DataFrame) -> list[str]:
    """Rank with the hypothesis test (Li et al. 2022) of ``sfr-pyrca``, on one series a service.

    The calls, turned round, are its causal graph: a callee slows its caller.
    """
    from pyrca.analyzers.ht import HT, HTConfig

    quiet, after, names = _split(metrics, onset)
    names = {column: service for column, (service, _) in names.items()}
    quiet, after = quiet.rename(columns=names), after.rename(columns=names)
    graph = pd.DataFrame(0, index=quiet.columns, columns=quiet.columns)
    for caller, callee in topology[["caller", "callee"]].to_numpy():
        if caller in graph.index and callee in graph.index and caller != callee:
            graph.loc[callee, caller] = 1
    model = HT(HTConfig(graph=graph, root_cause_top_k=len(names)))
    model.train(quiet)
    return [name for name, _ in model.find_root_causes(after).root_cause_nodes]


def petshop_traversal(
    metrics: pd.DataFrame,
    quiet: pd.DataFrame,
    topology: pd.DataFrame,
    symptom: str,
    time: pd.Timestamp,
) -> list[str]:
    """Rank as the traversal that Hardt et al. (2024) measure on PetShop, written from its text.

    From the service of the alert the calls are followed for as long as the callee is anomalous.
    Those without an anomalous callee are causes, the most anomalous first. A value is as anomalous
    as its distance from the median of the quiet values is rare among theirs, in nats.
    """
    now = metrics[metrics.index >= time]
    score: dict[str, tuple[float, float]] = {}
    for column in metrics.columns.intersection(quiet.columns):
        service = str(column[0])
        score[service] = max(score.get(service, NORMAL), rarity(quiet[column], now[column]))
    anomalous = {service for service, (nats, _) in score.items() if nats >= ANOMALOUS}
    called = topology.groupby("caller")["callee"].agg(set).to_dict()
    causes, seen, left = [], {symptom}, [symptom]
    while left:
        service = left.pop()
        onwards = called.get(service, set()) & anomalous - {service}
        if not onwards:
            causes.append(service)
        left += sorted(onwards - seen)
        seen |= onwards
    return sorted(causes, key=lambda service: score.get(service, NORMAL), reverse=True)


def rarity(quiet: "pd.Series[float]", now: "pd.Series[float]") -> tuple[float, float]:
    """Return how rare the rarest value is among the quiet ones, two-sided, in nats.

    Beyond all quiet values there is no telling by rank, so the second number is the largest
    distance from their median, in median absolute deviations: it parts ties, in the peer's favour.
    """
    known, values = np.sort(quiet.dropna().to_numpy()), now.dropna().to_numpy()
    if not known.size or not values.size:
        return NORMAL
    below = np.searchsorted(known, values, side="right")
    above = known.size - np.searchsorted(known, values, side="left")
    tail = np.minimum(2 * (np.minimum(below, above) + 1) / (known.size + 1), 1.0)
    middle = np.median(known)
    spread = np.median(np.abs(known - middle))
    away = float(np.abs(values - middle).max() / spread) if spread > 0 else 0.0
    return float(-np.log(tail.min())), away


@dataclass(frozen=True)
class Peer:
    """A way to rank, the module that it needs, and whether it needs to know the calls."""

    rank: Callable[..., list[str]]
    module: str | None = None
    needs_calls: bool = False


PEERS = {
    "n-sigma": Peer(n_sigma),
    "BARO": Peer(baro, "baro"),
    "PyRCA RCD": Peer(pyrca_rcd, "pyrca"),
    "PyRCA HT": Peer(pyrca_ht, "pyrca", needs_calls=True),
}
QUICK = ("n-sigma", "BARO", "PyRCA HT")  # RCD takes minutes a system


def services(columns: Sequence[object]) -> list[str]:
    """Return each service once, in the order in which one of its series comes first."""
    return list(dict.fromkeys(str(service) for service, _ in columns))


def rankings(name: str, cases: Sequence[Case]) -> list[list[str]] | str:
    """Return the ranking of every case, or why there is none.

    A peer that cannot be imported here is run by the Python that ``AIOPSLAB_PEERS_PYTHON`` names.
    """
    module = PEERS[name].module
    try:
        if module:
            importlib.import_module(module)
    except ImportError as error:
        python = os.environ.get(PYTHON)
        return _elsewhere(python, name, cases) if python else f"not installed: {error}"
    return [_ranked(name, case) for case in cases]


def _ranked(name: str, case: Case) -> list[str]:
    calls = [case.topology] if PEERS[name].needs_calls else []
    return PEERS[name].rank(case.metrics, case.onset, *calls)


def _elsewhere(python: str, name: str, cases: Sequence[Case]) -> list[list[str]] | str:
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            _write(case, Path(folder) / f"{number:05}.npz")
        command = [python, __file__, name, folder]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            return f"not run: {run.stderr.strip().splitlines()[-1]}"
        return json.loads((Path(folder) / "ranked.json").read_text())


def _write(case: Case, file: Path) -> None:
    """Keep a case as plain arrays: pandas of other versions read neither pickles nor parquet."""
    calls = (
        case.topology if case.topology is not None else pd.DataFrame(columns=["caller", "callee"])
    )
    np.savez(
        file,
        values=case.metrics.to_numpy(dtype=float),
        times=case.metrics.index.as_unit("ns").asi8,
        columns=np.array([list(map(str, column)) for column in case.metrics.columns], dtype=str),
        onset=np.int64(case.onset.as_unit("ns").value),
        calls=calls[["caller", "callee"]].to_numpy().astype(str),
    )


def _read(file: Path) -> Case:
    with np.load(file) as kept:
        columns = pd.MultiIndex.from_tuples([tuple(each) for each in kept["columns"].tolist()])
        times = pd.to_datetime(kept["times"], utc=True)
        topology = pd.DataFrame(kept["calls"].reshape(-1, 2), columns=["caller", "callee"])
        metrics = pd.DataFrame(kept["values"], times, columns)
        return Case(metrics, pd.Timestamp(int(kept["onset"]), tz="UTC"), topology)


def _plain(metrics: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """Return columns named as BARO finds latencies by, gaps filled, and a ``time`` in seconds."""
    names = {f"{name}_{metric.lower()}": (name, metric) for name, metric in metrics.columns}
    plain = metrics.set_axis(list(names), axis=1).ffill().fillna(0.0).reset_index(drop=True).copy()
    plain.insert(0, "time", [time.timestamp() for time in metrics.index])
    return plain, names


def _split(
    metrics: pd.DataFrame, onset: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, tuple[str, str]]]:
    """Return what `_plain` does, before and after the onset, without series that never move."""
    plain, names = _plain(metrics)
    is_after = plain.pop("time") >= onset.timestamp()
    moving = plain.columns[plain.nunique() > 1]
    quiet, after = plain.loc[~is_after, moving], plain.loc[is_after, moving]
    return (
        quiet.reset_index(drop=True),
        after.reset_index(drop=True),
        {name: names[name] for name in moving},
    )


@dataclass(frozen=True)
class Labelled:
    """A case, the service it began in, and what the traversal of petshop is given."""

    case: Case
    cause: str
    issue: "data.PetshopIssue | None" = None


def nezha(day: str) -> Iterator[Labelled]:
    from benchmarks.incident import data

    metrics = data.nezha_metrics(day)
    for fault in data.faults(day):
        near = (metrics.index >= fault.time - BEFORE) & (metrics.index < fault.time + AFTER)
        yield Labelled(Case(metrics[near], fault.time), fault.service)


def petshop() -> Iterator[Labelled]:
    """Yield every issue with the quiet days set before it, since peers take one table."""
    from benchmarks.incident import data

    for issue in data.petshop():
        shared = issue.metrics.columns.intersection(issue.quiet.columns)
        now, quiet = issue.metrics[shared], issue.quiet[shared].dropna(how="all")
        step = now.index[1] - now.index[0]
        ends = pd.date_range(end=now.index[0] - step, periods=len(quiet), freq=step)
        metrics = pd.concat([quiet.set_axis(ends), now])
        onset = issue.time.floor(step)
        yield Labelled(Case(metrics, onset, issue.topology), issue.cause, issue)


def traversed(issue: "data.PetshopIssue") -> list[str]:
    """Rank an issue of petshop with its own traversal, at the middle row of its window."""
    time = issue.metrics.index[len(issue.metrics) // 2]
    row = _alerted(issue.metrics).loc[[time]]
    return petshop_traversal(row, _alerted(issue.quiet), issue.topology, issue.symptom, time)


def figures(names: Sequence[str] = QUICK) -> list["Figure"]:
    """Measure peers on every system by itself; one that is not there is listed as such."""
    from benchmarks.incident import data

    if not data.is_there():
        return []
    found = []
    without_calls = [name for name in names if not PEERS[name].needs_calls]
    for system, days in data.nezha_days().items():
        found += _measure(system, [each for day in days for each in nezha(day)], without_calls)
    labelled = list(petshop())
    found += _measure("petshop", labelled, without_calls)
    with_calls = [
        replace(each, case=replace(each.case, metrics=_alerted(each.case.metrics)))
        for each in labelled
    ]
    found += _measure("petshop", with_calls, [name for name in names if PEERS[name].needs_calls])
    ranked = [traversed(each.issue) for each in labelled if each.issue is not None]
    return [*found, *_accuracy("petshop: traversal", ranked, labelled)]


def _alerted(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics.loc[:, metrics.columns.get_level_values(1) == ALERTED]


def _measure(system: str, labelled: Sequence[Labelled], names: Sequence[str]) -> list["Figure"]:
    cases = [each.case for each in labelled]
    return [
        figure
        for name in names
        for figure in _accuracy(f"{system}: {name}", rankings(name, cases), labelled)
    ]


def _accuracy(
    name: str, ranked: list[list[str]] | str, labelled: Sequence[Labelled]
) -> list["Figure"]:
    from benchmarks.harness import Figure

    if isinstance(ranked, str):
        return [Figure(name, float("nan"), note=ranked)]
    among = [each.case.metrics.columns.get_level_values(0).nunique() for each in labelled]
    chance = float(np.mean([1 / each for each in among]))
    return [
        Figure(
            f"{name}, AC@{top}",
            float(
                np.mean(
                    [each.cause in rank[:top] for rank, each in zip(ranked, labelled, strict=True)]
                )
            ),
            note=f"{len(labelled)} cases; chance {min(top * chance, 1):.2f}",
        )
        for top in (1, 3)
    ]


def main() -> None:
    """Rank the cases of a folder: ``peers.py NAME FOLDER``, in the environment of a package."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    ranked = [_ranked(name, _read(file)) for file in sorted(folder.glob("*.npz"))]
    (folder / "ranked.json").write_text(json.dumps(ranked))


if __name__ == "__main__":
    main()
