"""The scan of everything that a run writes: known secrets in any form, and shapes of others.

What is found is replaced before anything is written, so that a report can be passed on. Most texts
hold nothing; they cost a search for each form, which is why forms are plain texts.
"""

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from aiopslab.reports.secrets import Known
from aiopslab.reports.shapes import SHAPES

SHORT = 6  # shorter values are taken for secrets only where they stand alone
SPLIT = 12  # values from here on are found where they are broken over lines
HALF = 16  # values from here on are found where the other half of them is missing
GAP = r"(?:\s|\\[nrt])*"


class Scanner:
    """Takes secrets out of texts and plain values.

    Parameters
    ----------
    known
        Values that must not be shown, with the names that stand for them.

    Attributes
    ----------
    found : collections.Counter
        How often something was taken out, by place.
    leaked : set of str
        Names of declared secrets among it.

    Examples
    --------
    >>> scanner = Scanner([Known("API_TOKEN", "kJ8#mq/92Lw")])
    >>> scanner.text("GET /?token=kJ8%23mq%2F92Lw by AKIA5AWS4EXAMPLE7KEY", "cell 2")
    'GET /?token=[secret API_TOKEN] by [secret: AWS key]'
    >>> scanner.found["cell 2"]
    2
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self.known = list(known)
        self.found: Counter[str] = Counter()
        self.leaked: set[str] = set()
        pairs = {form: each for each in self.known for form in forms(each.value)}
        # The longest first, lest a part of one is replaced and the rest stays.
        self._forms = sorted(pairs.items(), key=lambda pair: -len(pair[0]))
        self._short = [each for each in self.known if 0 < len(each.value) < SHORT]
        self._long = [
            ("".join(form.split()), each)
            for each in self.known
            if each.is_declared and len(each.value) >= SPLIT
            for form in {each.value, each.value[::-1], *_base64(each.value)}
        ]
        self._halves = [
            (half, each)
            for each in self.known
            if each.is_declared and len(each.value) >= HALF
            for half in _halves(each.value)
        ]

    def text(self, text: str, place: str) -> str:
        """Return a text without secrets."""
        if not self._is_suspect(text):
            return text
        for form, known in self._forms:
            if form in text:
                text = self._replaced(re.escape(form), known, text, place)
        for known in self._short:
            text = self._replaced(_alone(known.value), known, text, place)
        squeezed = _squeezed(text)
        for form, known in self._long:
            if form in squeezed:
                text = self._replaced(GAP.join(map(re.escape, form)), known, text, place)
        for half, known in self._halves:
            text = self._replaced(re.escape(half), known, text, place)
        for shape in SHAPES:
            begun = len(text)
            for first, last in sorted(shape.spans(text), reverse=True):
                if last <= begun:
                    text = f"{text[:first]}[secret: {shape.label}]{text[last:]}"
                    self.found[place] += 1
                    begun = first
        return text

    def value(self, value: Any, place: str) -> Any:
        """Return a plain JSON value without secrets, in names and values."""
        if isinstance(value, str):
            return self.text(value, place)
        # One text for all of it is searched faster than many, and mostly there is nothing.
        if not self._is_suspect(json.dumps(value, ensure_ascii=False, default=str)):
            return value
        if isinstance(value, dict):
            return {
                self.text(str(name), place): self.value(each, place) for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, place) for each in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            clean = self.text(str(value), place)
            return value if clean == str(value) else clean
        return value

    def _is_suspect(self, text: str) -> bool:
        if (
            any(form in text for form, _ in self._forms)
            or any(half in text for half, _ in self._halves)
            or any(shape.is_hinted(text) for shape in SHAPES)
            or any(re.search(_alone(known.value), text) for known in self._short)
        ):
            return True
        squeezed = _squeezed(text) if self._long else ""
        return any(form in squeezed for form, _ in self._long)

    def _replaced(self, pattern: str, known: Known, text: str, place: str) -> str:
        text, count = re.subn(pattern, lambda _: mark(known.name), text)
        if count:
            self.found[place] += count
            if known.is_declared:
                self.leaked.add(known.name)
        return text


def mark(name: str) -> str:
    """Return what stands for a known secret.

    Examples
    --------
    >>> mark("API_TOKEN")
    '[secret API_TOKEN]'
    """
    plain = re.sub(r"[^\w./-]", "_", name)
    return f"[secret {plain}]"


def forms(value: str) -> set[str]:
    """Return the texts in which a value may appear.

    As it is, in URLs, JSON (also JSON in JSON, and JSON in HTML), HTML, Python, base64 at any
    offset, hexadecimal, and backwards. Values that are too short to be told from others are left
    out.

    Examples
    --------
    >>> {"correct+horse", "esroh tcerroc", "Y29ycmVjdCBob3JzZ"} <= forms("correct horse")
    True
    """
    if len(value) < SHORT:
        return set()
    raw = value.encode("utf-8", "surrogatepass")
    plain = {value, repr(value)[1:-1], ascii(value)[1:-1]}
    for in_ascii in (True, False):
        once = json.dumps(value, ensure_ascii=in_ascii)[1:-1]
        plain |= {once, json.dumps(once, ensure_ascii=in_ascii)[1:-1]}
    plain |= {html.escape(each, quotes) for each in set(plain) for quotes in (True, False)}
    plain |= {each.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") for each in set(plain)}
    plain |= {each.replace("<", "\\u003c") for each in set(plain)}
    in_url = quote(raw, safe="")
    plain |= {in_url, in_url.replace("%20", "+"), quote(raw), _LOWER.sub(_lowered, in_url)}
    plain |= {value[::-1], raw.hex(), raw.hex().upper()}
    return {each for each in plain | set(_base64(value)) if len(each) >= SHORT}


def _lowered(escaped: re.Match[str]) -> str:
    return escaped[0].lower()


_LOWER = re.compile("%[0-9A-F]{2}")


def _squeezed(text: str) -> str:
    """Return a text without white space, also where it is written as in JSON."""
    return "".join(text.replace("\\n", "").split())


def _alone(value: str) -> str:
    return rf"(?<!\w){re.escape(value)}(?!\w)"


def _halves(value: str) -> tuple[str, str]:
    middle = len(value) // 2
    return value[:middle], value[middle:]


def _base64(value: str) -> Iterator[str]:
    """Yield what stands for a value in the base64 of any text that holds it."""
    raw = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        first = (8 * offset + 5) // 6  # whole characters that depend on what stands before
        last = 8 * (offset + len(raw)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * offset + raw + b"\0\0")[first:last].decode()
