"""The card of a model: what MLflow keeps of a version, and who judged and approved it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.cards.card import FACTS, UNKNOWN, Card, Section
from aiopslab.cards.deeds import approvals, deeds, moves
from aiopslab.cards.gates import passed
from aiopslab.cards.registered import addresses, limits_of, refusing, tagged, told, when
from aiopslab.cards.reports import Judged, judged
from aiopslab.mlflow_aliases import Aliases
from aiopslab.mlflow_server import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from aiopslab.drift.registry import Lineage

COLUMNS = ("metric", "value", "interval", "measured on")
LOW, HIGH = "_low", "_high"  # of a metric's interval, as further metrics of the same run
_ADDRESS = re.compile(r"(?:models|mlflow):/(?:/models/)?([^/@]+)(?:@([^/@]+)|/(\d+))")


def card_of_model(
    uri: str,
    *,
    gallery: Path | None = None,
    trail: Path | None = None,
    decisions: Sequence[Path] = (),
    tracking_uri: str | None = None,
) -> Card:
    """Make the card of a version of a model; it is not loaded, so that no code of it runs.

    Parameters
    ----------
    uri
        ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
    gallery
        Folder of reports.
    trail
        The audit trail, or the log of remediations.
    decisions
        Files that gates wrote with ``--json``.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    Card

    Raises
    ------
    SourceError
        If there is no such version, or the server is not there.
    ReportError, AuditError
        If there is no such gallery, file or trail, or the trail was changed.
    """
    from aiopslab.drift.registry import read_lineage

    lineage = read_lineage(uri, tracking_uri)
    name, version = lineage.name, lineage.version
    with refusing(uri):
        client = connect(tracking_uri)
        model, held = client.get_registered_model(name), client.get_model_version(name, version)
        run = client.get_run(lineage.run_id) if lineage.run_id else None
        logged = client.get_logged_model(lineage.model_id) if lineage.model_id else None
        versions = _versions(client, name, lineage)
        last = [str(each) for alias in model.aliases if (each := _last(client, name, alias))]
    said = judged(gallery, lambda each: _is_version(each, lineage))
    done = deeds(trail, "model", name)
    tags = {**(model.tags or {}), **(held.tags or {})}
    what = held.description or model.description
    kind = str(logged.model_type or "") if logged is not None else ""
    facts = (
        ("name and version", f"{name} {version}"),
        ("aliases", ", ".join(lineage.aliases) or "none"),
        ("registered", f"{lineage.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("kind", kind or UNKNOWN),
        ("made for", what or UNKNOWN),
        ("training run", lineage.run_id or UNKNOWN),
        ("code commit", lineage.commit or UNKNOWN),
        ("digest of the version", lineage.digest),
    )
    data = tuple((context, one, digest) for one, digest, context in lineage.datasets)
    return Card.of(
        "model",
        name,
        version,
        what or f"Nobody has described {name} {version}.",
        (
            Section("What it is", FACTS, facts),
            Section(
                "Versions",
                ("version", "registered (UTC)", "aliases", "training run", "description"),
                versions,
            ),
            moves(trail, done, "; ".join(last)),
            Section(
                "Data",
                ("used for", "data set", "digest"),
                data,
                "Not known: its run recorded no data set.",
            ),
            Section("Parameters", FACTS, _parameters(run, logged)),
            _metrics(run, logged, said),
            passed(tags, decisions, addresses("models:/", name, version, lineage.aliases)),
            limits_of(tags, said),
            approvals(trail, done),
            said.reports(),
            Section("Further tags", FACTS, tagged(tags)),
        ),
    )


def _versions(client: "MlflowClient", name: str, own: "Lineage") -> tuple[tuple[str, ...], ...]:
    """Return a row a version, the newest first, with the aliases that point at it now."""
    pointed: dict[str, list[str]] = {}
    for alias, version in client.get_registered_model(name).aliases.items():
        pointed.setdefault(str(version), []).append(alias)
    found = client.search_model_versions(f"name = '{name}'")
    return tuple(
        (
            f"{each.version}{' (this one)' if str(each.version) == own.version else ''}",
            when(each.creation_timestamp),
            ", ".join(pointed.get(str(each.version), [])),
            str(each.run_id or UNKNOWN),
            str(each.description or ""),
        )
        for each in sorted(found, key=lambda each: -int(each.version))
    )


def _last(client: "MlflowClient", name: str, alias: str) -> Any:
    return Aliases(client, "model", name).last(alias)


def _parameters(run: Any, logged: Any) -> tuple[tuple[str, str], ...]:
    both: dict[str, str] = {}
    for each in (run.data.params if run is not None else {}, getattr(logged, "params", None) or {}):
        both |= {str(name): str(value) for name, value in each.items()}
    return tuple(sorted(both.items()))


def _metrics(run: Any, logged: Any, said: Judged) -> Section:
    """Return what its training, its evaluations and the reports measured."""
    rows: dict[tuple[str, ...], None] = {}
    if run is not None:
        rows |= dict.fromkeys(_with_intervals(dict(run.data.metrics), "its training run"))
    for each in getattr(logged, "metrics", None) or []:
        place = f"{each.dataset_name or 'data not named'} {each.dataset_digest or ''}".rstrip()
        rows |= {(each.key, told(each.value), "", place): None}
    rows |= dict.fromkeys(said.measures())
    return Section("Metrics", COLUMNS, tuple(rows), "Not known: nothing was measured of it.")


def _with_intervals(
    metrics: Mapping[str, float], place: str
) -> Iterator[tuple[str, str, str, str]]:
    """Yield metrics; those that are called the bounds of another are its interval."""
    bounds = {
        f"{name}{end}" for name in metrics for end in (LOW, HIGH) if _has_interval(name, metrics)
    }
    for name, value in sorted(metrics.items()):
        if name in bounds:
            continue
        span = ""
        if _has_interval(name, metrics):
            span = f"{told(metrics[f'{name}{LOW}'])} to {told(metrics[f'{name}{HIGH}'])}"
        yield name, told(value), span, place


def _has_interval(name: str, metrics: Mapping[str, float]) -> bool:
    return f"{name}{LOW}" in metrics and f"{name}{HIGH}" in metrics


def _is_version(address: str, lineage: "Lineage") -> bool:
    """Tell whether an address is of the version, by number or by an alias that it has now."""
    named = _ADDRESS.fullmatch(address)
    if named is None or named[1] != lineage.name:
        return False
    return named[3] == lineage.version or named[2] in lineage.aliases
