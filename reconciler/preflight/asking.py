"""Asking a server that may be broken, slow or not ours: one bounded request, one answer, nothing followed."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from reconciler.output.printable import printable

# Twilio: a webhook that has not answered after 15 s has failed.
ANSWER_SECONDS = 15.0
CONNECT_SECONDS = 3.0
AT_ONCE = 8
MOST_BYTES = 64 * 1024

_SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `body` is what was sent, `complete` false when more came than was wanted.

    `seconds` runs from the request to the end of the body.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    complete: bool = True
    seconds: float = 0.0

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; "" when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class NoAnswerError(Exception):
    """There was no answer; the text says why, for people."""


class Asker:
    """An asynchronous context that asks servers, at most `at_once` questions at the same time.

    A question takes no longer than `seconds`, whatever the server does. Redirects are not followed: Twilio
    signs the URL that it was given, so a redirected webhook is a broken one.
    """

    def __init__(
        self,
        *,
        through_proxies: bool = True,
        tls: ssl.SSLContext | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        seconds: float = ANSWER_SECONDS,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = httpx2.AsyncClient(
            verify=tls or True,
            transport=transport,
            trust_env=through_proxies,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds), pool=None),
            headers={"User-Agent": "tm-phone-agents", "Accept-Encoding": "identity"},
        )
        self._slots = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._clock = clock

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """Send one request and return its answer, at most `most_bytes` of the body. Raises NoAnswerError."""
        async with self._slots:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._answer(method, url, headers, form, basic, most_bytes)
            except (TimeoutError, httpx2.ReadTimeout):
                raise NoAnswerError(f"no complete answer within {self._seconds:g} s") from None
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
                raise NoAnswerError(_reason(error)) from None

    async def _answer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
        basic: tuple[str, str] | None,
        most_bytes: int,
    ) -> Answer:
        began = self._clock()
        body = bytearray()
        auth = httpx2.BasicAuth(*basic) if basic else None
        data = dict(form) if form is not None else None
        async with self._client.stream(method, url, headers=headers, data=data, auth=auth) as response:
            if response.status_code != _SWITCHING_PROTOCOLS:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > most_bytes:
                        break
            return Answer(
                response.status_code,
                response.headers,
                bytes(body[:most_bytes]),
                len(body) <= most_bytes,
                self._clock() - began,
            )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_on_this_machine(url: str) -> bool:
    """Tell whether the host of a URL is this machine; a proxy would be in the way then."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    """Say why there is no answer, without what the error says about our own request: that has credentials."""
    if isinstance(error, httpx2.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, httpx2.ConnectError):
        told = printable(str(error))[:200]
        return f"no connection: {told}" if told else "no connection"
    if isinstance(error, httpx2.RemoteProtocolError):
        return f"the answer is broken: {printable(str(error))[:200]}"
    if isinstance(error, httpx2.LocalProtocolError | httpx2.InvalidURL | ValueError):
        return "the request cannot be sent: is there a line break or a blank in a key or an address?"
    return f"the connection broke off ({type(error).__name__})"
