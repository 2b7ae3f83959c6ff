"""`/healthz` and `/metrics` of the reconcile loop, on a small server inside its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.watch.loop import Watcher
from schemas.errors import TmError

SHUTDOWN_SECONDS = 2


@asynccontextmanager
async def watch_server(watcher: Watcher, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the context lasts, and give the port. Raises TmError when the address is taken."""
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise TmError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    server = _Server(
        uvicorn.Config(
            watch_app(watcher),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]), name="watch-server")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def watch_app(watcher: Watcher) -> Starlette:
    """Return the application: the loop is healthy while checks are made, whether they succeed or not."""

    async def healthz(request: Request) -> Response:
        status = "stuck" if watcher.is_stuck else "failing" if watcher.is_failing else "ok"
        last = watcher.metrics.last_check
        body = {"status": status, "last_check": last.isoformat() if last else None}
        return JSONResponse(body, status_code=503 if watcher.is_stuck else 200)

    async def metrics(request: Request) -> Response:
        return PlainTextResponse(watcher.metrics.text(), media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the event loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
