"""Aliases: moved to a version of a registered index, as a gate decides."""

from aiopslab.errors import RetrievalError
from aiopslab.mlflow_aliases import Aliases, Promotion, Sides
from aiopslab.mlflow_server import connect
from aiopslab.retrieval.registry import SCHEME, read_version, refusing


def open_sides(
    candidate: str, baseline: str | None, alias: str, tracking_uri: str | None = None
) -> Sides:
    """Open what a gate needs to move an alias; refuse one that it could not move.

    Parameters
    ----------
    candidate, baseline
        Addresses of the versions; a baseline that is a file of a configuration is not checked.
    alias
        To be moved.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    RetrievalError
        If there is no such version, the two are of different indexes, the alias points at neither
        of them, or the server refuses.
    """
    new = read_version(candidate, tracking_uri)
    is_registered = baseline is not None and baseline.startswith(SCHEME)
    old = read_version(str(baseline), tracking_uri) if is_registered else None
    if old is not None and old.name != new.name:
        raise RetrievalError(
            f"--set-alias moves an alias of one index; the baseline is of {old.name!r}, the "
            f"candidate of {new.name!r}",
            "Register the candidate as a version of the index that is in use.",
        )
    with refusing(candidate):
        aliases = Aliases(connect(tracking_uri), "index", new.name)
        if old is not None:
            aliases.check(alias, (new.version, old.version))
    return Sides(aliases, new.version, None if old is None else old.version)


def promote(name: str, alias: str, version: int, tracking_uri: str | None = None) -> Promotion:
    """Point an alias at a version, and keep where it was; raises as `read_version` does."""
    found = read_version(f"{SCHEME}{name}/{version}", tracking_uri)
    with refusing(found.uri):
        return Aliases(connect(tracking_uri), "index", name).promote(alias, found.version)
