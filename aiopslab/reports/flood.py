"""What the cells of a run print and show, kept within bounds while it arrives."""

import json
from typing import Any

from aiopslab.findings import VERDICT_MIME
from aiopslab.sources.mime import EVIDENCE_MIME

STREAM_SHARE = 10  # the part of the whole that one cell may print
TAIL = 10_000  # characters that are kept of the end of what was printed too much
TRACEBACK = 100_000
ALWAYS = (VERDICT_MIME, EVIDENCE_MIME)  # what the runner itself reads


class Gate:
    """Lets messages of a kernel through until the run has had its share.

    One cell may print a tenth of the whole, of which beginning and end are kept; displays are kept
    whole or not at all. What a cell clears counts no longer. Memory stays bounded, since what is
    dropped is dropped as it arrives.

    Parameters
    ----------
    limit
        Bytes of the run, as characters of its notebook.

    Examples
    --------
    >>> gate = Gate(100)
    >>> gate.admit("stream", {"name": "stdout", "text": "x" * 60})["text"] == "x" * 10
    True
    >>> gate.dropped
    50
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.dropped = 0  # characters, of the cell that runs
        self._spent = 0
        self._cell = 0  # of it in the cell that runs
        self._printed = 0
        self._tail = ""
        self._is_told = False

    def begin(self) -> None:
        """Begin with another cell."""
        self.dropped = self._cell = self._printed = 0
        self._tail, self._is_told = "", False

    def end(self) -> str:
        """Return what stands at the end of a cell that printed too much; else nothing."""
        if not self._tail:
            return ""
        left_out = self.dropped - len(self._tail)
        gap = f"\n… {left_out:,} characters were left out here …\n" if left_out > 0 else ""
        return gap + self._tail

    def admit(self, kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
        """Return the content of a message as far as it is kept; ``None`` for not at all.

        Parameters
        ----------
        kind
            Of the message, e.g. ``stream`` or ``display_data``.
        content
            Of the message; see
            https://jupyter-client.readthedocs.io/en/stable/messaging.html.
        """
        if kind == "stream":
            return self._stream(content)
        if kind in {"display_data", "execute_result", "update_display_data"}:
            return self._display(kind, content)
        if kind == "error":
            return {
                **content,
                "evalue": _shortened(content["evalue"], TRACEBACK // 10),
                "traceback": [_shortened("\n".join(content["traceback"]), TRACEBACK)],
            }
        if kind == "clear_output":
            self._spent -= self._cell
            self._cell = self._printed = 0
        if kind.startswith("comm"):
            return content if self._spend(_size(content.get("data"))) else None
        return content

    def _stream(self, content: dict[str, Any]) -> dict[str, Any] | None:
        text = content["text"]
        room = min(self.limit // STREAM_SHARE - self._printed, self.limit - self._spent)
        kept, rest = text[: max(room, 0)], text[max(room, 0) :]
        self._printed += len(kept)
        self._count(len(kept))
        if rest:
            self.dropped += len(rest)
            self._tail = (self._tail + rest[-TAIL:])[-TAIL:]
        return {**content, "text": kept} if kept else None

    def _display(self, kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
        if any(mime in content["data"] for mime in ALWAYS):
            return content
        size = _size(content["data"])
        if kind == "update_display_data":  # it takes the place of what was there
            return content if size <= self.limit else None
        if self._spend(size):
            return content
        if self._is_told:
            return None
        self._is_told = True
        note = f"… a display of {size / 1e6:,.1f} MB, and what followed it, were left out …"
        return {**content, "data": {"text/plain": note}, "metadata": {}}

    def _spend(self, size: int) -> bool:
        if self._spent + size > self.limit:
            self.dropped += size
            return False
        self._count(size)
        return True

    def _count(self, size: int) -> None:
        self._spent += size
        self._cell += size


def _size(data: Any) -> int:
    return len(json.dumps(data, default=str))


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - limit:,} characters were left out here …\n{text[-half:]}"
