"""The redacted edition of a gallery: a gallery of its own, kept up to date beside the inner one."""

import hashlib
import json
import shutil
from pathlib import Path

from aiopslab.governance import record
from aiopslab.reports import gallery, markup, render
from aiopslab.reports.facts import Facts
from aiopslab.reports.record import FILE, NOTEBOOK, PAGE, read, write, write_atomically
from aiopslab.sharing.redaction import Redaction, Settings, key

FOLDER = ".redacted"
MARK = ".source"  # which record and settings a redacted run was made from


def redacted(folder: Path, settings: Settings) -> Path:
    """Bring the redacted edition of a gallery up to date.

    Parameters
    ----------
    folder
        Of the gallery.
    settings
        What outsiders may read.

    Returns
    -------
    pathlib.Path
        The folder of the edition, in the gallery's own. Runs that go on are not in it, and it
        holds no notebook. A run that has not changed, and settings that have not, cost a look.
        What was redacted is recorded in the audit trail.

    Raises
    ------
    ReportError
        If the gallery does not exist, a record cannot be read, or nothing can be written.
    """
    runs = [run for run in gallery.runs(folder) if run.state != "running"]
    edition = folder / FOLDER / folder.resolve().name
    edition.mkdir(parents=True, exist_ok=True)
    redaction = Redaction(settings, key(folder))
    made = [run.id for run in runs if _bring(run, folder, edition, redaction)]
    if made:
        shown = settings.model_dump(mode="json", exclude={"hide", "names"})  # which tell outsiders
        record("redact", subject=str(folder.resolve()), runs=made, settings=shown)
    left = {run.id for run in runs}
    for path in edition.glob(f"*/{FILE}"):
        if path.parent.name not in left:
            shutil.rmtree(path.parent)
    gallery.build(edition)
    return edition


def _bring(run: Facts, folder: Path, edition: Path, redaction: Redaction) -> bool:
    """Redact a run unless it is as it was; tell whether that was needed."""
    mark = edition / run.id / MARK
    stamp = _stamp(run, redaction.settings)
    if mark.is_file() and mark.read_text(encoding="utf-8") == stamp:
        return False
    inner = read(folder / run.id / FILE)
    notebook, shown = redaction.run(_notebook(folder / run.id / NOTEBOOK), inner)
    write_atomically(edition / run.id / PAGE, render.page(notebook, shown, "redacted"))
    write(shown, edition)
    write_atomically(mark, stamp)
    return True


def _stamp(run: Facts, settings: Settings) -> str:
    """Return what tells whether a redacted run is what it would be if it were made anew."""
    text = f"{run.to_json()}{settings.model_dump_json()}{markup.digest()}"
    return hashlib.sha256(text.encode()).hexdigest()


def _notebook(path: Path) -> dict[str, list[dict[str, object]]]:
    """Return a notebook; one that is not there or torn has nothing to show."""
    try:
        found: dict[str, list[dict[str, object]]] = json.loads(path.read_text(encoding="utf-8"))
        return found if "cells" in found else {"cells": []}
    except (OSError, ValueError):
        return {"cells": []}
