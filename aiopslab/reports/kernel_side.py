"""What is set up in a kernel before its first cell: light, since every kernel loads it."""

import faulthandler
import json
import sys
from contextlib import suppress
from typing import Any


def pack(message: Any) -> bytes:
    r"""Return a message as JSON; a lone surrogate in a print becomes the escape that stands for it.

    jupyter_client's own packer cannot encode one, and the output of the cell was lost for it.

    Examples
    --------
    >>> pack({"text": "\ud800 é"})
    b'{"text": "\\ud800 \xc3\xa9"}'
    """
    from jupyter_client.session import json_packer

    try:
        return json_packer(message)
    except UnicodeEncodeError:
        from jupyter_client.jsonutil import json_clean, json_default

        text = json.dumps(json_clean(message), default=json_default, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace")


def tell_crashes() -> None:
    """Let a crash say where it was, on the stream that the process was started with.

    ipykernel has put a pipe to itself in the place of that stream, in which last words are lost.
    """
    with suppress(Exception):  # without last words a kernel is as good
        stream = getattr(sys.stderr, "_original_stdstream_copy", None) or 2
        faulthandler.enable(stream, all_threads=False)
