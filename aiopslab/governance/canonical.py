"""Canonical JSON: the one way in which it is written to be hashed."""

import hashlib
import json
from typing import Any


def canonical(plain: Any) -> bytes:
    """Write plain JSON values as ASCII, names in order and without blanks."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def sha256(plain: Any) -> str:
    """Return the SHA-256 of plain JSON values, in hexadecimal.

    Examples
    --------
    >>> sha256({"b": 1, "a": 2}) == sha256({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(canonical(plain)).hexdigest()
