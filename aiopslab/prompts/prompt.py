"""Prompts: templates of messages with variables, read from files, rendered in a sandbox."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.errors import PromptError, did_you_mean

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

Messages = tuple[Mapping[str, str], ...]

ROLES = ("system", "user", "assistant")
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
        If it has no message, a role that is none, or a template that cannot be read.

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
        self._parsed()  # a template that cannot be read is refused before anything is run

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
            ensure_ascii=True,
            default=str,
        )
        return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that an item has to have, in the order of the alphabet."""
        from jinja2 import meta

        found = [meta.find_undeclared_variables(each) for each in self._parsed()]
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
            If a variable is missing, or the template tries what a prompt has no need of, such as
            the attributes of Python's objects.
        """
        from jinja2 import TemplateError
        from jinja2.exceptions import SecurityError

        for name in self.variables:
            if name not in item:
                raise PromptError(
                    f"the prompt {self.name!r} needs {name!r}, which the item does not have",
                    did_you_mean(name, [str(each) for each in item]),
                )
        try:
            return [
                {
                    "role": each["role"],
                    "content": _sandbox().from_string(each["content"]).render(item),
                }
                for each in self.messages
            ]
        except SecurityError as error:
            raise PromptError(
                f"the prompt {self.name!r} was stopped: {error}",
                "Prompts see the values of an item, and nothing of Python behind them.",
            ) from None
        except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
            raise PromptError(
                f"the prompt {self.name!r} could not be filled in: {error}",
                "Check its template against the values of the item.",
            ) from None

    def _parsed(self) -> list[Any]:
        from jinja2 import TemplateSyntaxError

        try:
            return [_sandbox().parse(each["content"]) for each in self.messages]
        except TemplateSyntaxError as error:
            raise PromptError(
                f"the prompt {self.name!r} cannot be read: line {error.lineno}: {error.message}",
                'Write variables as {{ name }}, and braces that are none as {{ "{{" }}.',
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
            if each[:1] in kinds
            else escape(each)
            for each in self.lines
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
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(
            f"the prompt {str(path)!r} cannot be read: {error.strerror}", "Check its path."
        ) from None
    except UnicodeDecodeError as error:
        raise PromptError(
            f"the prompt {str(path)!r} is not UTF-8: byte {error.start}", "Save it as UTF-8."
        ) from None
    try:
        if file.suffix in {".yaml", ".yml", ".json"}:
            return _of_mapping(yaml.safe_load(text), file.stem, str(path))
        head, body = _front_matter(text)
        known = yaml.safe_load(head) if head else {}
    except yaml.YAMLError as error:
        raise PromptError(
            f"the YAML of the prompt {str(path)!r} cannot be read: {error}", "Mend it."
        ) from None
    if not isinstance(known, dict):
        raise PromptError(
            f"what stands before the prompt {str(path)!r} is no list of names with values",
            "Write name: value, a line each, between lines of ---.",
        )
    system = known.pop("system", None)
    messages = [{"role": "system", "content": str(system)}] if system else []
    messages.append({"role": "user", "content": body.strip("\n")})
    return Prompt(str(known.pop("name", file.stem)), tuple(messages), known)


def _of_mapping(read: Any, stem: str, path: str) -> Prompt:
    if not isinstance(read, dict) or not isinstance(read.get("messages"), list):
        raise PromptError(
            f"the prompt {path!r} has no messages",
            "Write messages: with a role and a content each.",
        )
    messages = [each if isinstance(each, dict) else {"content": each} for each in read["messages"]]
    return Prompt(str(read.get("name", stem)), tuple(messages), read.get("parameters") or {})


def _front_matter(text: str) -> tuple[str, str]:
    """Return the YAML block before a text, and the text."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (each.strip() for each in lines[1:]):
        return "", text
    end = next(at for at, each in enumerate(lines[1:], 1) if each.strip() == "---")
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :])


def _lines(prompt: Prompt) -> list[str]:
    told = [f"{name}: {value}" for name, value in sorted(prompt.parameters.items())]
    for each in prompt.messages:
        told += [f"{each['role']}:", *each["content"].splitlines()]
    return told


def _sandbox() -> "SandboxedEnvironment":
    """Return where templates are rendered: no attribute of Python's own, nothing is changed."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
