"""Opening a WebSocket to the app as Twilio does: signed, through a tunnel if there is one."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from sandbox.network.webhooks import Tunnels
from sandbox.signature import sign, signed_url

CONNECT_SECONDS = 5.0
GOODBYE_SECONDS = 1.0
MAX_MESSAGE = 16 * 1024 * 1024

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class StreamError(Exception):
    """A socket that did not come about: `code` is the debugger's, as it is for media streams."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def checked_address(url: str, tunnels: Tunnels) -> str:
    """Return the URL without its fragment. Raises StreamError for anything but wss.

    ws is taken where it leads to this machine.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise StreamError(31923, f"URL is malformed: {url!r}")
    inside = urlsplit(tunnels.enter(url)).hostname in _LOOPBACK
    if parts.scheme != "wss" and not (parts.scheme == "ws" and inside):
        raise StreamError(31922, f"the scheme must be wss: {url!r}")
    return url.partition("#")[0]


async def open_socket(
    url: str, *, token: str, tunnels: Tunnels, tls: ssl.SSLContext, agent: str
) -> ClientConnection:
    """Return the open socket. Raises StreamError."""
    inner, outer = urlsplit(tunnels.enter(url)), urlsplit(url)
    secure = inner.scheme == "wss"
    try:
        return await connect(
            outer._replace(scheme=inner.scheme).geturl(),
            host=inner.hostname,
            port=inner.port or (443 if secure else 80),
            ssl=tls if secure else None,
            additional_headers={"X-Twilio-Signature": sign(token, signed_url(url))},
            user_agent_header=agent,
            open_timeout=CONNECT_SECONDS,
            close_timeout=GOODBYE_SECONDS,
            ping_interval=None,
            compression=None,
            max_size=MAX_MESSAGE,
            proxy=None,
        )
    except InvalidStatus as error:
        raise StreamError(31920, f"handshake answered {error.response.status_code}") from error
    except TimeoutError as error:
        raise StreamError(31901, "connection timed out") from error
    except (InvalidHandshake, InvalidURI) as error:
        raise StreamError(31920, f"handshake failed: {error}") from error
    except ssl.SSLError as error:
        raise StreamError(31910, f"TLS failed: {error.reason}") from error
    except OSError as error:
        raise StreamError(31902, f"connection refused: {error.strerror}") from error
