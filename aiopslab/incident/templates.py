"""Log templates: what lines have in common, mined in one pass and bounded memory."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from drain3.drain import Drain, LogCluster

LINE = 2_000  # letters of a line that are read; a longer one is told apart by these
RECORD = 100_000  # letters of a JSON record that are read
EXAMPLE = 500  # letters of a line that are kept
TEMPLATES = 10_000  # of which the least used make room for new ones
CANDIDATES = 100  # templates of like beginning and length that a line is compared with
REMEMBERED = 50_000  # distinct masked lines whose template is remembered
EMPTY = "(empty line)"
SIMILARITY = 0.6  # share of a template's words that a line has: more than half of them
DEPTH = 5  # of the tree of Drain: the number of words and the first two

_HEX = "[0-9a-fA-F]"
_GROUPS = rf"{_HEX}{{1,4}}(?::{_HEX}{{1,4}})*"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_UNITS = "ns|us|µs|ms|s|sec|min|h|[kKMGT]?i?B|%"
# A number in the place of a statement ("app.py:12", "Service#451") tells which one logs: it stays.
_SOURCES = "c|cc|cpp|cs|go|h|java|js|kt|php|py|rb|rs|scala|swift|ts"
_PLACE = r"(?<!\w#)" + "".join(rf"(?<!\.{each}:)" for each in _SOURCES.split("|"))

# One configuration for every system. Order matters: what a later mask would cut in pieces comes
# first. Where a mask looks behind after its first letter, it is found sooner.
MASKS = tuple(
    (re.compile(pattern), f"<{name}>")
    for name, pattern in (
        ("ID", rf"(?<![\w-]){_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}(?![\w-])"),
        (
            "TIME",
            r"\d(?<!\d\d)\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
            r"(?![\w-])",
        ),
        ("IP", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d+|:\d+)?(?!\w|\.\d)"),
        (
            "IP",
            rf"(?<![\w:])(?:(?:{_HEX}{{1,4}}:){{3,7}}{_HEX}{{1,4}}"
            rf"|(?=[a-fA-F:]*\d)(?:{_GROUPS})?::(?:{_GROUPS})?)(?![\w:])",
        ),
        ("HEX", rf"0(?<!\w.)x{_HEX}+"),
        ("PATH", r"(?:/[\w.$@%+=:~-]+)+/?"),
        (
            "HEX",
            rf"(?<![A-Za-z0-9])(?<!\d\.)(?=\d*[a-fA-F])(?=[a-fA-F]*\d)(?!\d+e[-+]\d)"
            rf"{_HEX}{{8,}}(?![A-Za-z0-9])",
        ),
        (
            "NUM",
            rf"(?<![A-Za-z\d])(?=[-+\d]){_PLACE}[-+]?{_NUMBER}(?:[eE][-+]?\d+|(?:[dhm]{_NUMBER})*)"
            rf"(?:\s?(?:{_UNITS})(?!\w))?",
        ),
    )
)
# "key=value" is two words to compare and one to read; the mark tells the space from a true one.
PAIR, _MARK = re.compile(r"(?<=\w)=(?=\S)"), "\0 "
_MESSAGES = ("message", "msg", "event", "log", "body", "text")
_ERRORS = ("error", "err", "exception")


@dataclass(frozen=True)
class Mined:
    """Lines told apart by their template.

    Parameters
    ----------
    ids
        One template number a line, in order, ``(lines,)``.
    templates
        Text of each template, indexed by its number; what varies is ``<NUM>``, ``<IP>``, ``<*>``…
    examples
        The first line of each, cut to 500 letters, likewise.
    """

    ids: npt.NDArray[np.int_]
    templates: "pd.Series[str]"
    examples: "pd.Series[str]"


def mine(bodies: Iterable[str | None]) -> Mined:
    """Mine the templates of log lines.

    Parameters
    ----------
    bodies
        Lines in order, read once. Of one with several lines the first decides, of a JSON record
        its message and error (without either, its fields). What is missing or empty has a
        template of its own, number 0.

    Returns
    -------
    Mined

    Notes
    -----
    The method is Drain of He et al. (2017), *Drain: An Online Log Parsing Approach with Fixed
    Depth Tree*, as kept by the package drain3, after numbers, ids, paths, addresses and the like
    are masked alike for every system. A line is compared with at most 100 templates of like
    beginning, the last used, so that free text, which resembles none, costs no more for every
    line before it. A name among the first two words of a statement makes templates of its own.
    Memory grows with the templates found, not with the lines.

    Examples
    --------
    >>> mined = mine(["took 12 ms for 10.0.0.1", "took 7 ms for 10.0.0.2", "bye"])
    >>> mined.ids.tolist(), mined.templates.tolist()
    ([1, 1, 2], ['took <NUM> for <IP>', 'bye'])
    >>> mine(['{"level": "info", "msg": "user=42 left"}']).templates[1]
    'user=<NUM> left'
    """
    drain = _drain()
    texts: dict[int, str] = {}
    examples: dict[int, str] = {}
    ids = []

    @lru_cache(REMEMBERED)
    def number_of(masked: str) -> int:
        return drain.add_log_message(masked)[0].cluster_id if masked else 0

    for body in bodies:
        masked = _masked(_statement(body))
        number = number_of(masked)
        if number not in texts:
            texts[number] = masked or EMPTY
            examples[number] = _clean((body or "").strip()[:EXAMPLE]) if masked else ""
        ids.append(number)
    # A template that made room for others keeps the text of its first line.
    texts |= {each.cluster_id: each.get_template() for each in drain.clusters}
    return Mined(
        np.array(ids, dtype=np.int_),
        pd.Series(texts, dtype="str").str.replace(_MARK, "", regex=False),
        pd.Series(examples, dtype="str"),
    )


def _drain() -> "Drain":
    from drain3.drain import Drain

    class LastUsed(Drain):
        def fast_match(
            self,
            cluster_ids: Collection[int],
            tokens: Sequence[str],
            sim_th: float,
            include_params: bool,
        ) -> "LogCluster | None":
            assert isinstance(cluster_ids, list)
            del cluster_ids[:-CANDIDATES]
            match = super().fast_match(cluster_ids, tokens, sim_th, include_params)
            if match is not None and len(cluster_ids) == CANDIDATES:
                cluster_ids.remove(match.cluster_id)
                cluster_ids.append(match.cluster_id)
            return match

    return LastUsed(depth=DEPTH, sim_th=SIMILARITY, max_clusters=TEMPLATES)


def _masked(line: str) -> str:
    for pattern, mask in MASKS:
        line = pattern.sub(mask, line)
    return PAIR.sub("=" + _MARK, line)


def _statement(body: str | None) -> str:
    """Return the line that a body is told by."""
    text = body if isinstance(body, str) else ""
    return _clean(_said(text).lstrip()[:LINE].partition("\n")[0].strip())


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _said(text: str) -> str:
    """Return the message of a JSON record; any other text as it is."""
    if len(text) > RECORD or not text.lstrip().startswith("{"):
        return text
    try:
        return _message(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _message(record: dict[str, Any]) -> str:
    parts = [
        next((record[name] for name in names if record.get(name)), None)
        for names in (_MESSAGES, _ERRORS)
    ]
    said = [
        _message(each) if isinstance(each, dict) else _said(str(each)) for each in parts if each
    ]
    return " ".join(said) or " ".join(
        f"{name}={'_'.join(str(value).split())}" for name, value in record.items()
    )
