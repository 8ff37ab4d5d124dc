"""The card of an index: what its manifest and the registry keep, and how it is now."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.cards.card import FACTS, UNKNOWN, Card, Section
from aiopslab.cards.deeds import approvals, deeds, moves
from aiopslab.cards.gates import passed
from aiopslab.cards.registered import addresses, limits_of, refusing, tagged
from aiopslab.cards.reports import judged
from aiopslab.mlflow_aliases import Aliases
from aiopslab.mlflow_server import connect

if TYPE_CHECKING:
    from aiopslab.retrieval.health import Health
    from aiopslab.retrieval.manifest import Manifest
    from aiopslab.retrieval.registry import IndexVersion

SCHEME = "indexes:/"
SHOWN = 60  # documents


def card_of_index(
    url: str,
    *,
    corpus: str | None = None,
    gallery: Path | None = None,
    trail: Path | None = None,
    decisions: Sequence[Path] = (),
    tracking_uri: str | None = None,
) -> Card:
    """Make the card of an index, of which every vector is read.

    Parameters
    ----------
    url
        A folder of Chroma, ``chroma+http://host:port/collection``, ``indexes:/NAME@ALIAS`` or
        ``indexes:/NAME/VERSION``.
    corpus
        Its sources, by which it is told how current it is; not known without.
    gallery, trail, decisions, tracking_uri
        As of `card_of_model`.

    Returns
    -------
    Card

    Raises
    ------
    RetrievalError
        If there is no such index, or a server is not there.
    ReportError, AuditError
        If there is no such gallery, file or trail, or the trail was changed.
    """
    from aiopslab.retrieval.chroma import read_index
    from aiopslab.retrieval.health import check
    from aiopslab.retrieval.registry import read_version

    version = read_version(url, tracking_uri) if url.startswith(SCHEME) else None
    address = version.address if version else url
    with read_index(address) as index:
        manifest, health = index.manifest(), check(index)
        made_by, distance = index.made_by, index.distance
    name = version.name if version else _short(address)
    number = str(version.version) if version else ""
    own = {url, address}
    if version is not None:
        own |= set(addresses(SCHEME, name, version.version, version.aliases))
    said = judged(gallery, lambda each: each in own)
    done = deeds(trail, "index", name) if version else []
    facts = (
        ("address", address),
        ("name and version", f"{name} {number}" if version else "not registered"),
        ("aliases", (", ".join(version.aliases) or "none") if version else "not registered"),
        ("registered", f"{version.created:%Y-%m-%d %H:%M:%S} UTC" if version else UNKNOWN),
        ("why it was made", version.message if version and version.message else UNKNOWN),
        ("embedder", f"{made_by[0] or UNKNOWN} ({made_by[1] or '?'} dimensions)"),
        ("distance", distance),
        ("cut by", manifest.chunking if manifest else UNKNOWN),
        ("chunks", f"{health.chunks:,}"),
    )
    versions, tags, last = _registered(version, tracking_uri)
    limits = limits_of(tags, said)
    return Card.of(
        "index",
        name,
        number,
        _summary(name, manifest, health),
        (
            Section("What it is", FACTS, facts),
            _configuration(version),
            _data(manifest, version),
            _freshness(corpus, manifest),
            Section("Health", ("check", "state", "affected", "of", "examples"), _checks(health)),
            _measured(health),
            Section(
                "Versions",
                ("version", "registered (UTC)", "aliases", "documents", "digest", "why"),
                versions,
                "Not known: it is not registered.",
            ),
            moves(trail, done, last),
            passed(tags, decisions, own),
            limits,
            approvals(trail, done),
            said.reports(),
            Section("Further tags", FACTS, tagged(tags)),
        ),
    )


def _summary(name: str, manifest: "Manifest | None", health: "Health") -> str:
    headline = health.verdict().headline
    if manifest is None:
        return f"{name} has no manifest, so that nobody knows which documents it holds. {headline}"
    return f"{len(manifest.documents):,} documents in {manifest.chunks:,} chunks. {headline}"


def _configuration(version: "IndexVersion | None") -> Section:
    if version is None:
        return Section("Configuration", FACTS, (), "Not known: it is not registered.")
    from dataclasses import asdict

    told = asdict(version.configuration)
    rows = tuple((key, json.dumps(value, default=str)) for key, value in told.items())
    return Section("Configuration", FACTS, rows)


def _data(manifest: "Manifest | None", version: "IndexVersion | None") -> Section:
    """Return what it holds, and whether that is what was registered."""
    columns = ("document", "digest", "chunks", "modified (UTC)", "ingested (UTC)")
    if manifest is None:
        return Section("Data", columns, (), "Not known: the index has no manifest.")
    table = manifest.documents
    rows = [
        (
            *(str(row["document"]), str(row["content_hash"])[:16], str(row["chunks"])),
            *(_time(row["modified"]), _time(row["ingested"])),
        )
        for row in table.head(SHOWN).to_dict("records")
    ]
    if len(table) > SHOWN:
        rows.append((f"and {len(table) - SHOWN:,} more", "", "", "", ""))
    told = manifest.digest
    if version is not None and version.digest != manifest.digest:
        told += f"; it was {version.digest} when it was registered, and has been written since"
    return Section("Data", columns, tuple(rows), texts=(("digest of all documents", told),))


def _freshness(corpus: str | None, manifest: "Manifest | None") -> Section:
    if corpus is None:
        return Section("Freshness", FACTS, (), "Not known: no corpus was named to hold it against.")
    from aiopslab.retrieval.documents import open_corpus
    from aiopslab.retrieval.freshness import staleness

    verdict = staleness(open_corpus(corpus).documents, manifest).verdict()
    rows = [(verdict.level, verdict.headline)]
    rows += [(each.severity, each.claim) for each in verdict.findings]
    return Section("Freshness", ("state", "what it says"), tuple(rows))


def _checks(health: "Health") -> tuple[tuple[str, ...], ...]:
    return tuple(
        (row["check"], row["severity"], f"{row['affected']:,}", f"{row['of']:,}", row["examples"])
        for row in health.table().to_dict("records")
    )


def _measured(health: "Health") -> Section:
    rows = tuple(
        (each.name, f"{each.value:.4g}", str(each.interval or "not known"), "its own vectors")
        for each in (health.recall, health.drift)
        if each is not None
    )
    unknown = "Not known: it holds too few vectors to measure its recall."
    return Section("Metrics", ("metric", "value", "interval", "measured on"), rows, unknown)


def _registered(
    version: "IndexVersion | None", tracking_uri: str | None
) -> tuple[tuple[tuple[str, ...], ...], dict[str, str], str]:
    """Return the rows of its versions, its tags, and the last move of its aliases."""
    if version is None:
        return (), {}, ""
    from aiopslab.retrieval.registry import versions_of

    rows = tuple(
        (
            f"{each.version}{' (this one)' if each.version == version.version else ''}",
            f"{each.created:%Y-%m-%d %H:%M:%S}",
            ", ".join(each.aliases),
            f"{each.documents:,}",
            each.digest[:16],
            each.message,
        )
        for each in versions_of(version.name, tracking_uri)
    )
    with refusing(version.uri):
        client = connect(tracking_uri)
        held = client.get_model_version(version.name, str(version.version))
        tags = {**client.get_registered_model(version.name).tags, **held.tags}
        aliases = Aliases(client, "index", version.name)
        last = [str(each) for alias in version.aliases if (each := aliases.last(alias))]
    return rows, tags, "; ".join(last)


def _short(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2] or address


def _time(moment: object) -> str:
    return UNKNOWN if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M:%S}"  # type: ignore[call-overload]
