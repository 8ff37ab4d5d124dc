"""The folder that JupyterLab shows: made once, and never at the cost of somebody's work."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from aiopslab.lab.errors import LabError

PACKAGE = Path(__file__).parents[1]
NOTEBOOKS = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")  # in a wheel; in a checkout
DEFAULT = Path("aiopslab-lab")
STATE = ".workspace"  # hidden, so that JupyterLab neither lists nor serves it


@dataclass(frozen=True)
class Workspace:
    """A folder that is ready to be opened.

    Parameters
    ----------
    folder
        What JupyterLab shows; absolute.
    reports
        The gallery; absolute.
    kept
        Walkthroughs that were left as somebody changed them.
    """

    folder: Path
    reports: Path
    kept: tuple[Path, ...] = ()

    @property
    def state(self) -> Path:
        """What JupyterLab remembers of this folder: its settings, layout and signatures."""
        return self.folder / STATE


def walkthroughs() -> list[Path]:
    """Return the notebooks that ship with the library, by name.

    Examples
    --------
    >>> "incident.ipynb" in [path.name for path in walkthroughs()]
    True
    """
    folder = next((each for each in NOTEBOOKS if each.is_dir()), None)
    return sorted(folder.glob("*.ipynb")) if folder else []


def default_folder(place: Path) -> Path:
    """Return the workspace of whoever names none.

    Parameters
    ----------
    place
        Where the command was given.

    Returns
    -------
    pathlib.Path
        The checkout where the place is within one, since the notebooks are there; else
        ``aiopslab-lab`` below the place.
    """
    checkout = NOTEBOOKS[1].parent
    inside = NOTEBOOKS[1].is_dir() and place.resolve().is_relative_to(checkout)
    return checkout if inside else place / DEFAULT


def prepare(folder: Path, reports: Path | None = None) -> Workspace:
    """Make a folder ready: the walkthroughs in ``notebooks/``, and a gallery.

    Parameters
    ----------
    folder
        Made where it is missing.
    reports
        Folder of the gallery; ``reports`` below the folder unless given.

    Returns
    -------
    Workspace
        With the walkthroughs that differ from those that ship, which are left alone.

    Raises
    ------
    LabError
        If a folder is a file or cannot be written.
    ReportError
        If the gallery cannot be written.
    """
    folder = folder.absolute()
    workspace = Workspace(folder, (reports or folder / "reports").absolute())
    for each in (folder, workspace.state, workspace.reports):
        _make(each)
    kept = _copy(walkthroughs(), folder / "notebooks")
    _build_gallery(workspace.reports)
    return Workspace(folder, workspace.reports, kept)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise LabError(
            f"{folder} is a file, or below one; expected a folder", "Give another folder."
        ) from None
    except OSError as error:
        raise LabError(
            f"cannot make the folder {folder}: {error.strerror}",
            "Give a folder that you may write to.",
        ) from None


def _copy(notebooks: list[Path], target: Path) -> tuple[Path, ...]:
    kept = []
    for notebook in notebooks:
        copy = target / notebook.name
        if not copy.exists():
            _make(target)
            try:
                shutil.copyfile(notebook, copy)
            except OSError as error:
                raise LabError(
                    f"cannot write {copy}: {error.strerror}", "Give a folder that you may write to."
                ) from None
        elif copy.read_bytes() != notebook.read_bytes():
            kept.append(copy)
    return tuple(kept)


def _build_gallery(folder: Path) -> None:
    from aiopslab.reports.gallery import INDEX, build

    if not (folder / INDEX).exists():
        build(folder)
