"""Listening sockets."""

from __future__ import annotations

import socket

from schemas.errors import TmError


class ListenError(TmError):
    """The address cannot be listened on."""


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens on the address. Raises `ListenError`.

    A `shared` one lets other processes of the same user share the address, when theirs are shared as well;
    the system gives each new connection to one of them.
    """
    if shared and not hasattr(socket, "SO_REUSEPORT"):
        raise ListenError("This system lets no processes share a port.", hint="Serve with one worker.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # asyncio leaves it out for sockets made without a protocol number: a small frame would then wait
        # until the one before it is acknowledged, up to 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((host, port))
            # Also without uvicorn having started: a second server on the port fails here and now.
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ListenError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="Is another server running there? Choose another with --port.",
        ) from None
    listener.setblocking(False)
    return listener
