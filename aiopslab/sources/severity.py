"""The severity of a log line, from what its system calls it or, failing that, from the line."""

import re

_NAMES = {
    **dict.fromkeys(("trace", "verbose", "finest", "finer"), "TRACE"),
    **dict.fromkeys(("debug", "fine"), "DEBUG"),
    **dict.fromkeys(("info", "information", "informational", "notice", "ok", "success"), "INFO"),
    **dict.fromkeys(("warn", "warning"), "WARN"),
    **dict.fromkeys(("error", "err", "severe", "failure"), "ERROR"),
    **dict.fromkeys(("fatal", "critical", "crit", "alert", "emergency", "emerg"), "FATAL"),
    **dict.fromkeys(("panic",), "FATAL"),
}
_HEAD = 200  # characters of a line in which its severity is looked for
_SAID = re.compile(
    r"""(?ix) (?:level|severity|lvl|loglevel|log_level|log\.level) ["']? \s* [=:] \s* ["']?
    (?P<said>[a-z]+)"""
)
_SHOUTED = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC)\b")


def severity(name: object, line: str = "") -> str:
    """Return the severity in the terms of OpenTelemetry.

    Parameters
    ----------
    name
        What the system calls it; empty or unknown where it does not say.
    line
        The line itself, which is then searched for ``level=…``, or for a name in capitals.

    Returns
    -------
    str
        One of `aiopslab.frames.SEVERITIES`; ``INFO`` where nothing tells.

    Examples
    --------
    >>> severity("emergency"), severity(None, "12:00:01 ERROR pool is empty"), severity("-1")
    ('FATAL', 'ERROR', 'INFO')
    """
    known = _NAMES.get(str(name).strip().lower())
    if known:
        return known
    head = line[:_HEAD]
    said = _SAID.search(head)
    if said and said["said"].lower() in _NAMES:
        return _NAMES[said["said"].lower()]
    shouted = _SHOUTED.search(head)
    return _NAMES[shouted[1].lower()] if shouted else "INFO"
