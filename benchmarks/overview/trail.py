"""The audit trail: how many tamperings are found, and what a record and a check of many cost."""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from aiopslab.governance import AuditError, Trail
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds

RECORDS, MANY, TRIES, SEED = 40, 20_000, 1_000, 1
Lines = list[bytes]


def figures() -> list[Figure]:
    """Tamper with a trail in every way there is, and time a long one."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_found(Path(folder)), *_costs(Path(folder))]


def _filled(path: Path, count: int) -> Trail:
    trail = Trail(path)
    for number in range(count):
        trail.append("run", principal=f"user{number % 7}", subject="drift", decision="done")
    return trail


def _found(folder: Path) -> list[Figure]:
    lines = _filled(folder / "short.jsonl", RECORDS).path.read_bytes().splitlines(keepends=True)
    seen, chance = json.loads(lines[-1])["hash"], random.Random(SEED)
    copy = Trail(folder / "copy.jsonl")
    return [
        at_least(
            f"audit trail, {named}: share found",
            sum(_is_found(copy, tamper(list(lines), chance), seen) for _ in range(TRIES)) / TRIES,
            1.0,
            note=f"{TRIES:,} times by chance in {RECORDS} records; by the chain, and a hash kept",
        )
        for named, tamper in TAMPERINGS.items()
    ]


def _is_found(copy: Trail, lines: Lines, seen: str) -> bool:
    copy.path.write_bytes(b"".join(lines))
    try:
        copy.verify(seen)
    except AuditError:
        return True
    return False


def _edit(lines: Lines, chance: random.Random) -> Lines:
    content = bytearray(b"".join(lines))
    content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    return [bytes(content)]


def _remove(lines: Lines, chance: random.Random) -> Lines:
    del lines[chance.randrange(len(lines))]
    return lines


def _repeat(lines: Lines, chance: random.Random) -> Lines:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return lines


def _swap(lines: Lines, chance: random.Random) -> Lines:
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _cut(lines: Lines, chance: random.Random) -> Lines:
    content = b"".join(lines)
    return [content[: chance.randrange(len(content))]]


TAMPERINGS: dict[str, Callable[[Lines, random.Random], Lines]] = {
    "a byte edited": _edit,
    "a record removed": _remove,
    "a record repeated": _repeat,
    "two records swapped": _swap,
    "the end cut off": _cut,
}


def _costs(folder: Path) -> list[Figure]:
    trail = _filled(folder / "long.jsonl", MANY)
    append = cpu_seconds(lambda: [trail.append("run", principal="ana") for _ in range(100)]) / 100
    verify = cpu_seconds(trail.verify, repeats=3)
    note = f"of a trail of {MANY:,} records"
    return [
        at_most("audit trail, a record written, CPU", 1_000 * append, 5, "ms", note=note),
        at_most("audit trail, verified, CPU", verify / MANY * 1e6, 100, "s a million", note=note),
    ]
