"""Registry: indexes of an MLflow server by version or alias, each with how it was made.

An index is registered as a model whose versions lead to collections of Chroma: so it has what
models have there, an alias for what is in use, and is rolled back as they are.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.errors import AIOpsLabError, RetrievalError
from aiopslab.governance.errors import AuditError, Denied
from aiopslab.mlflow_aliases import ABSENT
from aiopslab.mlflow_server import connect, first_line, without_credentials
from aiopslab.retrieval.configuration import Configuration, configuration_from
from aiopslab.retrieval.connection import Address

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SCHEME = "indexes:/"
WRITTEN_AS = "Write it as indexes:/NAME@ALIAS or indexes:/NAME/VERSION."
KIND = "aiopslab.kind"
_ABOUT = "aiopslab."
_URI = re.compile(r"indexes:/(?P<name>[^/@\s]+)(?:@(?P<alias>[^/@\s]+)|/(?P<version>\d+))")
_NAME = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class IndexVersion:
    """A version of an index: where it is, and how it was made.

    Parameters
    ----------
    name, version
        In the registry.
    aliases
        That point at it.
    address
        Of the collection, as `read_index` takes it.
    configuration
        By which questions are put to it.
    embedder, digest
        The model of its vectors, and the digest of its documents, when it was registered.
    documents, chunks
        How many it held then.
    message
        Why it was made.
    created
        When it was registered.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    address: str
    configuration: Configuration
    embedder: str
    digest: str
    documents: int
    chunks: int
    message: str
    created: pd.Timestamp

    @property
    def uri(self) -> str:
        """The version by its number, which no promotion changes."""
        return f"{SCHEME}{self.name}/{self.version}"


def register(
    url: str,
    name: str,
    configuration: Configuration,
    tracking_uri: str | None = None,
    message: str = "",
) -> int:
    """Register a collection as a version of an index, unless the latest version is the same.

    Parameters
    ----------
    url
        Of the collection, as of `read_index`; an ingestion into it has come to its end.
    name
        In the registry: letters, digits, ``-``, ``_`` and ``.``.
    configuration
        By which it was made, and questions are put to it.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.
    message
        Why it was made.

    Returns
    -------
    int
        The version; that of the latest where collection, documents and configuration are the same.

    Raises
    ------
    RetrievalError
        If the name cannot be one or a model has it, the index has no manifest or was cut in another
        way than the configuration says, or the server refuses or is not there.
    """
    from aiopslab.retrieval.chroma import read_index

    if not _NAME.fullmatch(name):
        raise RetrievalError(
            f"{name!r} cannot be the name of an index in a registry",
            "Use letters, digits, hyphens, underscores and dots.",
        )
    with read_index(url) as index:
        manifest = index.manifest()
    if manifest is None:
        raise RetrievalError(
            f"{url} has no manifest: no ingestion into it has come to its end",
            "Run `aiopslab retrieval ingest`, then register it.",
        )
    cut = configuration.name.partition(", ")[0]
    if manifest.chunking != cut:
        raise RetrievalError(
            f"{url} was cut by {manifest.chunking}, and the configuration says {cut}",
            "Register it with the configuration that it was ingested by.",
        )
    about = {
        "address": _address(url),
        "configuration": configuration.to_yaml(),
        "embedder": manifest.embedder,
        "digest": manifest.digest,
        "documents": str(len(manifest.documents)),
        "chunks": str(manifest.chunks),
    }
    with refusing(f"{SCHEME}{name}"):
        client = connect(tracking_uri)
        _create(client, name)
        latest = max(_versions(client, name), key=lambda each: int(each.version), default=None)
        if latest is not None and _about(latest) == about:
            return int(latest.version)
        tags = {f"{_ABOUT}{key}": value for key, value in about.items()}
        # MLflow takes no source with a plus in it.
        source = about["address"].replace("chroma+", "chroma-", 1)
        made = client.create_model_version(
            name,
            source,
            tags=tags,
            description=message or None,
            await_creation_for=0,  # there are no files that it would wait for, and say so
        )
        return int(made.version)


def read_version(uri: str, tracking_uri: str | None = None) -> IndexVersion:
    """Read a version of an index.

    Parameters
    ----------
    uri
        ``indexes:/NAME@ALIAS`` or ``indexes:/NAME/VERSION``.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Raises
    ------
    RetrievalError
        If the address is of another form, the server is not there, or it has no such index,
        version or alias.
    """
    named = _URI.fullmatch(uri)
    if named is None:
        given = without_credentials(uri)
        raise RetrievalError(f"index is {given!r}, which names no version of an index", WRITTEN_AS)
    name, alias, version = named["name"], named["alias"], named["version"]
    with refusing(uri):
        client = connect(tracking_uri)
        found = (
            client.get_model_version_by_alias(name, alias)
            if alias
            else client.get_model_version(name, version)
        )
        return _read(found)


def versions_of(name: str, tracking_uri: str | None = None) -> list[IndexVersion]:
    """Return all versions of an index, the newest first; raises as `read_version` does."""
    with refusing(f"{SCHEME}{name}"):
        found = [_read(each) for each in _versions(connect(tracking_uri), name)]
    return sorted(found, key=lambda each: -each.version)


def _read(found: "ModelVersion") -> IndexVersion:
    """Return a version of MLflow as one of an index, or say that it is a model's."""
    about = _about(found)
    if "configuration" not in about:
        raise RetrievalError(
            f"{found.name} is registered as a model, not as an index",
            "Register the index under a name of its own.",
        )
    return IndexVersion(
        str(found.name),
        int(found.version),
        tuple(found.aliases or ()),
        about["address"],
        configuration_from(about["configuration"], f"{SCHEME}{found.name}/{found.version}"),
        about.get("embedder", ""),
        about.get("digest", ""),
        int(about.get("documents", 0)),
        int(about.get("chunks", 0)),
        str(found.description or ""),
        pd.Timestamp(found.creation_timestamp, unit="ms", tz="UTC"),
    )


def _about(found: "ModelVersion") -> dict[str, str]:
    return {
        key.removeprefix(_ABOUT): str(value)
        for key, value in (found.tags or {}).items()
        if key.startswith(_ABOUT)
    }


def _versions(client: "MlflowClient", name: str) -> list["ModelVersion"]:
    return list(client.search_model_versions(f"name = '{name}'"))


def _create(client: "MlflowClient", name: str) -> None:
    """Make the name; one that a model or a prompt has is refused."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        client.create_registered_model(name, tags={KIND: "index"})
        return
    if found.tags.get(KIND) != "index":
        raise RetrievalError(
            f"{name!r} is the name of something else in the registry", "Choose another name."
        )


def _address(url: str) -> str:
    """Return the address of a collection from anywhere on this machine."""
    address = Address.of(url)
    if address.folder is None:
        return str(address)
    return f"chroma+{address.folder.resolve().as_uri()}#{address.collection}"


@contextmanager
def refusing(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step."""
    try:
        yield
    except (Denied, AuditError):
        raise
    except AIOpsLabError as error:
        raise RetrievalError(error.problem, error.remedy) from None
    except Exception as error:  # of the server, the store and the way there
        raise RetrievalError(
            f"{uri} was refused: {first_line(error)}",
            "Check its name, alias or version, and MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
