"""The git program: what is asked of it, and how it is kept from running anything else."""

import os
import re
import secrets
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import pandas as pd

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.frames import FrameWarning
from aiopslab.sources.files import check_local
from aiopslab.sources.git.patches import Change, parse, text
from aiopslab.sources.git.redaction import redacted

_MAX_RECORD = 4_000_000  # bytes of one commit that are read at all
_FIELDS = ("%H", "%h", "%ct", "%B")
_PATCH = ("--raw", "-p", "-z", "-M", "--no-ext-diff", "--no-textconv", "--submodule=short")
_OVERRULED = (  # what a repository's own configuration could make git run or print
    *("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never"),
    *("log.showSignature=false", "color.ui=false", "core.bigFileThreshold=1m"),
    *("diff.noprefix=false", "diff.mnemonicPrefix=false"),
)


@dataclass(frozen=True)
class Entry:
    """A commit, or a tag taken for a deploy."""

    kind: str
    time: pd.Timestamp
    ref: str
    message: str
    changes: tuple[Change, ...]


class Repository:
    """A repository that is read and nothing else.

    Parameters
    ----------
    address
        Its folder, or one inside it, to which the changes are then narrowed.
    paths
        Files and folders to look at, from its root; all of them by default.

    Raises
    ------
    SourceError
        If there is no such folder, it is no repository, or git is not there to read it.
    """

    def __init__(self, address: str, paths: tuple[str, ...] = ()) -> None:
        check_local(address)
        self.address = address
        self._folder = Path(address)
        if not self._folder.is_dir():
            raise SourceError(f"{address} is a file", "Name the folder of the repository.")
        state = self._ask("rev-parse", "--is-shallow-repository", "--show-prefix").splitlines()
        self._is_shallow = state[0] == "true"
        prefix = state[1] if len(state) > 1 else ""
        chosen = paths or ((prefix,) if prefix else ())
        self._is_narrowed = bool(chosen)
        # With a path git leaves out the commits that change nothing there, most merges among them.
        self._within = ("--", *(f":(top,literal){each}" for each in chosen))

    def commit(self, ref: str) -> str:
        """Return the hash of the commit that a ref names."""
        asked = ("--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        status, found, _ = self._run("rev-parse", *asked)
        if status == 0:
            return found.strip()
        latest = ("--sort=-creatordate", "--count=30", "--format=%(refname:short)")
        known = self._ask("for-each-ref", *latest).split()
        if not known:
            raise SourceError(f"{self.address} has no commits", "Commit or fetch something first.")
        raise SourceError(f"{self.address} has no ref {ref!r}", did_you_mean(ref, known))

    def name(self) -> str:
        """Return what the repository is called where it came from, else its folder."""
        origin = self._run("config", "--get", "remote.origin.url")[1].strip().rstrip("/")
        name = re.split(r"[/:\\]", origin)[-1]  # no more than that: it may hold a token
        if not name or "@" in name:
            status, top, _ = self._run("rev-parse", "--show-toplevel")  # fails in a bare one
            name = PurePosixPath(self._folder.resolve() if status else top.strip()).name
        return name.removesuffix(".git") or "repository"

    def files(self, tip: str) -> list[str]:
        """Return every file of a commit."""
        return self._ask("ls-tree", "-r", "-z", "--full-tree", "--name-only", tip).split("\0")

    def time(self, tip: str) -> pd.Timestamp:
        """Return when a commit was made."""
        return _instant(self._ask("log", "-1", "--format=%ct", tip))

    def commits(
        self, tip: str, start: pd.Timestamp | None, end: pd.Timestamp | None, limit: int
    ) -> Iterator[Entry]:
        """Yield the commits of a window, the latest first; each merge once."""
        boundary = secrets.token_hex(16)
        form = "%x00".join((boundary, *_FIELDS, ""))
        command = ["log", f"--format={form}", "--encoding=UTF-8", "--no-notes"]
        command += ["--diff-merges=first-parent", *_PATCH, f"--max-count={limit + 1}"]
        command += [
            f"--{name}=@{int(bound.timestamp())} +0000"
            for name, bound in (("since", start), ("until", end))
            if bound is not None
        ]
        cut_off = self._cut_off()
        with self._output(*command, "--end-of-options", tip, *self._within) as stream:
            for number, record in enumerate(_records(stream, boundary.encode())):
                if number == limit:
                    _warn(f"only the latest {limit} commits are read; a higher limit has more")
                    return
                _, name, short, seconds, message, rest = record.split(b"\0", 5)
                changes = () if name in cut_off else tuple(parse(rest))
                yield Entry("commit", _instant(seconds), text(short), text(message), changes)

    def tags(
        self, tip: str, start: pd.Timestamp | None, end: pd.Timestamp | None, limit: int
    ) -> Iterator[Entry]:
        """Yield the tags of a window in the history of a commit, each with what it adds."""
        form = "--format=%(refname:strip=2)%00%(creatordate:unix)%00%(subject)"
        order = ("--sort=creatordate", f"--merged={tip}")
        found = []
        latest: dict[str, str] = {}  # by what the name has before the version
        # Not splitlines: a subject may hold what Python takes for the end of a line.
        for line in filter(None, self._ask("for-each-ref", *order, form, "refs/tags").split("\n")):
            tag, seconds, subject = line.split("\0")
            series, time = re.split(r"\d", tag, maxsplit=1)[0], _instant(seconds)
            before, latest[series] = latest.get(series), tag
            if (start is None or time >= start) and (end is None or time <= end):
                found.append((time, tag, subject, before))
        if len(found) > limit:
            _warn(f"only the latest {limit} tags are read; a higher limit has more")
        for time, tag, subject, before in found[-limit:]:
            since = f", since {before}" if before else ""
            changes = self._between(before, tag) if before else ()
            if self._is_narrowed and not changes:
                continue
            yield Entry("deploy", time, tag, f"tag {tag}{since}: {subject}", changes)

    def _between(self, before: str, after: str) -> tuple[Change, ...]:
        refs = (f"refs/tags/{before}", f"refs/tags/{after}")
        with self._output("diff", *_PATCH, "--end-of-options", *refs, *self._within) as stream:
            return tuple(parse(stream.read(_MAX_RECORD)))

    def _cut_off(self) -> set[bytes]:
        """Return the oldest commits of a shallow clone, whose files are not what they changed."""
        if not self._is_shallow:
            return set()
        _warn("the clone is shallow: its history is cut off, as git fetch --unshallow mends")
        path = self._ask("rev-parse", "--git-path", "shallow").strip()
        return set((self._folder / path).read_bytes().split())

    def _ask(self, *arguments: str) -> str:
        status, answer, complaint = self._run(*arguments)
        if status:
            raise self._failure(complaint)
        return answer

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        """Return the status of git, what it prints and what it complains of."""
        with self._started(*arguments) as (process, complaints):
            answer = process.communicate()[0]
            complaints.seek(0)
            return process.returncode, text(answer), text(complaints.read())

    @contextmanager
    def _output(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Hand over the output of a git as it comes; raise if it fails before the end of it."""
        with self._started(*arguments) as (process, complaints):
            assert process.stdout is not None
            yield process.stdout
            is_whole = not process.stdout.read(1)
            if is_whole and process.wait():
                complaints.seek(0)
                raise self._failure(text(complaints.read()))

    @contextmanager
    def _started(self, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        overruled = [part for each in _OVERRULED for part in ("-c", each)]
        command = ["git", "-C", str(self._folder), "--no-pager", *overruled, *arguments]
        # A file, since a pipe that nobody reads would stop it.
        with tempfile.TemporaryFile() as complaints:
            try:
                process = subprocess.Popen(  # noqa: S603 - no shell, options end before the refs
                    command, env=_environment(), stdout=subprocess.PIPE, stderr=complaints
                )
            except FileNotFoundError:
                raise SourceError("git is not installed", "Try apt install git.") from None
            try:
                yield process, complaints
            finally:
                assert process.stdout is not None
                process.stdout.close()  # it ends when nobody reads on
                process.wait()

    def _failure(self, complaint: str) -> SourceError:
        if "not a git repository" in complaint:
            return SourceError(
                f"{self.address} is not a git repository", "Name the folder that has .git in it."
            )
        if "dubious ownership" in complaint:
            return SourceError(
                f"{self.address} belongs to another user, so git does not read it",
                f"If you trust it: git config --global --add safe.directory {self.address}",
            )
        reason = next(iter(redacted(complaint).strip().splitlines()), "git failed")
        return SourceError(
            f"{self.address} cannot be read: {reason}",
            "Check it with git fsck; complete a partial clone first, since nothing is fetched.",
        )


def _environment() -> dict[str, str]:
    """Return an environment in which git reads this repository, and fetches and asks nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "LC_ALL": "C.UTF-8",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _records(stream: IO[bytes], boundary: bytes) -> Iterator[bytes]:
    """Yield what follows each boundary, of each record as much as is read at all."""
    held, is_inside = b"", False
    while chunk := stream.read(1 << 20):
        *complete, held = (held + chunk).split(boundary)
        yield from complete if is_inside else complete[1:]
        is_inside = is_inside or bool(complete)
        if len(held) > _MAX_RECORD:  # its end may be the beginning of a boundary
            held = held[:_MAX_RECORD] + held[-len(boundary) :]
    if is_inside:
        yield held


def _instant(seconds: str | bytes) -> pd.Timestamp:
    return pd.Timestamp(int(seconds), unit="s", tz="UTC")


def _warn(message: str) -> None:
    warnings.warn(message, FrameWarning, stacklevel=3)
