"""A git repository: what was committed and tagged, the files that changed and how they changed.

``git+file:///path/to/repository``, or a folder of one, to see what changed in that folder. What to
read is said in the query string or as options of `aiopslab.sources.open`::

    git+file:///srv/shop?ref=main&paths=services/auth,deploy&limit=200

The repository is only read, by the ``git`` program, which is kept from running hooks, filters and
external diffs and from fetching. What looks like a credential does not leave this package.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pandas as pd

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.sources.backends import Recording
from aiopslab.sources.git.patches import description, diff
from aiopslab.sources.git.repository import Entry, Repository
from aiopslab.sources.git.services import Owner
from aiopslab.sources.limits import count

DEFAULT_LIMIT = 1000
_COLUMNS = ["timestamp", "kind", "service", "ref", "description", "files", "diff"]
_OPTIONS = ["ref", "paths", "services", "limit"]


def open_git(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    ref: str | None = None,
    paths: str | Sequence[str] | None = None,
    services: str | Mapping[str, str] | None = None,
    limit: str | int | None = None,
) -> Recording:
    """Read commits and tags as changes: the back end of ``git+file``.

    Parameters
    ----------
    url
        The repository, and any of the options in its query string (percent-encode ``&``, ``#`` and
        ``%`` there); an option given outside it wins.
    start, end
        The window, by the time of the commit (not that of its author) or of the tag.
    ref
        The branch, tag or commit whose history to read; what is checked out by default.
    paths
        Files and folders to look at, from the root of the repository; text is split at commas.
    services
        The service that each folder belongs to, ``{"services/auth": "auth"}`` or
        ``"services/auth:auth"``; the longest path wins. By default a service is a folder with a
        Dockerfile, or where no folder has one with a build file such as ``package.json``, and the
        files that bear its name elsewhere. The repository's own name stands for all else.
    limit
        How many commits and how many tags to read, the latest; 1,000 by default.

    Returns
    -------
    Recording
        ``changes``, one row a commit (or tag, as a ``deploy``) and service; a merge is compared
        with its first parent, a tag with the one before it that differs in the version only.
        Beside the columns of the frame: `files`, the list of those that concern the service or
        none in particular, and `diff`, their patches cut to a readable length.

    Raises
    ------
    SourceError
        If it is no repository, has no such ref, or nothing was committed in the window.
    """
    address, asked = _split(url)
    said = zip(_OPTIONS, (ref, paths, services, limit), strict=True)
    asked |= {name: value for name, value in said if value is not None}
    most = count(asked.get("limit", DEFAULT_LIMIT))
    chosen = asked.get("paths") or ()
    listed = map(str.strip, chosen.split(",")) if isinstance(chosen, str) else chosen
    within = tuple(filter(None, listed))
    repository = Repository(address, within)
    tip = repository.commit(asked.get("ref", "HEAD"))
    if "services" in asked:
        owner = Owner.given(asked["services"])
    else:
        owner = Owner.discovered(repository.files(tip))
    name = repository.name()
    commits = list(repository.commits(tip, start, end, most))
    # The oldest first, so that those of one second stay in the order they were made.
    entries = [*reversed(commits), *repository.tags(tip, start, end, most)]
    if not entries:
        where = f" to {', '.join(within)}" if within else ""
        raise SourceError(
            f"{address} has no commit{where} between "
            f"{start.isoformat() if start else 'the beginning'} and "
            f"{end.isoformat() if end else 'now'}",
            f"The last one is of {repository.time(tip).isoformat()}; choose another window, ref "
            "or paths.",
        )
    rows = [row for entry in entries for row in _rows(entry, owner, name)]
    return Recording({"changes": pd.DataFrame(rows, columns=_COLUMNS)})


def _rows(entry: Entry, owner: Owner, repository: str) -> list[dict[str, Any]]:
    """Return a row for each service that a commit or a tag concerns."""
    owned: dict[str | None, list[Any]] = {}
    for each in entry.changes:
        owned.setdefault(owner.of(each.path), []).append(each)
    shared = owned.pop(None, [])
    return [
        {
            "timestamp": entry.time,
            "kind": entry.kind,
            "service": service,
            "ref": entry.ref,
            "description": description(entry.message, [each.path for each in concerned]),
            "files": [each.path for each in concerned],
            "diff": diff(each.patch for each in concerned),
        }
        for service, own in (owned or {repository: []}).items()
        for concerned in [own + shared]
    ]


def _split(url: str) -> tuple[str, dict[str, Any]]:
    """Return the path of the repository and the options in the query string."""
    address, _, query = url.removeprefix("git+file://").partition("?")
    if not address:
        raise SourceError(f"{url} names no folder", "Write it as git+file:///path/to/repository.")
    asked: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name not in _OPTIONS:
            raise SourceError(f"a git URL has no option {name!r}", did_you_mean(name, _OPTIONS))
        asked[name] = unquote(value)
    return address, asked


__all__ = ["open_git"]
