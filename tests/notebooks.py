"""Templates made in a test, run by real kernels."""

import json
from pathlib import Path

CONCLUDES = (
    "from aiopslab import Verdict, conclude\nconclude(Verdict('ok', 'All is well.', {'rows': 3}))"
)


def code(source, *tags):
    return {
        "cell_type": "code",
        "id": f"c{abs(hash((source, tags))) % 10**8}",
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def prose(source):
    return {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": source}


def template(path: Path, *sources: str, parameters: str = "rows: int = 3  # How many") -> Path:
    """Write a template with a title, a parameters cell, and a code cell for each source."""
    cells = [prose("# A test\n\nIt says something."), code(parameters, "parameters")]
    cells += [code(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))
    return path
