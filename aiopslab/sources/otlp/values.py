"""The values of OTLP's JSON: attributes, times, identifiers and the names of its enumerations."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # four numbers each, from 1
_STATUSES = ("UNSET", "OK", "ERROR")
_DIGITS = set("0123456789abcdef")
_LATEST = 2**63  # in nanoseconds; nothing that a frame holds is later


def attributes(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return attributes by their keys.

    Examples
    --------
    >>> attributes([{"key": "code", "value": {"intValue": "200"}}])
    {'code': 200}
    """
    return {pair["key"]: value(pair.get("value")) for pair in pairs or ()}


def value(typed: Mapping[str, Any] | None) -> Any:
    """Return what a typed value holds; 64-bit integers are text in JSON.

    Examples
    --------
    >>> value({"arrayValue": {"values": [{"stringValue": "a"}, {"boolValue": True}]}})
    ['a', True]
    """
    held: Any
    kind, held = next(iter((typed or {}).items()), ("", None))
    match kind:
        case "intValue":
            return int(held)
        case "doubleValue":
            return float(held)
        case "arrayValue":
            return [value(each) for each in held.get("values", ())]
        case "kvlistValue":
            return attributes(held.get("values"))
    return held


def nanoseconds(text: str | int | None) -> int | None:
    """Return a time in nanoseconds since 1970; ``None`` for 0, which stands for unknown.

    Examples
    --------
    >>> nanoseconds("1772366400000000001"), nanoseconds("0")
    (1772366400000000001, None)
    """
    number = int(text or 0)
    return number if 0 < number < _LATEST else None


def identifier(text: str | None) -> str | None:
    """Return the identifier of a trace or span in hexadecimal.

    Parameters
    ----------
    text
        In hexadecimal, perhaps without leading zeros, or in base64, as protobuf writes bytes.

    Returns
    -------
    str or None
        Lower-case, 16 or 32 digits; ``None`` for none or all zeros. What is neither hexadecimal
        nor base64 stays as it is.

    Examples
    --------
    >>> identifier("q80AAAAAAAE="), identifier("ABC1"), identifier("0000000000000000")
    ('abcd000000000001', '000000000000abc1', None)
    """
    if not text or not text.strip("0"):
        return None
    if text.endswith("="):  # as 8 and 16 bytes do in base64
        try:
            decoded = base64.b64decode(text, validate=True)
        except binascii.Error:
            return text
        return decoded.hex() if any(decoded) else None
    if set(text.lower()) <= _DIGITS:
        return text.lower().zfill(16 if len(text) <= 16 else 32)
    return text


def severity(number: int | str | None) -> str | None:
    """Return the severity of a number, or of the name of a number.

    Examples
    --------
    >>> severity(17), severity("SEVERITY_NUMBER_WARN2"), severity(0)
    ('ERROR', 'WARN', None)
    """
    if isinstance(number, str) and not number.isdigit():
        name = number.removeprefix("SEVERITY_NUMBER_").rstrip("234")
        return name if name in _SEVERITIES else None
    at = int(number or 0)
    return _SEVERITIES[(at - 1) // 4] if 1 <= at <= 24 else None


def status(code: int | str | None) -> str:
    """Return the status of a span from its code or the name of it.

    Examples
    --------
    >>> status(2), status("STATUS_CODE_OK"), status(None)
    ('ERROR', 'OK', 'UNSET')
    """
    name = str(code or 0).upper().removeprefix("STATUS_CODE_")
    if name.isdigit():
        return dict(enumerate(_STATUSES)).get(int(name), "UNSET")
    return name if name in _STATUSES else "UNSET"
