"""What a commit changed, as text to read: bounded, and without credentials."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiopslab.sources.git.redaction import redacted

MAX_PATCH = 4_000  # characters of one file's patch
MAX_DIFF = 20_000  # characters of all of them, give or take the last
MAX_MESSAGE = 2_000
MAX_FILES = 50  # in a description


@dataclass(frozen=True)
class Change:
    """One file of a commit.

    Parameters
    ----------
    path
        Where it is after the commit, from the root of the repository.
    patch
        Its part of the unified diff, as git prints it: credentials and all.
    """

    path: str
    patch: str


def parse(content: bytes) -> Iterator[Change]:
    r"""Read the files of one commit as ``git log --raw -p -z`` prints them.

    Examples
    --------
    >>> raw = b"\0\n:100644 100644 1a 2b M\0a b.py\0\0diff --git a/a b.py b/a b.py\n-1\n+2\n"
    >>> list(parse(raw))
    [Change(path='a b.py', patch='diff --git a/a b.py b/a b.py\n-1\n+2\n')]
    """
    raw, _, patch = content.lstrip(b"\0\n").partition(b"\0\0")
    patches = iter(re.split(rb"(?m)^(?=diff --git )", patch.strip(b"\0"))[1:])
    fields = iter(raw.rstrip(b"\0").split(b"\0"))
    for entry in fields:
        status = entry.rpartition(b" ")[2][:1]
        paths = [next(fields, b"") for _ in range(2 if status in {b"R", b"C"} else 1)]
        # A file that becomes a link is removed and added: two patches.
        parts = [next(patches, b"") for _ in range(2 if status == b"T" else 1)]
        if paths[-1]:
            yield Change(text(paths[-1]), text(b"".join(parts)))


def text(content: bytes) -> str:
    """Decode what may be in any encoding; what is not UTF-8 becomes a replacement character."""
    return content.decode("utf-8", "replace")


def description(message: str, files: Sequence[str]) -> str:
    r"""Join a message and the names of the files that changed.

    Examples
    --------
    >>> description("Halve the pool\n", ["auth/pool.py", "README.md"])
    'Halve the pool\n\nfiles: auth/pool.py, README.md'
    """
    said = redacted(message.strip())
    said = said if len(said) <= MAX_MESSAGE else f"{said[:MAX_MESSAGE]} …"
    if not files:
        return said
    more = f" and {len(files) - MAX_FILES} more" if len(files) > MAX_FILES else ""
    return f"{said}\n\nfiles: {', '.join(files[:MAX_FILES])}{more}".lstrip()


def diff(patches: Iterable[str]) -> str:
    """Join patches, each cut short so that a generated file does not hide the others."""
    kept: list[str] = []
    length = 0
    for number, patch in enumerate(patches):
        if length >= MAX_DIFF:
            return "".join(kept) + f"… only the first {number} files are shown\n"
        kept.append(_cut(patch))
        length += len(kept[-1])
    return "".join(kept)


def _cut(patch: str) -> str:
    if len(patch) <= MAX_PATCH:
        return redacted(patch)
    # Whole lines, since half a secret would not be known for one.
    shown = redacted(patch[:MAX_PATCH].rpartition("\n")[0])
    return f"{shown}\n… the rest of this file is left out\n"
