"""What is run: the four templates with cheap but real parameters, and a trivial one."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRIVIAL = "trivial"
CHEAP: dict[str, dict[str, Any]] = {
    "incident": {"evidence": "sample://cache-crash", "horizon": "10min"},
    "drift": {"windows": 5},
    "prompt_ab": {},
    "rag_tuning": {"space": {"size": [200, 400], "search": ["lexical", "dense"]}},
}
# What makes no two reports alike, and changes next to nothing.
_VARIED = dict.fromkeys(CHEAP, "confidence") | {"rag_tuning": "margin"}
_START = {"confidence": 0.95, "margin": 0.05}
_CELLS = (
    (
        "parameters",
        "confidence: float = 0.95  # Nothing depends on it\nnumber: int = 0  # Nor on it",
    ),
    ("", "from aiopslab import conclude\nfrom aiopslab.findings import Verdict"),
    ("", "print(number, confidence)"),
    ("", 'conclude(Verdict("ok", "Nothing was looked at.", {"number": float(number)}))'),
)


@dataclass(frozen=True)
class Case:
    """One report.

    Parameters
    ----------
    name
        Of its template.
    path
        Of that.
    parameters
        By name.
    """

    name: str
    path: str
    parameters: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def write_trivial(folder: Path) -> Path:
    """Write the trivial template."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "id": "title", "source": "# Trivial\n\nNothing."},
        *(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": [tag] if tag else []},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (tag, source) in enumerate(_CELLS)
        ),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / f"{TRIVIAL}.ipynb"
    made = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(made))
    return path


def realistic(count: int) -> list[Case]:
    """Return so many reports, of each template in turn, no two alike."""
    names = [list(CHEAP)[number % len(CHEAP)] for number in range(count)]
    return [
        Case(
            name,
            str(ROOT / "templates" / f"{name}.ipynb"),
            CHEAP[name] | {_VARIED[name]: _START[_VARIED[name]] - number / 1000},
        )
        for number, name in enumerate(names)
    ]


def trivial(folder: Path, count: int) -> list[Case]:
    """Return so many trivial reports, no two alike."""
    path = str(write_trivial(folder))
    return [Case(TRIVIAL, path, {"number": number}) for number in range(count)]
