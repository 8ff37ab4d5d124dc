"""Text without the credentials that people commit by mistake."""

import re

_NAMES = (
    r"(?:password|passwd|passphrase|[_.-]pass|pwd|secret|token|secret_key_base|credentials?|"
    r"(?:api|access|account|auth|encryption|master|private|secret|signing)[_-]?key)"
)
_TYPE = r"(?:\s*:\s*\w[\w.|\[\] ]{0,40}?(?=\s*=))?"  # as in token: str = "…"
_ASSIGNED = rf"{_NAMES}[\"']?{_TYPE}\s*(?::=|=>|:|=)[ \t]*"
_PLAIN_WORD = r"(?:none|null|true|false|nil|str|string|bytes|secretstr|optional|undefined)\b"
_CODE = r"[\"'\[({<$]|[a-z_.]+[(\[]|(?:os|env|process|self|settings|config|args)\."
_SMALL = r"-?(?:\d{1,4}|\d{0,3}[._]\d{1,6})(?![^\s,;)])"  # a cost for each token, say
_HIDDEN = "[redacted]"
_FORMS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # A whole block, and the middle of one, which may be all that a patch shows.
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?"
            r"(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)",
            _HIDDEN,
        ),
        (r"(?m)^([+ -]?[ \t]*)[A-Za-z0-9+/]{60,}={0,2}$", rf"\1{_HIDDEN}"),
        (r"\b(?:AKIA|ASIA|AIDA|AROA)[0-9A-Z]{16}\b", _HIDDEN),
        (r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|npm_|pypi-|dop_v1_)[\w-]{16,}", _HIDDEN),
        (r"\b[srp]k[-_](?=[\w-]*\d)[\w-]{16,}", _HIDDEN),
        (r"\b(?:xox[abeposr]-|AIza|ya29\.|SG\.)[\w.-]{10,}", _HIDDEN),
        (r"(hooks\.slack\.com/services/)[\w/]+", rf"\1{_HIDDEN}"),
        (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", _HIDDEN),
        (r"(?i)\b(bearer|basic)\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}", rf"\1 {_HIDDEN}"),
        (r"(://[^\s/:@]*):[^\s/@]+@", rf"\1:{_HIDDEN}@"),
    )
)
_MENTIONED = ("pass", "pwd", "secret", "token", "credential", "key")
_NAMED = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # What follows the name of a secret: on the line below, as in Kubernetes' manifests, ...
        (
            rf"(?i)(\bname:\s*[\"']?[\w.-]*{_NAMES}[\"']?\s*\n[+ -]?\s*value:\s*)[^\s$\[][^\n]*",
            rf"\1{_HIDDEN}",
        ),
        # ... in an element of XML, after an option of a command, in .netrc, ...
        (rf"(?i)({_NAMES}>)[^<\s\[]+", rf"\1{_HIDDEN}"),
        (rf"(?i)(--[\w-]{{0,30}}{_NAMES}[ \t]+)[^\s\[$<-]\S*", rf"\1{_HIDDEN}"),
        (r"(?i)(\blogin[ \t]+\S+\s+password[ \t]+)[^\s\[]\S*", rf"\1{_HIDDEN}"),
        # ... or assigned to it, quoted or not, unless code fetches it.
        (rf"(?i)({_ASSIGNED})([\"'])(?!\$\{{|\{{\{{)(?:(?!\2)[^\n\\]|\\.)+\2", rf"\1\2{_HIDDEN}\2"),
        (rf"(?i)({_ASSIGNED})(?!{_PLAIN_WORD}|{_CODE}|{_SMALL})\S{{3,}}", rf"\1{_HIDDEN}"),
    )
)


def redacted(text: str) -> str:
    r"""Replace what looks like a credential by ``[redacted]``.

    Known forms of tokens and keys, passwords in URLs, and whatever is assigned to a name that ends
    like that of a secret. It errs on the side of hiding, but leaves numbers of tokens and code
    that looks a secret up, since those are changes that explain incidents.

    Parameters
    ----------
    text
        A message or a patch.

    Returns
    -------
    str
        The same text otherwise.

    Examples
    --------
    >>> redacted('password: "hunter2", max_tokens: 512, postgres://shop:hunter2@db/shop')
    'password: "[redacted]", max_tokens: 512, postgres://shop:[redacted]@db/shop'
    """
    lowered = text.lower()
    # Most patches mention none of the names, and looking for them one by one is what takes long.
    is_named = any(each in lowered for each in _MENTIONED)
    for pattern, replacement in (*_FORMS, *(_NAMED if is_named else ())):
        text = pattern.sub(replacement, text)
    return text
