"""What a plan file may say: its keys, their types and what they are when left out."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from aiopslab.durations import Duration
from aiopslab.errors import ParameterError
from aiopslab.moments import zone
from aiopslab.notifications.notify_settings import Settings as Notify
from aiopslab.sharing.publish import Settings as Publish
from aiopslab.sharing.retention import Settings as Retention


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def _zone(name: str) -> str:
    try:
        return zone(name).key
    except ParameterError as error:
        raise ValueError(f"{error.problem}. {error.remedy}") from None


class Timeout(_Settings):
    """How long a cell and a report may take; without end where left out."""

    cell: Duration | None = None
    report: Duration | None = None


class Range(_Settings):
    """Numbers or dates from one to another, which is the last where the steps come to it."""

    start: Any = Field(alias="from")
    end: Any = Field(alias="to")
    step: Any = None


class Schedule(_Settings):
    """When an entry is run."""

    cron: str
    timezone: str | None = None
    jitter: Duration | None = None
    catch_up: Literal["last", "all", "none"] = "last"

    _check_zone = field_validator("timezone")(lambda name: name and _zone(name))

    @field_validator("cron")
    @classmethod
    def _check_cron(cls, text: str) -> str:
        from aiopslab.cron import parse

        try:
            parse(text)
        except ParameterError as error:
            raise ValueError(f"{error.problem}. {error.remedy}") from None
        return text


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "range"


Axis = Annotated[
    Annotated[list[Any], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("range")],
    Discriminator(_kind),
]


class Entry(_Settings):
    """One report, or one for each combination of its matrix."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    template: str
    parameters: dict[str, Any] = {}
    matrix: dict[str, Axis] = {}
    timeout: Timeout | None = None
    retries: Annotated[int, Field(ge=0, le=20)] | None = None
    schedule: Schedule | None = None


class Head(_Settings):
    """What holds for all entries of a plan."""

    output: str = "reports"
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    timezone: str = "UTC"
    timeout: Timeout = Timeout()
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    notify: Notify | None = None
    publish: Publish | None = None
    retention: Retention | None = None

    _check_zone = field_validator("timezone")(_zone)
