"""Profiles in a file: arrays beside a JSON of everything else, and nothing that is executed."""

import json
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aiopslab.drift.axis import Axis
from aiopslab.drift.categorical import Categorical
from aiopslab.drift.embedding import Embedding
from aiopslab.drift.numeric import Numeric
from aiopslab.drift.profiles import Profile
from aiopslab.drift.text import Text
from aiopslab.errors import SourceError

VERSION = 1  # of the file; a change that an older reader cannot take makes it one more
TYPES = {each.__name__: each for each in (Axis, Categorical, Embedding, Numeric, Profile, Text)}
HEADER = "profile.json"


def save(profile: Profile, path: Path) -> Path:
    """Write a profile to one file.

    Returns
    -------
    pathlib.Path
        Where it is.

    Raises
    ------
    SourceError
        If it cannot be written there.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    header = {"version": VERSION, "profile": _packed(profile, arrays)}
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(HEADER, json.dumps(header, ensure_ascii=True))
            for name, array in arrays.items():
                with archive.open(name, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
    except OSError as error:
        raise SourceError(
            f"the profile could not be written to {str(path)!r}: {error.strerror}",
            "Name a file in a folder that is there and may be written to.",
        ) from error
    return path


def load(path: Path) -> Profile:
    """Read a profile from its file.

    Raises
    ------
    SourceError
        If the file is not there, is no profile, or is one of a later version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read(HEADER))
            if header["version"] > VERSION:
                raise SourceError(
                    f"{str(path)!r} is a profile of version {header['version']}; "
                    f"up to {VERSION} can be read",
                    "Update aiopslab, or make the profile again.",
                )
            read = _unpacked(header["profile"], archive)
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {str(path)!r}", "Check its path.") from error
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise SourceError(
            f"{str(path)!r} is no profile: {error}", "Pass a file that Profile.save wrote."
        ) from error
    if not isinstance(read, Profile):
        raise SourceError(f"{str(path)!r} is no profile", "Pass a file that Profile.save wrote.")
    return read


def _packed(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Return plain JSON values, with each array put aside under the name that stands for it."""
    if is_dataclass(value):
        inner = {each.name: _packed(getattr(value, each.name), arrays) for each in fields(value)}
        return {"type": type(value).__name__, "fields": inner}
    if isinstance(value, np.ndarray):
        name = f"{len(arrays)}.npy"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict):
        return {"pairs": [[key, _packed(each, arrays)] for key, each in value.items()]}
    if isinstance(value, tuple):
        return [_packed(each, arrays) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _unpacked(plain: Any, archive: zipfile.ZipFile) -> Any:
    if isinstance(plain, list):
        return tuple(_unpacked(each, archive) for each in plain)
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        with archive.open(plain["array"]) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    if "pairs" in plain:
        return {key: _unpacked(each, archive) for key, each in plain["pairs"]}
    return TYPES[plain["type"]](
        **{key: _unpacked(each, archive) for key, each in plain["fields"].items()}
    )
