"""Publishing of a gallery: to a folder, to storage such as S3, or to a static host, by fsspec."""

import hashlib
import json
import mimetypes
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from aiopslab.errors import ReportError
from aiopslab.governance import Publication, doing, environment
from aiopslab.governance.canonical import sha256
from aiopslab.reports import addresses, gallery
from aiopslab.reports.facts import Facts
from aiopslab.reports.feed import ENTRIES, feed
from aiopslab.reports.record import FILE, NOTEBOOK, PAGE
from aiopslab.reports.render import Edition
from aiopslab.sharing.editions import redacted
from aiopslab.sharing.recall import measure
from aiopslab.sharing.redaction import Settings as Redaction

MANIFEST = ".published.json"
LOCK = ".publish.lock"
RUN_FILES: dict[Edition, tuple[str, ...]] = {
    "internal": (PAGE, NOTEBOOK, FILE),
    "redacted": (PAGE,),
}
SITE_FILES = ("assets/plotly-*.js", "months/*.html", "series/*/*.html")
LAST = (addresses.FEED, addresses.INDEX)  # what leads to the rest comes after it
OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"})  # put whole or not

mimetypes.add_type("application/atom+xml", ".xml")
mimetypes.add_type("application/x-ipynb+json", ".ipynb")


class Settings(BaseModel):
    """What a plan says under ``publish:``.

    Parameters
    ----------
    to
        A folder or a URL that fsspec opens, e.g. ``s3://bucket/path``. Credentials come from the
        environment that fsspec and its back end read, never from here.
    edition
        ``internal``, the gallery as it is; ``redacted``, the one for outsiders.
    url
        Address at which readers find it, which the links of its feed begin with.
    redaction
        What outsiders may read.

    Examples
    --------
    >>> Settings(to="s3://reports/team", edition="redacted").redaction.services
    'keep'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Annotated[str, Field(min_length=1)]
    edition: Edition = "internal"
    url: Annotated[str, Field(pattern=r"^$|^https?://")] = ""
    redaction: Redaction = Redaction()


@dataclass(frozen=True)
class Published:
    """What a publication did.

    Parameters
    ----------
    sent, unchanged, removed
        How many files.
    size
        Bytes that were sent.
    """

    sent: int
    unchanged: int
    removed: int
    size: int

    def __str__(self) -> str:
        return (
            f"{self.sent} files sent ({self.size / 1e6:.1f} MB), {self.unchanged} unchanged, "
            f"{self.removed} removed"
        )


def publish(folder: Path, settings: Settings) -> Published:
    """Publish a gallery: what is new or changed is sent, what is gone is removed.

    Parameters
    ----------
    folder
        Of the gallery.
    settings
        Where to, and which edition.

    Returns
    -------
    Published
        What was done. A publication that was interrupted can be repeated, and so can one that was
        not: what the last one sent is kept there in a list.

    Raises
    ------
    ReportError
        If the gallery does not exist, or the target cannot be reached or written.
    Denied
        If a policy does not let these reports leave for there in this edition; nothing was sent.

    Notes
    -----
    Only what is known to belong to a gallery is sent. Reports come first and the pages that lead
    to them last, so that no link leads nowhere; removal comes after both. Only files that an
    earlier publication sent are ever removed.
    """
    from filelock import FileLock

    edition = redacted(folder, settings.redaction) if settings.edition == "redacted" else folder
    runs = gallery.runs(edition)
    deed = _publication(folder, settings, runs)
    locked, temporary_folder = FileLock(folder / LOCK), tempfile.TemporaryDirectory()
    with doing(deed) as known, locked, temporary_folder as temporary:
        sources = files(edition, runs, settings.edition)
        sources[addresses.FEED] = _feed(edition, runs, settings.url, Path(temporary))
        try:
            published = _Target(settings.to).bring(sources)
        except Exception as error:  # whatever a back end raises
            raise ReportError(
                f"cannot publish to {_bare(settings.to)}: {type(error).__name__}: {error}",
                "Check the address, and the credentials in the environment of fsspec's back end.",
            ) from error
        known |= {"sent": published.sent, "removed": published.removed}
    return published


def files(folder: Path, runs: Iterable[Facts], edition: Edition) -> dict[str, Path]:
    """Return the files of a gallery that may be published, by address, in the order to send them.

    Parameters
    ----------
    folder
        Of the gallery, or of its redacted edition.
    runs
        Its runs; those that go on are left out.
    edition
        The redacted one has neither notebooks nor records.
    """
    ended = sorted(run.id for run in runs if run.state != "running")
    names = [f"{run}/{name}" for run in ended for name in RUN_FILES[edition]]
    site = [str(path.relative_to(folder)) for each in SITE_FILES for path in folder.glob(each)]
    order = [*sorted(site, key=lambda name: not name.startswith("assets/")), *names]
    pages = [name for name in order if not name.startswith(("months/", "series/"))]
    leading = [name for name in order if name.startswith(("months/", "series/"))]
    return {name: folder / name for name in [*pages, *leading, *LAST] if (folder / name).is_file()}


class _Target:
    """A folder somewhere, with the list of what was sent there."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = root.rstrip("/")
        protocols = self._fs.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._is_atomic = bool(names & OBJECT_STORES)

    def bring(self, sources: dict[str, Path]) -> Published:
        """Send what is new or changed, in order, and remove what is gone."""
        known, there = self._manifest(), self._there()
        digests = {name: _digest(path) for name, path in sources.items()}
        changed = [
            name
            for name, path in sources.items()
            if known.get(name) != digests[name] or there.get(name) != path.stat().st_size
        ]
        for name in changed:
            self._put(sources[name], name)
        gone = sorted(known.keys() - sources.keys())
        for name in gone:
            if name in there:
                self._fs.rm_file(self._at(name))
        if changed or gone:
            self._write_manifest(digests)
        size = sum(sources[name].stat().st_size for name in changed)
        return Published(len(changed), len(sources) - len(changed), len(gone), size)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _there(self) -> dict[str, int]:
        """Return the size of every file that is there."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        root = self._fs._strip_protocol(self._root)
        return {path.removeprefix(f"{root}/"): int(told["size"]) for path, told in found.items()}

    def _manifest(self) -> dict[str, str]:
        """Return the digest of each file that was sent; without a list all is sent again."""
        try:
            plain = json.loads(self._fs.cat_file(self._at(MANIFEST)))
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(plain, dict):
            return {}
        return {name: str(digest) for name, digest in plain.items() if _is_ours(name)}

    def _write_manifest(self, digests: dict[str, str]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(digests, file, indent=0)
            file.flush()
            self._put(Path(file.name), MANIFEST)

    def _put(self, source: Path, name: str) -> None:
        """Put a file, so that its readers see the old one or the new."""
        target = self._at(name)
        if self._is_atomic:
            self._fs.put_file(str(source), target)
            return
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        part = f"{target}.part"
        self._fs.put_file(str(source), part)
        self._fs.mv(part, target)


def _publication(folder: Path, settings: Settings, runs: Iterable[Facts]) -> Publication:
    """Return what a policy is asked: which edition of which reports leaves for where.

    Of the redacted one it is told what the redactor takes out, measured now.
    """
    ended = [run for run in runs if run.state != "running"]
    is_redacted = settings.edition == "redacted"
    return Publication(
        str(folder),
        settings.to,
        settings.edition,
        tuple(sorted({(run.template, run.state) for run in ended})),
        sha256(sorted(run.id for run in ended)),
        measure().percent if is_redacted and environment.trail() else 0,
    )


def _feed(folder: Path, runs: list[Facts], url: str, temporary: Path) -> Path:
    """Return the feed with links that begin with the address of the site, where that is known."""
    own = folder / addresses.FEED
    if not url:
        return own
    ended = [run for run in runs if run.state != "running"][:ENTRIES]
    made = temporary / addresses.FEED
    title = f"Reports: {folder.resolve().name}"
    made.write_text(feed(ended, title, own.read_text("utf-8"), url), "utf-8")
    return made


def _is_ours(name: Any) -> bool:
    """Tell whether a name may be that of a published file, whoever wrote the list."""
    return isinstance(name, str) and bool(re.fullmatch(r"(?:[^/.][^/]*/){0,2}[^/.][^/]*", name))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bare(url: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "", url)
