"""Messages between a parent and those who ask it: JSON, with file descriptors beside it."""

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST_DESCRIPTORS = 4


def send(connection: socket.socket, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
    """Send a message.

    Raises
    ------
    OSError
        If the other side is gone.
    """
    # Text of the system may hold bytes that are no text; they come back as they were.
    content = json.dumps(message).encode()
    socket.send_fds(connection, [_LENGTH.pack(len(content))], list(fds))
    connection.sendall(content)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive a message and its file descriptors, which are the caller's to close.

    Raises
    ------
    EOFError
        If the other side closed the connection.
    OSError
        If it broke, or a time-out of the connection passed.

    Examples
    --------
    >>> here, there = socket.socketpair()
    >>> send(here, {"ask": "status"})
    >>> receive(there)
    ({'ask': 'status'}, [])
    >>> here.close(); there.close()
    """
    head, fds, _, _ = socket.recv_fds(connection, _LENGTH.size, _MOST_DESCRIPTORS)
    head += _exactly(connection, _LENGTH.size - len(head)) if head else b""
    if not head:
        raise EOFError
    content = _exactly(connection, _LENGTH.unpack(head)[0])
    message: dict[str, Any] = json.loads(content)
    return message, fds


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 16))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
