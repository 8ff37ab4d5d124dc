"""Aliases: moved to a version of a registered prompt, and moved back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiopslab.errors import PromptError, did_you_mean
from aiopslab.mlflow_server import connect
from aiopslab.prompts.decision import Decision
from aiopslab.prompts.registry import REFUSED, find_version, refusing

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Promotion:
    """An alias that was moved, and where it was before.

    Parameters
    ----------
    name
        Of the prompt.
    alias
        That was moved.
    version
        It points at now.
    before
        It pointed at; ``None`` where nobody had it.

    Examples
    --------
    >>> print(Promotion("support", "production", 3, 2))
    production of support points at version 3; it pointed at version 2
    """

    name: str
    alias: str
    version: int
    before: int | None

    @property
    def has_moved(self) -> bool:
        """Whether it pointed elsewhere before."""
        return self.before != self.version

    def __str__(self) -> str:
        was = f"version {self.before}" if self.before is not None else "none"
        return f"{self.alias} of {self.name} points at version {self.version}; it pointed at {was}"


def promote(
    name: str, alias: str, version: int | str, tracking_uri: str | None = None
) -> Promotion:
    """Point an alias at a version, and tell what it pointed at before.

    Parameters
    ----------
    name
        Of the prompt.
    alias
        E.g. ``production``; not ``latest``, which follows the versions by itself.
    version
        Its number.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    PromptError
        If there is no such prompt or version, or the server refuses or is not there.
    """
    if alias == "latest":
        raise PromptError(
            "alias is 'latest', which follows the versions by itself",
            "Name another, such as production.",
        )
    with refusing(f"prompts:/{name}@{alias}"):
        client = connect(tracking_uri)
        found = int(find_version(client, name, str(version), None).version)
        before = _pointed_at(client, name, alias)
        if before != found:
            client.set_prompt_alias(name, alias, found)
    return Promotion(name, alias, found, before)


def roll_back(promotion: Promotion, tracking_uri: str | None = None) -> Promotion:
    """Point an alias at what it pointed at before; remove it where nobody had it.

    Parameters
    ----------
    promotion
        To take back.
    tracking_uri
        Of the MLflow server.

    Returns
    -------
    Promotion
        What was taken back: the alias points at its `before` again.

    Raises
    ------
    PromptError
        If somebody has moved the alias since, or the server refuses or is not there.
    """
    name, alias = promotion.name, promotion.alias
    with refusing(f"prompts:/{name}@{alias}"):
        client = connect(tracking_uri)
        now = _pointed_at(client, name, alias)
        if now != promotion.version:
            at = f"version {now}" if now is not None else "none"
            raise PromptError(
                f"{alias} of {name} points at {at}, no longer at version {promotion.version}",
                "Somebody has moved it since; promote the version that you want.",
            )
        if promotion.before is None:
            client.delete_prompt_alias(name, alias)
        elif promotion.has_moved:
            client.set_prompt_alias(name, alias, promotion.before)
    return promotion


def follow(
    decision: Decision,
    name: str,
    alias: str,
    versions: Mapping[str, int],
    tracking_uri: str | None = None,
) -> Promotion | None:
    """Move an alias to where a decision says.

    Parameters
    ----------
    decision
        From `decide`. Only ``candidate`` and ``baseline`` move anything: the first promotes, the
        second rolls back a candidate that the alias points at.
    name, alias
        Of the prompt, and what is to be moved.
    versions
        Numbers in the registry, by the names of the prompts that were compared.
    tracking_uri
        Of the MLflow server.

    Returns
    -------
    Promotion or None
        ``None`` where the decision leaves things as they are.

    Raises
    ------
    PromptError
        If the prompt that was chosen has no number, or the alias points at a version that was not
        compared, so that the decision says nothing of it.
    """
    if decision.choice not in {"candidate", "baseline"}:
        return None
    if decision.prompt not in versions:
        raise PromptError(
            f"the version of {decision.prompt!r} is not known",
            did_you_mean(decision.prompt, list(versions)),
        )
    with refusing(f"prompts:/{name}@{alias}"):
        before = _pointed_at(connect(tracking_uri), name, alias)
    if before is not None and before not in versions.values():
        raise PromptError(
            f"{alias} of {name} points at version {before}, which was not compared",
            "Compare with what is in use, or promote a version yourself.",
        )
    return promote(name, alias, versions[decision.prompt], tracking_uri)


def _pointed_at(client: "MlflowClient", name: str, alias: str) -> int | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_prompt_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in REFUSED:
            raise
        return None
    return None if found is None else int(found.version)
