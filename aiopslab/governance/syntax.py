"""Where a policy breaks the grammar of Cedar, which the engine itself does not say."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<blank>\s+|//[^\n]*)"
    r'|(?P<word>"(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||[-@.,;(){}\[\]+*<>=!:?%/|])'
)
_NAMED = re.compile(r"`([^`]+)`|: @?(\w+)$")


class Place(NamedTuple):
    """Where in a text something is, both counted from 1, and what is wrong there."""

    line: int
    column: int
    problem: str


class _Token(NamedTuple):
    start: int
    end: int
    text: str


def misfit(text: str) -> Place | None:
    r"""Return where a text of policies stops being one, or ``None`` where it is one throughout.

    Cedar's own message names the token, not where it stands. The grammar needs no look-ahead, so
    the first beginning of a statement that is more than unfinished ends in the token at fault.

    Parameters
    ----------
    text
        Of a file of Cedar policies.

    Examples
    --------
    >>> misfit('permit (principal, action, resource);\npermit (principal action, resource);')
    Place(line=2, column=19, problem='unexpected token `action`')
    """
    from cedarpy import PolicySet

    def problem(part: str) -> str:
        try:
            PolicySet.from_str(part)
        except ValueError as error:
            return str(error)
        return ""

    if not problem(text):
        return None
    for statement in _statements(text):
        begin, end = statement[0].start, statement[-1].end
        whole = problem(text[begin:end])
        if not whole:
            continue
        if whole.startswith(("unexpected", "invalid token")):
            for token in statement:
                found = problem(text[begin : token.end])
                if found and "end of input" not in found:
                    return _place(text, token.start, found)
            return _place(text, end, whole)
        named = next(filter(None, _groups(whole)), "")
        at = next((each.start for each in statement if named and named in each.text), begin)
        return _place(text, at, whole)
    return _place(text, 0, problem(text))


def lines(text: str) -> list[int]:
    """Return the line on which each statement begins, counted from 1."""
    return [_place(text, each[0].start, "").line for each in _statements(text)]


def _groups(problem: str) -> tuple[str | None, ...]:
    found = _NAMED.search(problem)
    return found.groups() if found else ()


def _statements(text: str) -> Iterator[list[_Token]]:
    statement: list[_Token] = []
    for token in _tokens(text):
        statement.append(token)
        if token.text == ";":
            yield statement
            statement = []
    if statement:
        yield statement


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        end = found.end() if found else at + 1  # a letter that is no token stands for itself
        if found is None or found["word"] is not None:
            yield _Token(at, end, text[at:end])
        at = end


def _place(text: str, at: int, problem: str) -> Place:
    before = text[:at]
    return Place(before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1, problem)
