"""Records without secrets: what looks like one, is named like one, or is in the environment."""

import os
import re
from collections.abc import Mapping
from typing import Any

from aiopslab.sources.git.redaction import redacted

_HIDDEN = "[redacted]"
_SECRET_NAME = re.compile(r"(TOKEN|PASSWORD|PASSWD|SECRET|_KEY)$", re.IGNORECASE)
_SHORTEST = 6  # letters; anything shorter is in every other word


def without_secrets(value: Any) -> Any:
    """Return plain values in which every secret is hidden.

    Examples
    --------
    >>> without_secrets({"password": "hunter2", "reason": "see http://me:hunter2@host/"})
    {'password': '[redacted]', 'reason': 'see http://me:[redacted]@host/'}
    """
    if isinstance(value, Mapping):
        return {
            name: _HIDDEN if _is_secret(str(name)) and each else without_secrets(each)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(each) for each in value]
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    for name, secret in os.environ.items():
        if _SECRET_NAME.search(name) and len(secret) >= _SHORTEST:
            text = text.replace(secret, _HIDDEN)
    return redacted(text)


def _is_secret(name: str) -> bool:
    probe = f'{name}="probe"'
    return redacted(probe) != probe
