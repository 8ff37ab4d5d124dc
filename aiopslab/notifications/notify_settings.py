"""What a plan says under ``notify:``: whom to tell of what, and when to say it again."""

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from aiopslab.durations import Duration
from aiopslab.errors import ParameterError
from aiopslab.findings import Level
from aiopslab.notifications.events import Event
from aiopslab.reports.secrets import Secret

DAILY = "daily "


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Digest(_Settings):
    """When what happened is told together.

    Parameters
    ----------
    cron
        Five fields, or ``daily HH:MM``.
    timezone
        Whose clock that is.
    """

    cron: str = "0 8 * * *"
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        from aiopslab.moments import zone

        return _checked(lambda: zone(name).key)

    @field_validator("cron")
    @classmethod
    def _check_cron(cls, text: str) -> str:
        from aiopslab.cron import parse

        return _checked(lambda: parse(_daily(text)).text)


def _daily(text: str) -> str:
    hour, _, minute = text.removeprefix(DAILY).strip().partition(":")
    return f"{minute} {hour} * * *" if text.startswith(DAILY) else text


def _checked(read: Any) -> str:
    try:
        return str(read())
    except ParameterError as error:
        raise PydanticCustomError("when", "{said}", {"said": str(error.problem)}) from None


class Target(_Settings):
    """Somebody, or something, that is told.

    Parameters
    ----------
    name
        What notes and messages call it.
    url
        A reference to its Apprise URL, which is a secret: ``env:NAME``, ``file:PATH`` or
        ``keyring:SERVICE/NAME``.
    events
        Of which kinds it is told.
    levels
        It is told of verdicts that come to one of these, or leave it; of failures always.
    series
        Names of series, with ``*`` for any letters.
    digest
        When it is told of everything at once; at once of each where left out.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    url: Secret
    events: Annotated[tuple[Event, ...], Field(min_length=1)] = ("change", "failure", "recovery")
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("ok", "watch", "act")
    series: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    digest: Digest | None = None

    def follows(self, series: str) -> bool:
        """Tell whether it is told of a series."""
        return any(fnmatchcase(series, each) for each in self.series)


class Settings(_Settings):
    """Whom to tell.

    Parameters
    ----------
    targets
        Each with a name of its own.
    link
        Where the gallery is published, for the links in messages; its folder where left out.
    remind
        After how long a report that still fails, or still says ``act``, is told again;
        ``never`` for once.
    patience
        How long a run waits for its messages to be taken, at most.

    Examples
    --------
    >>> Settings.model_validate({"targets": [{"name": "on call", "url": "env:ONCALL"}]}).remind
    '24h'
    """

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    link: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")] | None = None
    remind: Duration | Literal["never"] = "24h"
    patience: Duration = "20s"

    @field_validator("targets")
    @classmethod
    def _check_names(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        names = [each.name for each in targets]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            raise PydanticCustomError("twice", "{name} is there twice", {"name": twice})
        return targets
