"""A worker's line to its parent, the socket that is its stdin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from runtime.server import Stop

READY = b"!"


class ParentLine(Stop):
    """Tells the parent when the worker is ready, and takes from it how firmly to stop.

    Signals that reach the worker itself count once: a terminal and service managers send each to all
    processes of a service, and the parent passes on its own.
    """

    def __init__(self, line: socket.socket) -> None:
        super().__init__()
        self._line = line
        self._passed_on = 0
        line.setblocking(False)

    @classmethod
    def of_stdin(cls) -> ParentLine:
        """Return the line of this process."""
        return cls(socket.socket(fileno=os.dup(0)))

    def ready(self) -> None:
        """Tell the parent, and listen to it from now on. To be called in the event loop."""
        with contextlib.suppress(ConnectionError):  # the parent is gone, which is what will be heard
            self._line.send(READY)
        asyncio.get_running_loop().add_reader(self._line, self._hear)

    def signalled(self) -> None:
        """Let live calls finish."""
        self.asked = max(self.asked, 1)

    def _hear(self) -> None:
        """Count what the parent passes on; when it is gone, let live calls finish."""
        try:
            said = self._line.recv(64)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        if not said:
            asyncio.get_running_loop().remove_reader(self._line)
            self.signalled()
        self._passed_on += len(said)
        self.asked = max(self.asked, self._passed_on)
