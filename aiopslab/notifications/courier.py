"""The courier: hands messages to Apprise, in a time that is stated, and keeps addresses secret."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from aiopslab.errors import AIOpsLabError
from aiopslab.notifications.message import Message, line

if TYPE_CHECKING:
    from apprise import AppriseAsset

MACHINES = {"json", "jsons", "xml", "xmls", "form", "forms"}  # read what they get as it is
MAIL = {"mailto", "mailtos"}
HIDDEN = "…"
SHORTEST = 4  # letters of an address that are hidden in what is said of it


@dataclass(frozen=True)
class Parcel:
    """A message on its way.

    Parameters
    ----------
    name
        Of the target, for what is said of it.
    reference
        To its address.
    message
        What it gets.
    """

    name: str
    reference: str
    message: Message


def deliver(
    parcels: Sequence[Parcel], patience_s: float, reveal: Callable[[str], str]
) -> list[str]:
    """Deliver messages side by side, each tried again with growing pauses.

    Parameters
    ----------
    parcels
        What goes where.
    patience_s
        Seconds after which nobody waits any longer.
    reveal
        Returns the address behind a reference.

    Returns
    -------
    list of str
        For each parcel why it could not be delivered, without its address; empty where it was.
    """
    problems = [f"{each.name} did not answer within {patience_s:g} s" for each in parcels]
    end = time.monotonic() + patience_s

    def carry(number: int) -> None:
        parcel = parcels[number]
        try:
            problem = _deliver(parcel, end, reveal, lambda said: note(number, said))
        except AIOpsLabError as error:
            problem = error.problem
        except Exception as error:  # whatever a service raises: the report is there already
            problem = type(error).__name__
        note(number, problem)

    def note(number: int, problem: str) -> None:
        name = parcels[number].name
        problems[number] = f"{name} was not told: {line(problem)}" if problem else ""

    carriers = [
        Thread(target=carry, args=(number,), daemon=True, name=f"notify-{number}")
        for number in range(len(parcels))
    ]
    for each in carriers:
        each.start()
    for each in carriers:
        each.join(max(end - time.monotonic(), 0))
    return list(problems)


def _deliver(
    parcel: Parcel, end: float, reveal: Callable[[str], str], note: Callable[[str], None]
) -> str:
    """Send until it is taken, or no time is left; note what went wrong each time."""
    from tenacity import RetryError, Retrying, retry_if_result, wait_exponential_jitter

    url = reveal(parcel.reference)
    attempts = Retrying(
        retry=retry_if_result(bool),
        wait=wait_exponential_jitter(multiplier=0.5, max=10),
        stop=lambda state: time.monotonic() + state.upcoming_sleep >= end,
        before_sleep=lambda state: note(str(state.outcome and state.outcome.result())),
    )
    try:
        return str(attempts(_attempt, url, parcel.message, end))
    except RetryError as error:
        return str(error.last_attempt.result())


def _attempt(url: str, message: Message, end: float) -> str:
    """Send once; return what went wrong."""
    from apprise import Apprise, NotifyFormat, NotifyType
    from apprise.attachment.memory import AttachMemory

    logging.getLogger("apprise").propagate = False  # what it says of an address is told by us
    service = Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
    if service is None:
        raise AIOpsLabError("its address is none that Apprise knows")
    scheme = url.partition(":")[0].lower()
    if scheme in MAIL:
        service.inline = True  # the picture is seen in the mail, not only kept beside it
    sent = message if scheme in MAIL | MACHINES else message.calling_nobody()
    apprise = Apprise(asset=_asset())
    apprise.add(service)
    result = apprise.notify(
        body=sent.html,
        title=sent.subject,
        body_format=NotifyFormat.HTML,
        notify_type=NotifyType.SUCCESS if sent.is_good else NotifyType.WARNING,
        attach=[AttachMemory(sent.picture, "figure.png", "image/png")] if sent.picture else None,
        timeout=max(end - time.monotonic(), 0.1),
    )
    if result:
        return ""
    said = [entry.message for entry in result.logs()]
    return without_address(said[-1] if said else "it refused the message", url)


def _asset() -> "AppriseAsset":
    from apprise import AppriseAsset, PersistentStoreMode

    return AppriseAsset(
        app_id="AIOps Lab",
        app_desc="reports",
        app_url="",
        image_url_mask="",  # no picture is fetched from elsewhere by those who read the message
        image_url_logo="",
        interpret_emojis=False,
        async_mode=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )


def without_address(text: str, url: str) -> str:
    """Hide every part of an address in a text.

    Examples
    --------
    >>> without_address("no answer from hooks.example.com", "json://me:pass@hooks.example.com/T0K3N")
    'no answer from …'
    """
    from urllib.parse import unquote

    _, _, rest = url.partition("://")
    parts: set[Any] = set(re.split(r"[/:@?&=#,]", rest)) | {rest}
    parts |= {unquote(each) for each in parts}
    for part in sorted((each for each in parts if len(each) >= SHORTEST), key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return text
