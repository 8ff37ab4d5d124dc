"""A run in words that can be copied: the command that starts it, its entry in a plan."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from aiopslab.errors import ParameterError, SourceError
from aiopslab.reports.catalogue import Template, find
from aiopslab.reports.parameters import validate

GALLERY = "reports"  # where `aiopslab run` puts reports unless it is told another folder
WIDTH = 88  # of a command on one line
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s\"'<>,]+")


def command_line(template: str, values: Mapping[str, Any], folder: str = GALLERY) -> str:
    r"""Return the command that runs a template with these values, quoted for a shell.

    Parameters
    ----------
    template
        Its name, or the path of its notebook.
    values
        Parameters by name. What is left out, and what is as the template has it, is not written.
    folder
        Of the gallery.

    Returns
    -------
    str
        On one line where it is short, else a line a parameter.

    Raises
    ------
    ParameterError
        If a value does not fit its parameter, or holds credentials.
    ReportError
        If there is no such template.

    Examples
    --------
    >>> command_line("drift", {"current": "sample://no-fault", "confidence": 0.95})
    'aiopslab run drift -p current=sample://no-fault'
    >>> print(command_line("drift", {"costs": {"fraud > fine": 500}, "ignored": ["id", "region"],
    ...                              "current": "sample://classifier-deploy"}))
    aiopslab run drift \
      -p current=sample://classifier-deploy \
      -p 'ignored=["id", "region"]' \
      -p 'costs={"fraud > fine": 500.0}'
    """
    return as_command(template, changed(find(template), values), folder)


def as_command(template: str, values: Mapping[str, Any], folder: str = GALLERY) -> str:
    """Write checked values as `command_line` does."""
    pairs = (f"{name}={text_of(value)}" for name, value in values.items())
    options = [f"-p {shlex.quote(pair)}" for pair in pairs]
    if folder != GALLERY:
        options.append(f"-o {shlex.quote(folder)}")
    parts = [f"aiopslab run {shlex.quote(template)}", *options]
    line = " ".join(parts)
    return line if len(line) <= WIDTH else " \\\n  ".join(parts)


def plan_entry(template: str, values: Mapping[str, Any]) -> str:
    """Return the run as an entry of a list in YAML.

    Parameters
    ----------
    template, values
        As of `command_line`, and it raises as that does.

    Examples
    --------
    >>> print(plan_entry("drift", {"current": "sample://no-fault"}), end="")
    - template: drift
      parameters:
        current: sample://no-fault
    """
    return as_entry(template, changed(find(template), values))


def as_entry(template: str, values: Mapping[str, Any]) -> str:
    """Write checked values as `plan_entry` does."""
    import yaml

    entry = {"template": template, "parameters": dict(values)}
    # PyYAML folds the line breaks of Unicode to spaces unless it escapes them.
    is_plain = not re.search("[\x85\u2028\u2029]", json.dumps(entry, ensure_ascii=False))
    return str(yaml.safe_dump([entry], sort_keys=False, allow_unicode=is_plain, width=WIDTH))


def changed(template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a template does not have of itself, checked, in its order.

    Raises
    ------
    ParameterError
        If a value does not fit its parameter, or holds credentials.
    """
    for name, value in values.items():
        refuse_credentials(name, value)
    given = [each for each in template.parameters if each.name in values or not each.is_required]
    checked = validate(given, values)
    return {each.name: checked[each.name] for each in given if checked[each.name] != each.default}


def refuse_credentials(name: str, value: Any) -> None:
    """Raise where a parameter of any type holds a URL with credentials, which reports would keep.

    Raises
    ------
    ParameterError
        With where they belong instead; the value is not repeated.
    """
    from aiopslab.sources.url import check, holds_credentials

    for text in _texts(value):
        if holds_credentials(text):
            try:
                check(text)
            except SourceError as error:
                raise ParameterError(f"{name}: {error.problem}", error.remedy) from None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _URL.findall(value)  # in prose, or in JSON that is being typed
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def text_of(value: Any) -> str:
    """Write a value as the command line reads it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
