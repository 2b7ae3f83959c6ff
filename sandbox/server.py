"""One HTTP and WebSocket server on its own task, inside the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SHUTDOWN_SECONDS = 2


class SandboxError(Exception):
    """Something that keeps the sandbox from starting, in a sentence for people."""


class LoopbackServer:
    """Serves one ASGI application; `start` returns when it accepts connections."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_ping_interval=None,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen and return the port. Raises SandboxError when the address is taken."""
        try:
            listener = socket.create_server((self._host, self._port))
        except OSError as error:
            raise SandboxError(f"cannot listen on {self._host}:{self._port}: {error.strerror}") from error
        # asyncio leaves it out for sockets made without a protocol number: each answer's body would then
        # wait 40 ms for the client to acknowledge its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port: int = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="sandbox-server")
        await self._server.ready.wait()
        return port

    async def stop(self) -> None:
        """Close all connections and wait for the end of the task."""
        self._server.end()
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the loop, and tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Let `serve` shut down and return."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Do the second's housekeeping until the end, which is noticed at once."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()
