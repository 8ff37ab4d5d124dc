"""Silences in an Alertmanager: made for a while, and ended.

Credentials and the certificate authority come from the environment, as for its alerts: see
`aiopslab.sources.alertmanager`. They are sent to the address that the step names.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from aiopslab.errors import SourceError
from aiopslab.governance.approval import Approval
from aiopslab.runbooks.catalogue import built_in
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.executors import Sight
from aiopslab.runbooks.redaction import without_secrets
from aiopslab.runbooks.step import Step
from aiopslab.sources.alertmanager import connect, listed
from aiopslab.sources.http import Client, HttpError
from aiopslab.sources.prometheus.grid import seconds

LONGEST = timedelta(hours=24)
TIMEOUT = 10.0  # seconds
_MARK = 16  # letters of a step's digest by which its silence is known again


class Silence:
    """Silences an alert of one service until a time."""

    reads: tuple[str, ...] = ("alert", "service", "label", "duration", "alertmanager")

    def complete(self, step: Step) -> Mapping[str, str]:
        """Return nothing: the server knows no more than the alert."""
        return {}

    def look(self, step: Step) -> Sight:
        """See whether the alert fires, and whether this step has silenced it already."""
        length = _duration(step)
        with _asking(step) as client:
            mine = [each for each in listed(client, "silences", {}) if _is_of(each, step)]
            firing = listed(client, "alerts", {"filter": _matchers(step)})
        if mine:
            return Sight({"silence": mine[0]["id"]}, "nothing: it is silenced already", True)
        if not firing:
            raise Refused(
                f"no alert {step.values['alert']} of {step.values['service']} fires now",
                "Leave it: there is nothing to silence. Else check the name and the label.",
            )
        silenced = sorted({other for each in firing for other in each["status"]["silencedBy"]})
        return Sight(
            {"firing": len(firing), "silenced by": silenced},
            f"POST /api/v2/silences for {', '.join(_matchers(step))}, for {length}",
        )

    def act(self, step: Step, approval: Approval) -> Mapping[str, Any]:
        """Make the silence."""
        starts = datetime.now(UTC)
        ends = starts + _duration(step)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in _labels(step).items()
            ],
            "startsAt": starts.isoformat(),
            "endsAt": ends.isoformat(),
            "createdBy": without_secrets(approval.by),
            "comment": f"{without_secrets(approval.reason)} ({_mark(step)})",
        }
        answer = _send(step, "POST", "silences", body)
        return {"silence": str(answer["silenceID"]), "until": ends.isoformat(timespec="seconds")}

    def inverse(self, step: Step, after: Mapping[str, Any]) -> Step | None:
        """Return the step that ends the silence."""
        values = {"silence": after["silence"], "alertmanager": step.values["alertmanager"]}
        why = f"It ends the silence of {step.values['alert']}."
        return Step.of(built_in()["expire-silence"], step.service, values, why, "none")


class Expire:
    """Ends a silence before its time."""

    reads: tuple[str, ...] = ("silence", "alertmanager")

    def complete(self, step: Step) -> Mapping[str, str]:
        """Return nothing: the silence has to be named."""
        return {}

    def look(self, step: Step) -> Sight:
        """See whether the silence is there, and still active."""
        number = step.values["silence"]
        with _asking(step) as client:
            known = [each for each in listed(client, "silences", {}) if each["id"] == number]
        if not known:
            raise Refused(f"there is no silence {number}", "Check its number.")
        state = known[0]["status"]["state"]
        before = {"silence": number, "state": state, "until": known[0]["endsAt"]}
        if state == "expired":
            return Sight(before, "nothing: it has ended already", True)
        return Sight(before, f"DELETE /api/v2/silence/{number}")

    def act(self, step: Step, approval: Approval) -> Mapping[str, Any]:
        """End it."""
        number = step.values["silence"]
        _send(step, "DELETE", f"silence/{quote(number, safe='')}")
        return {"silence": number, "state": "expired"}

    def inverse(self, step: Step, after: Mapping[str, Any]) -> Step | None:
        """Return nothing: what should be silenced again is approved anew."""
        return None


@contextmanager
def _asking(step: Step) -> Iterator[Client]:
    """Ask the server of a step something that changes nothing."""
    try:
        with connect(_address(step), TIMEOUT, attempts=2) as client:
            yield client
    except SourceError as error:
        raise RunbookError(error.problem, error.remedy) from None


def _send(step: Step, method: str, path: str, body: Any = None) -> Any:
    """Change something: asked once, since an answer that is lost may have been a yes."""
    client = connect(_address(step), TIMEOUT, attempts=1)
    try:
        with client:
            content = client.send(method, f"/api/v2/{path}", json=body)
    except HttpError as error:
        raise RunbookError(
            error.problem, "Check the credentials in the environment and the values of the step."
        ) from None
    except SourceError as error:
        raise RunbookError(
            f"{error.problem}; it may have done it",
            "Look before you try again: run the step without --approve.",
        ) from None
    return json.loads(content) if content else None


def _address(step: Step) -> str:
    address = step.values["alertmanager"]
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RunbookError(
            f"alertmanager is {address!r}; expected an address",
            "Write it as http://localhost:9093.",
        )
    return address


def _labels(step: Step) -> dict[str, str]:
    return {
        "alertname": step.values["alert"],
        step.values["label"]: step.values["service"],
    }


def _matchers(step: Step) -> list[str]:
    return [
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in _labels(step).items()
    ]


def _mark(step: Step) -> str:
    return f"aiopslab step {step.digest[:_MARK]}"


def _is_of(silence: Mapping[str, Any], step: Step) -> bool:
    return silence["status"]["state"] != "expired" and _mark(step) in silence["comment"]


def _duration(step: Step) -> timedelta:
    text = step.values["duration"]
    try:
        length = timedelta(seconds=seconds(text, "duration"))
    except SourceError as error:
        raise RunbookError(error.problem, error.remedy) from None
    if length > LONGEST:
        raise RunbookError(
            f"duration is {text}; a silence of more than 24 h hides the next incident",
            "Silence it for as long as it takes, and again if need be.",
        )
    return length
