"""Registry: prompts of an MLflow server, by version or alias."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiopslab.errors import AIOpsLabError, PromptError, did_you_mean
from aiopslab.governance.errors import AuditError, Denied
from aiopslab.mlflow_server import connect, first_line, without_credentials
from aiopslab.prompts.prompt import Prompt

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import PromptVersion
    from mlflow.entities.model_registry.prompt import Prompt as RegisteredPrompt

WRITTEN_AS = "Write it as prompts:/NAME@ALIAS or prompts:/NAME/VERSION."
GONE = "RESOURCE_DOES_NOT_EXIST"
REFUSED = {GONE, "NOT_FOUND", "INVALID_PARAMETER_VALUE"}  # which of them depends on the store
TAKEN = "RESOURCE_ALREADY_EXISTS"

_URI = re.compile(r"prompts:/(?P<name>[^/@\s]+)(?:@(?P<alias>[^/@\s]+)|/(?P<version>\d+))")
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_NO_PARAMETERS = {"provider", "model_name"}  # say which model; a run names its own


def open_prompt(uri: str, tracking_uri: str | None = None) -> Prompt:
    """Open a prompt of a registry.

    Parameters
    ----------
    uri
        ``prompts:/NAME@ALIAS`` or ``prompts:/NAME/VERSION``; the alias ``latest`` is the newest.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    Prompt
        Called ``NAME v3``, so that two versions stay apart. What MLflow keeps as the configuration
        of the model are its parameters, but for the model itself, which a run names.

    Raises
    ------
    PromptError
        If the address is of another form, the server is not there, it has no such prompt, version
        or alias, or what it has is no prompt of messages of text.
    """
    found = _found(uri, tracking_uri)
    with refusing(uri):
        return _read(found)


def number_of(uri: str, tracking_uri: str | None = None) -> tuple[str, int]:
    """Return the name of a registered prompt, and the number of the version at an address.

    Parameters
    ----------
    uri, tracking_uri
        As in `open_prompt`, which raises the same.
    """
    found = _found(uri, tracking_uri)
    return str(found.name), int(found.version)


def register(prompt: Prompt, name: str, tracking_uri: str | None = None, message: str = "") -> int:
    """Register a prompt, unless the latest version is the same.

    Parameters
    ----------
    prompt
        With a single message of the user it becomes a text, else a chat.
    name
        In the registry: letters, digits, ``-``, ``_`` and ``.``.
    tracking_uri
        Of the MLflow server.
    message
        Why it was changed.

    Returns
    -------
    int
        The version; that of the latest where its messages and parameters are the same.

    Raises
    ------
    PromptError
        If the name cannot be one, a model has it, or the server refuses or is not there.
    """
    if not _NAME.fullmatch(name):
        raise PromptError(
            f"{name!r} cannot be the name of a prompt in a registry",
            "Use letters, digits, hyphens, underscores and dots.",
        )
    template, parameters = _written(prompt)
    with refusing(f"prompts:/{name}"):
        client = connect(tracking_uri)
        is_new = not _exists(client, name)
        if is_new:
            _create(client, name)
        latest = next(iter(client.search_prompt_versions(name, max_results=1)), None)
        if latest is not None and _is_same(latest, prompt):
            return int(latest.version)
        try:
            made = client.create_prompt_version(
                name, template, description=message or None, model_config=parameters or None
            )
        except Exception:
            if is_new:  # a prompt without a version is of no use to anybody
                client.delete_prompt(name)
            raise
        return int(made.version)


def find_version(
    client: "MlflowClient", name: str, version: str | None, alias: str | None
) -> "PromptVersion":
    """Return a version, or say which part of its address is wrong."""
    from mlflow.exceptions import MlflowException

    try:
        found = (
            client.get_prompt_version_by_alias(name, alias)
            if alias
            else client.get_prompt_version(name, version or "")
        )
    except MlflowException as error:
        if error.error_code not in REFUSED:
            raise
        found = None
    if found is not None:
        return found
    if not _exists(client, name):
        raise _no_prompt(client, name)
    numbers = [int(each.version) for each in client.search_prompt_versions(name)]
    if alias:
        raise PromptError(
            f"the prompt {name!r} has no alias {alias!r}",
            "Name one of its aliases, or a version: it has "
            f"{', '.join(map(str, numbers)) or 'none'}.",
        )
    raise PromptError(
        f"the prompt {name!r} has no version {version}",
        f"It has {', '.join(map(str, numbers)) or 'none'}.",
    )


def find_prompt(client: "MlflowClient", name: str) -> "RegisteredPrompt":
    """Return a prompt without its versions, or say that there is none."""
    found = client.get_prompt(name)
    if found is None:
        raise _no_prompt(client, name)
    return found


def _no_prompt(client: "MlflowClient", name: str) -> PromptError:
    known = [each.name for each in client.search_prompts()]
    return PromptError(
        f"the registry has no prompt {name!r}",
        did_you_mean(name, known) if known else "Register it first.",
    )


def _found(uri: str, tracking_uri: str | None) -> "PromptVersion":
    named = _URI.fullmatch(uri)
    if named is None:
        raise PromptError(
            f"prompt is {without_credentials(uri)!r}, which names no version of a prompt",
            WRITTEN_AS,
        )
    with refusing(uri):
        client = connect(tracking_uri)
        return find_version(client, named["name"], named["version"], named["alias"])


def _exists(client: "MlflowClient", name: str) -> bool:
    """Tell whether there is such a prompt; a model of that name is an error."""
    from mlflow.exceptions import MlflowException

    try:
        client.search_prompt_versions(name, max_results=1)
    except MlflowException as error:
        if error.error_code in {GONE, "NOT_FOUND"}:
            return False
        raise
    return True


def _create(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_prompt(name)
    except MlflowException as error:
        if error.error_code != TAKEN:  # somebody else has just made it
            raise


def _read(found: "PromptVersion") -> Prompt:
    """Return what a version of MLflow holds as a prompt."""
    held = found.template
    messages: list[Any] = held if isinstance(held, list) else [{"role": "user", "content": held}]
    parameters = {
        {"stop_sequences": "stop"}.get(key, key): value
        for key, value in (found.model_config or {}).items()
        if key not in _NO_PARAMETERS
    }
    if found.response_format:
        schema = {"name": "response", "schema": found.response_format}
        parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
    kept = [
        {key: each[key] for key in ("role", "content") if each.get(key) is not None}
        for each in messages
    ]
    return Prompt(f"{found.name} v{found.version}", tuple(kept), parameters)


def _is_same(latest: "PromptVersion", prompt: Prompt) -> bool:
    """Tell whether a version holds the same; one that nobody here can read does not."""
    try:
        return _read(latest).version == prompt.version
    except PromptError:
        return False


def _written(prompt: Prompt) -> tuple[str | list[dict[str, str]], dict[str, Any]]:
    """Return the template and the configuration that MLflow keeps."""
    messages = [dict(each) for each in prompt.messages]
    try:
        "".join(each["content"] for each in messages).encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            f"the prompt {prompt.name!r} holds half a character ({error.object[error.start]!r})",
            "Save it as UTF-8 once more.",
        ) from None
    is_text = len(messages) == 1 and messages[0]["role"] == "user"
    parameters = dict(prompt.parameters)
    if isinstance(parameters.get("stop"), list):
        parameters["stop_sequences"] = parameters.pop("stop")
    return messages[0]["content"] if is_text else messages, parameters


@contextmanager
def refusing(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step."""
    from pydantic import ValidationError

    try:
        yield
    except (Denied, AuditError):
        raise
    except AIOpsLabError as error:
        raise PromptError(error.problem, error.remedy) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise PromptError(
            f"the parameter {'.'.join(map(str, first['loc']))} of {uri} is {first['input']!r}: "
            f"{first['msg']}",
            "Give parameters that MLflow takes as the configuration of a model.",
        ) from None
    except Exception as error:  # of the server, the store and the way there
        raise PromptError(
            f"{uri} was refused: {first_line(error)}",
            "Check the name, and MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
