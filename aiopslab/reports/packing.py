"""What a kernel sends, as bytes that every reader takes."""

import json
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
