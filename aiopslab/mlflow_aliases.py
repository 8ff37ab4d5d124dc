"""Aliases in an MLflow registry: pointed at a version of a model or a prompt, and pointed back."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiopslab.errors import AIOpsLabError
from aiopslab.governance.authorisation import doing
from aiopslab.governance.deeds import Move

if TYPE_CHECKING:
    from mlflow import MlflowClient

Kind = Literal["model", "prompt", "index"]

SCHEMES: dict[Kind, str] = {"model": "models", "prompt": "prompts", "index": "indexes"}
# Which of them a server answers with depends on its store.
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"}
_MOVED = re.compile(r"from (none|\d+) to (\d+)")  # what a tag says of an alias


@dataclass(frozen=True)
class Promotion:
    """An alias that was moved, and where it was before.

    Parameters
    ----------
    name
        Of the model, the prompt or the index.
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


@dataclass(frozen=True)
class Aliases:
    """The aliases of one name in a registry.

    Parameters
    ----------
    client
        Of the server.
    kind
        Of what is registered under the name: a ``model``, a ``prompt``, or an ``index``, which
        MLflow holds as a model and a policy tells from one.
    name
        That is registered.

    Notes
    -----
    MLflow keeps where an alias points and not where it pointed before. A tag beside it does, so
    that whoever comes later can take the last promotion back.

    Whatever moves an alias asks the policy first and is recorded in the audit trail, see
    `aiopslab.governance.doing`, which raises `Denied` where it may not be.
    """

    client: "MlflowClient"
    kind: Kind
    name: str

    def at(self, alias: str) -> int | None:
        """Return the version that an alias points at; ``None`` where nobody has it."""
        from mlflow.exceptions import MlflowException

        try:
            found = (
                self.client.get_prompt_version_by_alias(self.name, alias)
                if self.kind == "prompt"
                else self.client.get_model_version_by_alias(self.name, alias)
            )
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            return None
        return None if found is None else int(found.version)

    def point(self, alias: str, version: int) -> None:
        """Point an alias at a version, and keep nothing of where it was."""
        if self.kind == "prompt":
            self.client.set_prompt_alias(self.name, alias, version)
        else:
            self.client.set_registered_model_alias(self.name, alias, str(version))

    def promote(self, alias: str, version: int, data: str = "") -> Promotion:
        """Point an alias at a version that is there, and keep where it was.

        Parameters
        ----------
        alias, version
            Which, and where to.
        data
            Digest of what it was decided on, for the audit trail.
        """
        _check_movable(alias)
        before = self.at(alias)
        if before != version:
            promotion = Move("promote", self._subject, alias, str(version))
            with doing(promotion, data=data, before=before):
                # Kept first: an alias that was moved can always be moved back.
                self._keep(alias, f"from {before or 'none'} to {version}")
                self.point(alias, version)
        return Promotion(self.name, alias, version, before)

    def last(self, alias: str) -> Promotion | None:
        """Return the last promotion of an alias; ``None`` where nothing is known of it."""
        told = _MOVED.fullmatch(self._tags().get(_tag(alias), ""))
        if told is None:
            return None
        before, version = told.groups()
        return Promotion(self.name, alias, int(version), None if before == "none" else int(before))

    def roll_back(self, promotion: Promotion) -> None:
        """Point an alias at what it pointed at before; remove it where nobody had it.

        Raises
        ------
        AIOpsLabError
            If somebody has moved the alias since.
        """
        alias, now = promotion.alias, self.at(promotion.alias)
        if now != promotion.version:
            at = f"version {now}" if now is not None else "none"
            raise AIOpsLabError(
                f"{alias} of {self.name} points at {at}, no longer at version {promotion.version}",
                "Somebody has moved it since; promote the version that you want.",
            )
        if promotion.has_moved:
            self._move_back(alias, promotion.before, now)

    def restore(self, alias: str, version: int, data: str = "") -> Promotion:
        """Point an alias back at a version that was in use, see `promote`.

        Nothing is kept of where it was: what is taken back is no way back.
        """
        before = self.at(alias)
        if before != version:
            self._move_back(alias, version, before, data)
        return Promotion(self.name, alias, version, before)

    def _move_back(self, alias: str, to: int | None, now: int | None, data: str = "") -> None:
        back = Move("rollback", self._subject, alias, "" if to is None else str(to))
        with doing(back, data=data, before=now):
            if to is None:
                self._remove(alias)
            else:
                self.point(alias, to)
            self.forget(alias)

    def take_back(self, alias: str) -> Promotion:
        """Take the last promotion of an alias back, see `roll_back`.

        Raises
        ------
        AIOpsLabError
            If nothing is known of an earlier version, or somebody has moved the alias since.
        """
        last = self.last(alias)
        if last is None:
            raise AIOpsLabError(
                f"nothing is known of what {alias} of {self.name} pointed at before",
                "Promote the version that you want; from then on it is known.",
            )
        self.roll_back(last)
        return last

    def follow(
        self,
        alias: str,
        candidate: int,
        baseline: int | None,
        is_promoted: bool,
        is_worse: bool,
        data: str = "",
    ) -> Promotion | None:
        """Move an alias to where a gate says.

        Parameters
        ----------
        alias
            To be moved.
        candidate, baseline
            The versions that were compared; no baseline where that is of no registry.
        is_promoted
            Whether the candidate is: the alias then points at it.
        is_worse
            Whether the candidate surely is: an alias that points at it goes back to the baseline.
        data
            Digest of what it was decided on, for the audit trail.

        Returns
        -------
        Promotion or None
            ``None`` where the gate leaves things as they are.
        """
        if is_promoted:
            return self.promote(alias, candidate, data)
        if not is_worse or baseline is None or self.at(alias) != candidate:
            return None
        return self.restore(alias, baseline, data)

    def check(self, alias: str, versions: tuple[int, ...]) -> None:
        """Refuse an alias that a gate could not move, before a comparison is paid for.

        Raises
        ------
        AIOpsLabError
            If the alias points at a version that is not compared, or moves by itself.
        """
        _check_movable(alias)
        at = self.at(alias)
        if at is not None and at not in versions:
            raise AIOpsLabError(
                f"{alias} of {self.name} points at version {at}, which was not compared",
                "Compare with what is in use, or promote a version yourself.",
            )

    def note(self, version: int, tag: str, text: str) -> None:
        """Keep a text with a version, in a tag of it."""
        if self.kind == "prompt":
            self.client.set_prompt_version_tag(self.name, str(version), tag, text)
        else:
            self.client.set_model_version_tag(self.name, str(version), tag, text)

    def forget(self, alias: str) -> None:
        """Delete what is kept of the last promotion, where there is anything."""
        if _tag(alias) not in self._tags():
            return
        if self.kind == "prompt":
            self.client.delete_prompt_tag(self.name, _tag(alias))
        else:
            self.client.delete_registered_model_tag(self.name, _tag(alias))

    @property
    def _subject(self) -> str:
        return f"{SCHEMES[self.kind]}:/{self.name}"

    def _remove(self, alias: str) -> None:
        if self.kind == "prompt":
            self.client.delete_prompt_alias(self.name, alias)
        else:
            self.client.delete_registered_model_alias(self.name, alias)

    def _keep(self, alias: str, moved: str) -> None:
        if self.kind == "prompt":
            self.client.set_prompt_tag(self.name, _tag(alias), moved)
        else:
            self.client.set_registered_model_tag(self.name, _tag(alias), moved)

    def _tags(self) -> dict[str, str]:
        if self.kind == "prompt":
            found = self.client.get_prompt(self.name)
            return {} if found is None else dict(found.tags)
        return dict(self.client.get_registered_model(self.name).tags)


def _check_movable(alias: str) -> None:
    if alias == "latest":
        raise AIOpsLabError(
            "alias is 'latest', which follows the versions by itself",
            "Name another, such as production.",
        )


def _tag(alias: str) -> str:
    return f"aiopslab.{alias}.moved"


@dataclass(frozen=True)
class Sides:
    """Two versions of one name that a gate compares, and the aliases of it.

    Parameters
    ----------
    aliases
        Of the model or the index.
    candidate, baseline
        Numbers of the versions; no baseline where that is of no registry.
    """

    aliases: Aliases
    candidate: int
    baseline: int | None
