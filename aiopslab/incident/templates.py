"""Log templates: what lines have in common, mined in one pass and bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from drain3 import TemplateMiner

LINE = 2_000  # letters of a line that are read; a longer one is told apart by these
EXAMPLE = 500  # letters of a line that are kept
TEMPLATES = 10_000  # of which the least used make room for new ones
REMEMBERED = 50_000  # distinct lines whose template is remembered
EMPTY = "(empty line)"

# One configuration for every system. Order matters: what a later mask would cut in pieces comes
# first. A number that is part of a code location ("Service#451", "app.py:12") names the statement
# that logs, so it stays.
MASKS = (
    (r"(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])", "ID"),
    (r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d+|:\d+)?(?![\w.])", "IP"),
    (r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])", "IP"),
    (r"(?<!\w)0x[0-9a-fA-F]+", "HEX"),
    (r"(?:/[\w.$@%+=:~-]+)+/?", "PATH"),
    (r"(?<!\w)(?=[0-9a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,}(?!\w)", "HEX"),
    (
        r"(?<![A-Za-z_#])[-+]?(?<![#\d.:])\d+(?:[.,:]\d+)*"
        r"(?:\s?(?:ns|us|µs|ms|s|sec|min|h|B|KB|MB|GB|TB|KiB|MiB|GiB|%))?(?![A-Za-z_])",
        "NUM",
    ),
)
SIMILARITY, DEPTH = 0.4, 5  # of Drain


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
        Lines in order, read once. Of one with several lines, the first decides; what is missing
        or empty has a template of its own.

    Returns
    -------
    Mined

    Notes
    -----
    The method is Drain of He et al. (2017), *Drain: An Online Log Parsing Approach with Fixed
    Depth Tree*, as kept by the package drain3, after numbers, ids, paths, addresses and the like
    are masked alike for every system.

    Examples
    --------
    >>> mined = mine(["took 12 ms for 10.0.0.1", "took 7 ms for 10.0.0.2", "bye"])
    >>> mined.ids.tolist(), mined.templates.tolist()
    ([1, 1, 2], ['took <NUM> for <IP>', 'bye'])
    """
    miner = _miner()
    remembered: dict[str, int] = {}
    examples: dict[int, str] = {}
    ids = []
    for body in bodies:
        line = _first_line(body)
        number = remembered.get(line)
        if number is None:
            number = int(miner.add_log_message(line)["cluster_id"])
            if len(remembered) < REMEMBERED:
                remembered[line] = number
            examples.setdefault(number, line[:EXAMPLE])
        ids.append(number)
    found = {each.cluster_id: each.get_template() for each in miner.drain.clusters}
    # A template that made room for others is known by its first line.
    texts = {number: found.get(number, line) for number, line in examples.items()}
    return Mined(
        np.array(ids, dtype=np.int_),
        pd.Series(texts, dtype="str"),
        pd.Series(examples, dtype="str"),
    )


def _miner() -> "TemplateMiner":
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.drain_sim_th = SIMILARITY
    config.drain_depth = DEPTH
    config.drain_max_clusters = TEMPLATES
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
    return TemplateMiner(config=config)


def _first_line(body: str | None) -> str:
    text = body if isinstance(body, str) else ""
    line = text.lstrip()[:LINE].partition("\n")[0].strip()
    return line.encode("utf-8", "replace").decode() or EMPTY
