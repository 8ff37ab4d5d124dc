"""Commands with holes, filled so that no value can be anything but the word it stands in."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from aiopslab.runbooks.errors import RunbookError

_HOLE = re.compile(r"\{(\w+)\}")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)
_OPERATOR = re.compile(r"[;&|<>()\n]")
LONGEST = 300  # letters of a value; names of services, flags and models are shorter


def holes(text: str) -> tuple[str, ...]:
    """Name the holes of a template, each once, in their order.

    Examples
    --------
    >>> holes("kubectl get pods --selector app={service} --namespace {namespace}")
    ('service', 'namespace')
    """
    return tuple(dict.fromkeys(_HOLE.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill the holes of a sentence; one without a value shows its name, as ``<name>``.

    Examples
    --------
    >>> fill("{alias} is {version}", {"alias": "champion"})
    'champion is <version>'
    """
    return _HOLE.sub(lambda hole: values.get(hole[1], f"<{hole[1]}>"), text)


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill the holes of a command.

    Parameters
    ----------
    template
        One program with its arguments, in the quotes that a shell would need.
    values
        By name of the hole; one without a value shows its name, as ``<name>``.

    Returns
    -------
    str
        A command for a POSIX shell.

    Raises
    ------
    RunbookError
        If a value is empty, too long, not printable, or would be read as an option.

    Notes
    -----
    The template is cut into words before a value is put in, and each word is quoted after, so
    neither the value nor quotes around the hole decide where a word ends.

    Examples
    --------
    >>> render("kubectl rollout undo deployment/{service}", {"service": "a; rm -rf /"})
    "kubectl rollout undo 'deployment/a; rm -rf /'"
    """
    filled: list[str] = []
    for word in _words(template):
        for name in holes(word):
            if name in values:
                check_value(name, values[name])
        text = fill(word, values)
        if text.startswith("-") and not word.startswith("-"):
            raise RunbookError(
                f"{text!r} would be read as an option of {filled[0]}",
                "Give a value that does not begin with a dash.",
            )
        filled.append(text)
    return shlex.join(filled)


def check_value(name: str, value: str) -> None:
    """Refuse a value that a person who reads the command could not see as it is.

    Raises
    ------
    RunbookError
        If it is empty, too long or not printable.
    """
    if not value or len(value) > LONGEST or not value.isprintable():
        raise RunbookError(
            f"{name} is {value[:LONGEST]!r}; expected 1 to {LONGEST} printable letters",
            f"Give another {name}.",
        )


def _words(template: str) -> list[str]:
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise RunbookError(f"{template!r}: {error}", "Close every quote.") from None
    if not words or "=" in words[0] or _HOLE.search(words[0]):
        raise RunbookError(
            f"{template!r} does not begin with a program", "Name the program, then its arguments."
        )
    return words


def _checked(template: str) -> str:
    """Refuse what would not work as its author means it, since every word is quoted."""
    try:
        _words(template)
    except RunbookError as error:
        raise ValueError(f"{error.problem}. {error.remedy}") from None
    if _OPERATOR.search(_QUOTED.sub("", template)):
        raise ValueError("one program with its arguments, without ; & | < > ( ) of the shell")
    if "$" in template or "`" in template:
        raise ValueError("without $ and `, which are not expanded: every word is passed as it is")
    return template


Command = Annotated[str, AfterValidator(_checked)]
"""A template of a command, checked where a catalogue is read."""
