"""Connections to the model, opened by the `openai` client and then read and written directly.

The client knows addresses, keys and headers; the messages go past it, because its typed events cost ten times
what decoding costs, and its queue as much as sending. Reconnecting is the call's decision, so the client's
own retries are off.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, Unpack, cast

from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from runtime.model.socket import LARGEST_MESSAGE, Limits, ModelSocket
from schemas.live_rules import is_live

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.websocket_connection_options import WebSocketConnectionOptions

    from runtime.settings import Settings

CONNECT_SECONDS = 10.0
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
    """Opens connections with one client and one TLS context for all calls.

    With `live` there are agents whose model is GPT-Live, which has an address of its own.
    """

    def __init__(self, settings: Settings, *, live: bool = False) -> None:
        from openai import AsyncOpenAI

        self._client: AsyncOpenAI = AsyncOpenAI(
            api_key=settings.openai_api_key, base_url=settings.openai_base_url, max_retries=0
        )
        # What the client would import in the middle of the first call, which would stop all others.
        self._realtime = self._client.realtime
        if live:
            _ = self._client.live
        self._options: dict[str, object] = {
            "compression": None,
            "max_size": LARGEST_MESSAGE,
            "open_timeout": CONNECT_SECONDS,
            "close_timeout": 2.0,
            "ping_interval": PING_SECONDS,
            "ping_timeout": PING_SECONDS,
        }
        if self._client.base_url.scheme == "https":
            self._options["ssl"] = ssl.create_default_context()

    async def __call__(self, model: str) -> ModelConnection:
        """Connect to the model. Raises `ModelUnavailableError`."""
        from openai import OpenAIError

        sockets: list[ModelSocket] = []

        def create(protocol: ClientProtocol, **limits: Unpack[Limits]) -> ModelSocket:
            sockets.append(ModelSocket(protocol, **limits))
            return sockets[-1]

        # The client's type names only some of what it hands on to `websockets`.
        options = cast("WebSocketConnectionOptions", {**self._options, "create_connection": create})
        # OpenAI: a Live session names its model when it is started, and not in the address.
        manager = (
            self._client.live.connect(websocket_connection_options=options)
            if is_live(model)
            else self._realtime.connect(model=model, websocket_connection_options=options)
        )
        try:
            await manager.enter()
            return _OpenAIConnection(sockets[-1])  # a redirect makes several
        except InvalidStatus as error:
            status = error.response.status_code
            detail = f"the model's server answered {status}"
            raise ModelUnavailableError(detail, may_pass=_may_pass(status)) from None
        except (ValueError, OpenAIError) as error:  # of the address
            detail = f"the model's server has no address to connect to ({type(error).__name__})"
            raise ModelUnavailableError(detail) from None
        except (OSError, WebSocketException) as error:
            detail = f"the model's server cannot be reached ({type(error).__name__})"
            raise ModelUnavailableError(detail, may_pass=True) from None

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.close()


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
