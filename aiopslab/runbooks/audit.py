"""The audit log: the trail of what was done, by whom and why, step by step."""

from typing import Any, Literal

from aiopslab.governance.audit import Trail
from aiopslab.runbooks.redaction import without_secrets

Event = Literal["started", "finished", "failed", "refused"]


class AuditLog(Trail):
    """A trail of deeds: nothing is recorded after anything in it was changed.

    Parameters
    ----------
    path
        The file, made with the first record; a lock beside it is named ``FILE.lock``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> log = AuditLog(Path(folder.name) / "audit.jsonl")
    >>> log.append("refused", step="0" * 64, why="nobody approved it")["number"]
    1
    >>> log.verify().records
    1
    >>> folder.cleanup()
    """

    def append(
        self, event: str, *, step: str = "", approval: str = "", **content: Any
    ) -> dict[str, Any]:
        """Write a record to the end, and to the disk before returning.

        Parameters
        ----------
        event
            ``started``, ``finished``, ``failed`` or ``refused``.
        step, approval
            Digests of what it is about.
        **content
            Plain values; secrets are hidden in them.

        Returns
        -------
        dict
            The record, with its ``number`` and ``hash``.

        Raises
        ------
        AuditError
            If any record was changed, or the log cannot be written.
        """
        with self.locked():
            self.check()
            return super().append(event, step=step, approval=approval, **without_secrets(content))

    def check(self) -> None:
        """Read all of it.

        Raises
        ------
        AuditError
            If a record was changed; names the first.
        """
        for _ in self.records():
            pass
