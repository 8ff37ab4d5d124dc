"""Delivery: a run's folder put to a URL, where it is a report once its record is there."""

from pathlib import Path
from typing import Any

from aiopslab.errors import ReportError
from aiopslab.reports.record import FILE, PAGE, write_atomically


def is_url(output: str) -> bool:
    """Tell a URL from a folder.

    Examples
    --------
    >>> is_url("s3://bucket/reports"), is_url("reports")
    (True, False)
    """
    return "://" in output


def put(home: Path, output: str) -> None:
    """Put the files of a run to ``OUTPUT/ID/``, all but its record; its page becomes one file.

    Parameters
    ----------
    home
        Folder of the run.
    output
        An fsspec URL.

    Raises
    ------
    ReportError
        If they cannot be written there.
    """
    from aiopslab.reports.render import self_contained

    files, top = _open(output)
    target = f"{top}/{home.name}"
    page = home / PAGE
    if page.is_file():  # no plotly.js lies beside it there
        write_atomically(page, self_contained(page.read_text(encoding="utf-8")))
    try:
        files.makedirs(target, exist_ok=True)
        for path in sorted(home.iterdir()):
            if path.is_file() and path.name != FILE and not path.name.startswith("."):
                files.put_file(str(path), f"{target}/{path.name}")
    except Exception as error:  # of any store's own client
        raise _refusal(output, error) from error


def reveal(run: str, record: str, output: str) -> None:
    """Write the record of a run, with which it is a report; doing so again changes nothing.

    Raises
    ------
    ReportError
        If it cannot be written.
    """
    files, top = _open(output)
    try:
        if "file" in files.protocol:  # which alone of all shows what is half written
            write_atomically(Path(top) / run / FILE, record)
        else:
            files.pipe_file(f"{top}/{run}/{FILE}", record.encode("utf-8", "backslashreplace"))
    except ReportError:
        raise
    except Exception as error:
        raise _refusal(output, error) from error


def remove(run: str, output: str) -> None:
    """Remove a run's folder, if it is there; `output` is a URL or a folder."""
    import shutil

    if not is_url(output):
        shutil.rmtree(Path(output) / run, ignore_errors=True)
        return
    files, top = _open(output)
    try:
        if files.exists(f"{top}/{run}"):
            files.rm(f"{top}/{run}", recursive=True)
    except Exception as error:
        raise _refusal(output, error) from error


def _open(output: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(output)
    except Exception as error:  # a scheme or a package that is not there
        raise _refusal(output, error) from error
    return files, path.rstrip("/")


def _refusal(output: str, error: Exception) -> ReportError:
    return ReportError(
        f"reports cannot be put to {output}: {type(error).__name__}: {error}",
        "Check the address, and the credentials in the environment.",
    )
