"""Servers for the checks: in memory, and on loopback ones that no HTTP library would be."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2

from reconciler.preflight.asking import Asker

CERTIFICATES = Path(__file__).parent / "certificates"

Handler = Callable[[httpx2.Request], httpx2.Response]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def asker(handler: Handler) -> Asker:
    """An asker whose questions are answered in memory."""

    def answered(request: httpx2.Request) -> httpx2.Response:
        """Let the body come as a stream, as it does from a wire."""
        response = handler(request)
        stream = httpx2.ByteStream(response.content)
        return httpx2.Response(response.status_code, headers=response.headers, stream=stream)

    return Asker(transport=httpx2.MockTransport(answered))


def always(status: int, **response: object) -> Handler:
    """A server that gives one answer whatever it is asked."""
    headers = response.get("headers", {})
    content = response.get("content", b"")
    assert isinstance(headers, dict)
    assert isinstance(content, bytes)
    return lambda _request: httpx2.Response(status, headers=headers, content=content)


def broken(_request: httpx2.Request) -> httpx2.Response:
    """A server that nobody reaches."""
    raise httpx2.ConnectError("All connection attempts failed")


@contextlib.asynccontextmanager
async def loopback(talk: Talk, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen on a free port; `talk` is what the server does with a connection. Yields the port."""

    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        port: int = server.sockets[0].getsockname()[1]
        yield port
    finally:
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks)
        server.close()
        await server.wait_closed()


def says(*parts: bytes, then_waits: bool = False) -> Talk:
    """A server that reads the request, says `parts`, and hangs up, or goes silent."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then_waits:
            await reader.read()

    return talk


async def never_stops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server with a body without an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


def certificate(name: str) -> ssl.SSLContext:
    """A server's side of TLS with one of the certificates here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


def trusting() -> ssl.SSLContext:
    """A client's side of TLS that trusts the authority here."""
    return ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
