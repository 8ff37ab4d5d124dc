"""Prompts: templates of messages with variables, read from files, rendered in a sandbox."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from aiopslab.errors import PromptError, did_you_mean
from aiopslab.prompts import template

Messages = tuple[Mapping[str, str], ...]

ROLES = ("system", "user", "assistant")
OURS = ("model", "messages", "stream", "n")  # parameters that would change what a call is
DIGITS = 12  # of a version


@dataclass(frozen=True)
class Prompt:
    """Messages to a model, with variables in double braces.

    Parameters
    ----------
    name
        What it is called in tables and figures.
    messages
        Each ``{"role": …, "content": …}``, the content a Jinja template such as
        ``"Classify: {{ text }}"``.
    parameters
        For the model, e.g. ``{"temperature": 0, "max_tokens": 16}``; those of a run come first.

    Raises
    ------
    PromptError
        If it has no message, a role that is none, a parameter that is not JSON or not for a prompt
        to set, or a template that cannot be read or tries what a prompt has no need of.

    Examples
    --------
    >>> prompt = Prompt.of("short", "Classify in one word: {{ text }}")
    >>> prompt.variables, prompt.render({"text": "Where is my card?"})[0]["content"]
    (('text',), 'Classify in one word: Where is my card?')
    """

    name: str
    messages: Messages
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.messages:
            raise PromptError(f"the prompt {self.name!r} has no message", "Write at least one.")
        for each in self.messages:
            if each.get("role") not in ROLES or not isinstance(each.get("content"), str):
                raise PromptError(
                    f"a message of the prompt {self.name!r} is {dict(each)!r}",
                    f"Give each a role ({', '.join(ROLES)}) and a content, which is text.",
                )
        check_parameters(self.parameters, f"the prompt {self.name!r}")
        _ = self.variables  # a template that cannot be read is refused before anything is run

    @classmethod
    def of(cls, name: str, content: str, **parameters: Any) -> "Prompt":
        """Return a prompt of one message of the user."""
        return cls(name, ({"role": "user", "content": content},), parameters)

    @cached_property
    def version(self) -> str:
        """What tells it from every other content: the same messages and parameters, the same."""
        told = json.dumps(
            {"messages": [dict(each) for each in self.messages], "parameters": self.parameters},
            sort_keys=True,
        )
        return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that an item has to have, in the order of the alphabet."""
        try:
            found = [template.variables(each["content"]) for each in self.messages]
        except template.TemplateError as error:
            raise PromptError(
                f"the prompt {self.name!r} cannot be read: {error}",
                "Write variables as {{ name }}, and braces that are none as "
                "{% raw %}{{ }}{% endraw %}.",
            ) from None
        return tuple(sorted(set().union(*found)))

    def render(self, item: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the messages with the variables filled in.

        Parameters
        ----------
        item
            Values by the names of the variables; others are left alone.

        Raises
        ------
        PromptError
            If a variable is missing, or has no value where the template writes it, or the template
            tries what a prompt has no need of, such as the attributes of Python's objects.
        """
        for name in self.variables:
            if name not in item:
                raise PromptError(
                    f"the prompt {self.name!r} needs {name!r}, which the item does not have",
                    did_you_mean(name, [str(each) for each in item]),
                )
        try:
            return [
                {"role": each["role"], "content": template.render(each["content"], item)}
                for each in self.messages
            ]
        except template.TemplateError as error:
            raise PromptError(
                f"the prompt {self.name!r} could not be filled in: {error}",
                "Check its template against the values of the item.",
            ) from None


def check_parameters(parameters: Mapping[str, Any], whose: str) -> None:
    """Refuse parameters of a model that cannot be sent, or would change what a call is.

    Raises
    ------
    PromptError
        If one is not JSON, or is set by the run.
    """
    for name in parameters:
        if name in OURS:
            raise PromptError(
                f"{whose} sets {name!r}, which a run sets itself",
                "Leave it out; each answer is one call, and repetitions are counted by the run.",
            )
    try:
        json.dumps(dict(parameters), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"the parameters of {whose} cannot be sent: {error}",
            "Use texts, finite numbers, lists and names with values.",
        ) from None


@dataclass(frozen=True)
class Diff:
    """What differs between two prompts, line by line.

    Parameters
    ----------
    lines
        In the unified format.
    """

    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines) or "no difference"

    def _repr_html_(self) -> str:
        kinds = {"+": "ins", "-": "del"}
        told = [
            f"<{kinds[each[0]]}>{escape(each)}</{kinds[each[0]]}>"
            if each[:1] in kinds and number > 1  # the first two lines name the prompts
            else escape(each)
            for number, each in enumerate(self.lines)
        ]
        body = "\n".join(told) or "no difference"
        return f'<pre class="aiopslab-diff">{body}</pre>'


def diff(old: Prompt, new: Prompt) -> Diff:
    """Compare the messages and the parameters of two prompts.

    Examples
    --------
    >>> print(diff(Prompt.of("a", "Classify: {{ text }}"), Prompt.of("b", "Label: {{ text }}")))
    --- a
    +++ b
    @@ -1,2 +1,2 @@
     user:
    -Classify: {{ text }}
    +Label: {{ text }}
    """
    told = difflib.unified_diff(_lines(old), _lines(new), old.name, new.name, lineterm="")
    return Diff(tuple(told))


def read_prompt(path: str | Path) -> Prompt:
    """Read a prompt from a file.

    Parameters
    ----------
    path
        Of YAML or JSON with ``messages`` (and ``name``, ``parameters``), or of text, which is one
        message of the user. Text may begin with a YAML block between lines of ``---``: its
        ``system`` is a message of the system, ``name`` the name, all else are parameters.

    Raises
    ------
    PromptError
        If there is no such file, or it holds no prompt.
    """
    import yaml

    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".json":
            return _of_mapping(json.loads(text), file)
        if file.suffix in {".yaml", ".yml"}:
            return _of_mapping(yaml.safe_load(text), file)
        head, body = _front_matter(text)
        known = yaml.safe_load(head) or {}
    except OSError as error:
        raise PromptError(
            f"the prompt {str(path)!r} cannot be read: {error.strerror}", "Check its path."
        ) from None
    except UnicodeDecodeError as error:
        raise PromptError(
            f"the prompt {str(path)!r} is not UTF-8: byte {error.start}", "Save it as UTF-8."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PromptError(f"the prompt {str(path)!r} cannot be read: {error}", "Mend it.") from None
    if not isinstance(known, dict):
        raise PromptError(
            f"what stands before the prompt {str(path)!r} is no list of names with values",
            "Write name: value, a line each, between lines of ---.",
        )
    told = {
        "name": known.pop("name", None),
        "messages": [
            *([{"role": "system", "content": known.pop("system")}] if "system" in known else []),
            {"role": "user", "content": body.strip("\n")},
        ],
        "parameters": known,
    }
    return _of_mapping(told, file)


def _of_mapping(read: Any, file: Path) -> Prompt:
    if not isinstance(read, dict) or not isinstance(read.get("messages"), list):
        raise PromptError(
            f"the prompt {str(file)!r} has no messages",
            "Write messages: with a role and a content each.",
        )
    parameters = read.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise PromptError(
            f"the parameters of the prompt {str(file)!r} are no names with values",
            "Write name: value, a line each.",
        )
    messages = [each if isinstance(each, dict) else {"content": each} for each in read["messages"]]
    return Prompt(str(read.get("name") or file.stem), tuple(messages), parameters)


def _front_matter(text: str) -> tuple[str, str]:
    """Return the YAML block before a text, and the text."""
    lines = text.split("\n")
    marks = [at for at, each in enumerate(lines) if each.rstrip() == "---"]
    if len(marks) < 2 or marks[0] != 0:
        return "", text
    return "\n".join(lines[1 : marks[1]]), "\n".join(lines[marks[1] + 1 :])


def _lines(prompt: Prompt) -> list[str]:
    told = [f"{name}: {value}" for name, value in sorted(prompt.parameters.items())]
    for each in prompt.messages:
        told += [f"{each['role']}:", *each["content"].splitlines()]
    return told
