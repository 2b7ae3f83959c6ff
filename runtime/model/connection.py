"""Connections to the model.

The `openai` client has connections too, but its typed events cost ten times what decoding costs, its queue as
much as sending, and importing it a fifth of an idle node's memory. Reconnecting is the call's decision.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from runtime.model.address import OPENAI, session_headers, session_url
from runtime.model.socket import LARGEST_MESSAGE, ModelSocket
from runtime.settings import Settings

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
# How long a connection may be silent before it is asked for a sign of life, and how long that may take.
PING_SECONDS = 10.0


class ModelConnection(Protocol):
    """One open session with the model: JSON text out, JSON bytes in."""

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        """Give `hear` each message as it arrives. Raises `ModelGoneError` in the end, or what it raises."""

    def write(self, text: str) -> bool:
        """Send one message if that needs no waiting; False when nothing was sent."""

    async def send(self, text: str) -> None:
        """Send one message; raises `ModelGoneError` when the connection is gone."""

    async def close(self) -> None:
        """Close the connection; never raises for one that is closed already."""


class ConnectModel(Protocol):
    """How a call gets its connection to the model."""

    async def __call__(self, model: str) -> ModelConnection:
        """Return an open connection; raises `ModelUnavailableError`."""


class ModelGoneError(ConnectionError):
    """The connection to the model ended; the message says how, without content."""


class ModelUnavailableError(Exception):
    """There is no connection to the model; the message says why, without the key.

    `may_pass` tells whether trying again may help.
    """

    def __init__(self, detail: str, *, may_pass: bool = False) -> None:
        super().__init__(detail)
        self.may_pass = may_pass


class OpenAIConnections:
    """Opens connections with one TLS context for all calls."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.openai_base_url
        self._headers = session_headers(settings)
        # Made now: reading the certificates takes a while, and a call has none.
        secure = (settings.openai_base_url or OPENAI).lower().startswith(("https:", "wss:"))
        self._tls = ssl.create_default_context() if secure else None

    async def __call__(self, model: str) -> ModelConnection:
        """Connect to the model. Raises `ModelUnavailableError`."""
        try:
            url = session_url(self._base_url, model)
            socket = await _Connecting(
                url,
                create_connection=ModelSocket,
                additional_headers=self._headers,
                user_agent_header="tm",
                ssl=self._tls,
                compression=None,
                max_size=LARGEST_MESSAGE,
                open_timeout=CONNECT_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            detail = f"the model's server answered {status}"
            raise ModelUnavailableError(detail, may_pass=_may_pass(status)) from None
        except (ValueError, InvalidURI) as error:
            detail = f"the model's server has no address to connect to ({type(error).__name__})"
            raise ModelUnavailableError(detail) from None
        except (OSError, WebSocketException) as error:
            detail = f"the model's server cannot be reached ({type(error).__name__})"
            raise ModelUnavailableError(detail, may_pass=True) from None
        assert isinstance(socket, ModelSocket)
        return _OpenAIConnection(socket)


class _Connecting(connect):
    """Follows no redirect: the key is for one address."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class _OpenAIConnection:
    """The open socket with the errors that a call understands."""

    def __init__(self, socket: ModelSocket) -> None:
        self._socket = socket

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        try:
            await self._socket.listen(hear)
        except (ConnectionClosed, OSError) as error:
            raise ModelGoneError(_how(error)) from None

    def write(self, text: str) -> bool:
        return self._socket.write(text)

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except (ConnectionClosed, OSError) as error:
            raise ModelGoneError(_how(error)) from None

    async def close(self) -> None:
        with suppress(ConnectionClosed, OSError):
            await self._socket.close()


def _may_pass(status: int) -> bool:
    """Whether an HTTP status at the upgrade is that of a busy or troubled server."""
    busy = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
    return status in busy or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _how(error: Exception) -> str:
    """How a connection ended: the close code when there was one, never the peer's text."""
    received = getattr(error, "rcvd", None)
    return f"closed with {received.code}" if received else type(error).__name__
