"""Secrets by reference: reports keep where a value is, and a kernel alone asks what it is."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aiopslab.errors import SecretError

if TYPE_CHECKING:
    from aiopslab.reports.parameters import Parameter

EXPECTED = "env:API_TOKEN, file:/run/secrets/token or keyring:SERVICE/NAME"
_REFERENCE = re.compile(
    r"env:(?P<variable>[A-Za-z_]\w*)|file:(?P<path>.+)|keyring:(?P<service>.+)/(?P<name>[^/]+)"
)
_REVEALED = re.compile(r"\breveal\(\s*(['\"])(.+?)\1")
_TELLING = re.compile(
    r"token|secret|passw|pass$|pwd$|credential|api_?key|access_?key|private_?key|_key$|dsn$", re.I
)
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
SHORTEST = 8  # an environment variable's value that may be a secret


def _valid(given: str) -> str:
    if not _REFERENCE.fullmatch(given):
        raise PydanticCustomError(
            "secret",
            "expected where the secret is and not the secret itself, which the process list and "
            f"the report would show: {EXPECTED}",
        )
    return given


Secret = Annotated[str, AfterValidator(_valid), Field(json_schema_extra={"format": "secret"})]
"""The type of a parameter that says where a secret is; `reveal` asks what it is."""


@dataclass(frozen=True)
class Known:
    """A value that must not be in anything that is written.

    Parameters
    ----------
    name
        What stands for it.
    value
        What it is.
    is_declared
        Whether the template asks for it; else it is a variable of the environment that looks like
        a secret.
    """

    name: str
    value: str
    is_declared: bool = True

    def __repr__(self) -> str:
        return f"Known({self.name!r})"  # which a traceback may show


def reveal(reference: str) -> str:
    """Return the secret that a reference stands for.

    Parameters
    ----------
    reference
        ``env:NAME`` for a variable of the environment, ``file:PATH`` for the text of a file less
        the line break at its end, or ``keyring:SERVICE/NAME`` for the system's keyring.

    Raises
    ------
    SecretError
        If it is no reference, or there is nothing where it points.

    Examples
    --------
    >>> os.environ["AN_EXAMPLE"] = "s3cr3t"
    >>> len(reveal("env:AN_EXAMPLE"))
    6
    """
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise SecretError("this is no reference to a secret (not shown)", f"Write {EXPECTED}.")
    if variable := found["variable"]:
        value = os.environ.get(variable)
        remedy = f"Set {variable} in the environment of who starts the run."
    elif path := found["path"]:
        value, remedy = _of_file(path), "Check the path, and that this user may read the file."
    else:
        value = _of_keyring(reference, found["service"], found["name"])
        remedy = f"Put it there: keyring set {found['service']} {found['name']}"
    if not value:
        raise SecretError(f"there is no secret at {reference}", remedy)
    return value


def _of_file(path: str) -> str | None:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def _of_keyring(reference: str, service: str, name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        value: str | None = keyring.get_password(service, name)
    except KeyringError as error:
        raise SecretError(
            f"the keyring cannot be asked for {reference}: {type(error).__name__}",
            "Unlock it, or use an environment variable or a file.",
        ) from None
    return value


def known(
    parameters: "Sequence[Parameter]", values: Mapping[str, Any], sources: Iterable[str] = ()
) -> list[Known]:
    """Return the values that a run must not show.

    Parameters
    ----------
    parameters, values
        Of the run. Every reference in them has to resolve.
    sources
        Of the code cells; what they reveal by a literal reference is known too.

    Raises
    ------
    SecretError
        If a parameter refers to what is not there; names the parameter, never a value.
    """
    found = []
    for parameter in parameters:
        if not parameter.is_secret:
            continue
        for reference in _references(values.get(parameter.name)):
            try:
                found.append(Known(_name(reference), reveal(reference)))
            except SecretError as error:
                raise SecretError(f"{parameter.name}: {error.problem}", error.remedy) from None
    for source in sources:
        for _, reference in _REVEALED.findall(source):
            try:
                found.append(Known(_name(reference), reveal(reference)))
            except SecretError:
                continue  # of which its cell will tell
    declared = {each.value for each in found}
    return found + [each for each in of_environment() if each.value not in declared]


def of_environment() -> list[Known]:
    """Return what looks like a secret among the variables of the environment.

    By its name; or a password in an address. A value that is also an ordinary word would take that
    word out of every report, so short ones and those of letters alone are not among them.
    """
    found = []
    for name, value in os.environ.items():
        if password := _PASSWORD.search(value):
            found.append(Known(name, password[1], is_declared=False))
        elif _TELLING.search(name) and _is_telling(value):
            found.append(Known(name, value, is_declared=False))
    return found


def _is_telling(value: str) -> bool:
    if len(value) < SHORTEST or "://" in value or value.startswith(("/", "~", ".")):
        return False
    is_mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return is_mixed or len(value) >= 2 * SHORTEST


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _references(each)


def _name(reference: str) -> str:
    kind, _, place = reference.partition(":")
    return Path(place).name if kind == "file" else place
