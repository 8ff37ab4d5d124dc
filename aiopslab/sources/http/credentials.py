"""What authenticates with a server: read from the environment, shown nowhere."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote, urlsplit

from aiopslab.errors import AIOpsLabError, SourceError

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Credentials:
    """What authenticates, and is shown nowhere.

    Parameters
    ----------
    headers
        Headers whose values are secret, sent with every request.
    secrets
        What else must never be shown, e.g. the password within a header.
    authority
        The file of a private certificate authority.
    authority_variable
        The variable that names that file.
    remedy
        What to tell whoever the server turns away.

    Examples
    --------
    >>> Credentials({"Authorization": "Bearer s3cret"})
    Credentials(authority=None, authority_variable='the variable …_CA', remedy='')
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    authority: str | None = None
    authority_variable: str = "the variable …_CA"
    remedy: str = ""

    def hide(self, text: str) -> str:
        """Return a text without any secret.

        Examples
        --------
        >>> Credentials({"Authorization": "Bearer s3cret"}).hide("no user has s3cret")
        'no user has …'
        """
        words = [word for value in self.headers.values() for word in (value, value.split(" ")[-1])]
        hidden = {form for word in (*self.secrets, *words) for form in _written(word)}
        for each in sorted(filter(None, hidden), key=len, reverse=True):
            text = text.replace(each, "…")
        return text


def _written(secret: str) -> tuple[str, ...]:
    """Return how a secret looks in text, in a URL, in JSON and in HTML."""
    return secret, quote(secret, safe=""), json.dumps(secret)[1:-1], escape(secret)


def credentials(prefix: str, headers: Mapping[str, str] | None = None) -> Credentials:
    """Read what authenticates from the environment.

    Parameters
    ----------
    prefix
        How the names of the variables begin: ``{prefix}_TOKEN`` is sent as a bearer token,
        ``{prefix}_USER`` and ``{prefix}_PASSWORD`` as basic authentication, where there is no
        token. ``{prefix}_CA`` names the file of a private certificate authority.
    headers
        Other headers by the variables that hold their values, e.g. ``{"DD-API-KEY":
        "DD_API_KEY"}``; those that are not set are left out.

    Raises
    ------
    SourceError
        If a value cannot be sent, or only one of user and password is set.

    Examples
    --------
    >>> credentials("AIOPSLAB_EXAMPLE").headers
    {}
    """
    token, user, password = (f"{prefix}_{each}" for each in ("TOKEN", "USER", "PASSWORD"))
    others = {header: _value(variable) for header, variable in (headers or {}).items()}
    found = {header: value for header, value in others.items() if value}
    secrets: tuple[str, ...] = ()
    if _value(token):
        found["Authorization"] = f"Bearer {_value(token)}"
    elif os.environ.get(user) and os.environ.get(password):
        pair = f"{os.environ[user]}:{os.environ[password]}"
        found["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        secrets = (os.environ[password],)
    elif os.environ.get(user) or os.environ.get(password):
        raise SourceError(f"only one of {user} and {password} is set", "Set both, or neither.")
    named = f"{token}, or {user} and {password}" + "".join(
        f", or {variable}" for variable in (headers or {}).values()
    )
    return Credentials(
        found,
        secrets,
        os.environ.get(f"{prefix}_CA") or None,
        f"{prefix}_CA",
        f"Set {named}, in the environment.",
    )


def openai_credentials(prefix: str, address: str, refused: type[AIOpsLabError]) -> Credentials:
    """Read what authenticates with an endpoint that speaks the OpenAI API.

    Parameters
    ----------
    prefix
        As in `credentials`. Without one of those, ``OPENAI_API_KEY`` is taken, but only for OpenAI,
        or the origin of ``OPENAI_BASE_URL``.
    address
        Of the endpoint.
    refused
        What is raised where that key cannot be sent.

    Raises
    ------
    SourceError
        As in `credentials`.

    Examples
    --------
    >>> openai_credentials("AIOPSLAB_EXAMPLE", "https://host/v1", SourceError).headers
    {}
    """
    ours = credentials(prefix)
    theirs = os.environ.get("OPENAI_API_KEY", "").strip()
    origins = [urlsplit(each) for each in (address, os.environ.get("OPENAI_BASE_URL") or OPENAI)]
    is_meant = len({(each.scheme, each.netloc) for each in origins}) == 1
    if ours.headers or not theirs or not is_meant:
        return ours
    if not (theirs.isascii() and theirs.isprintable()):
        raise refused("OPENAI_API_KEY has characters that no key has", "Copy it again.")
    return replace(ours, headers={"Authorization": f"Bearer {theirs}"})


def _value(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise SourceError(f"{variable} has characters that no credential has", "Copy it again.")
    return value
