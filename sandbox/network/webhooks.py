"""Requests from Twilio to the app under test: signed, bounded in time and size, redirects followed.

Twilio: 15 s for a request and its redirects, 5 s for a connection, one retry when the connection
fails, at most 10 redirects and 64 kB. A response without a Content-Type is a failure.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import httpx2

from sandbox.network.flow import Failure
from sandbox.network.twiml import Document, TwimlError, parse_twiml
from sandbox.network.verbs import Say
from sandbox.signature import sign, signed_url

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
MAX_REDIRECTS = 10
MAX_DOCUMENT = 64 * 1024
MAX_MEDIA = 40 * 1024 * 1024

Form = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer (2xx). `url` is where it came from in the end."""

    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Tunnels:
    """Public origins (`https://voice.example`) that lead to servers of this machine.

    As with a real tunnel, requests are made and signed for the public URL and carry its Host.
    """

    origins: Mapping[str, str]

    def enter(self, url: str) -> str:
        """Return where a URL is really to be asked."""
        parts = urlsplit(url)
        http = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
        local = self.origins.get(f"{http}://{parts.netloc}")
        if local is None:
            return url
        inner = urlsplit(local)
        scheme = (
            {"https": "wss", "http": "ws"}[inner.scheme] if parts.scheme in {"ws", "wss"} else inner.scheme
        )
        return urlunsplit((scheme, inner.netloc, parts.path, parts.query, ""))


class DeliveryError(Exception):
    """A request that did not succeed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


@cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of the process: loading the certificates takes a tenth of a second."""
    return ssl.create_default_context()


class Webhooks:
    """Makes the requests of one call; cookies are kept from one to the next."""

    def __init__(self, token: str, tunnels: Tunnels, tls: ssl.SSLContext) -> None:
        self._token = token
        self._tunnels = tunnels
        self._client = httpx2.AsyncClient(
            verify=tls,
            trust_env=False,
            timeout=httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
            headers={"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"},
        )

    async def __aenter__(self) -> Self:
        """Return the webhooks themselves."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, method: str, url: str, form: Form, *, limit: int = MAX_DOCUMENT) -> Reply:
        """Make a request and return its answer of at most `limit` bytes. Raises DeliveryError."""
        token = secrets.token_hex(16)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                try:
                    return await self._follow(method, url, form, token, limit)
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    return await self._follow(method, url, form, token, limit)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise DeliveryError(Failure(11205, url, f"no connection: {error}")) from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            text = f"no answer within {TOTAL_SECONDS:.0f} s"
            raise DeliveryError(Failure(11200, url, text)) from error
        except httpx2.InvalidURL as error:
            raise DeliveryError(Failure(11100, url, f"invalid URL: {error}")) from error
        except httpx2.HTTPError as error:
            raise DeliveryError(Failure(11206, url, f"protocol violation: {error}")) from error

    async def _follow(self, method: str, url: str, form: Form, token: str, limit: int) -> Reply:
        for _ in range(MAX_REDIRECTS + 1):
            response, body = await self._once(method, url, form, token, limit)
            if not response.has_redirect_location:
                if not response.is_success:
                    raise DeliveryError(Failure(11200, url, f"HTTP {response.status_code}"))
                return Reply(url, response.headers.get("content-type", ""), body)
            url = urljoin(url, response.headers["location"])
            if response.status_code not in {307, 308}:
                method = "GET"
        raise DeliveryError(Failure(11215, url, f"more than {MAX_REDIRECTS} redirects"))

    async def _once(
        self, method: str, url: str, form: Form, token: str, limit: int
    ) -> tuple[httpx2.Response, bytes]:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise DeliveryError(Failure(11100, url, "the URL is not an absolute http or https URL"))
        asked = url.partition("#")[0] if method == "POST" else with_query(url, form)
        sent_form = form if method == "POST" else ()
        headers = {
            "Host": signed_url(asked).split("/")[2],
            "X-Twilio-Signature": sign(self._token, signed_url(asked), sent_form),
            "I-Twilio-Idempotency-Token": token,
        }
        content = None
        if method == "POST":
            content = urlencode(sent_form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        request = self._client.build_request(
            method, self._tunnels.enter(asked), content=content, headers=headers
        )
        response = await self._client.send(request, stream=True)
        try:
            return response, await _bounded(response, url, limit)
        finally:
            await response.aclose()


def read_document(reply: Reply) -> Document:
    """Read the TwiML of an answer. Raises TwimlError, with 12300 for a type that is not TwiML's."""
    kind = reply.content_type.partition(";")[0].strip().lower()
    if kind in {"text/xml", "application/xml", "text/html"}:
        return parse_twiml(reply.body)
    if kind == "text/plain":
        try:
            return parse_twiml(reply.body)
        except TwimlError:
            return _read_out(reply.body)
    if not kind:
        raise TwimlError(11200, "the response has no Content-Type")
    raise TwimlError(12300, f"Invalid Content-Type: {kind}")


def is_audio(reply: Reply) -> bool:
    """Tell whether an answer is audio, which is played in place of a document."""
    return reply.content_type.startswith("audio/")


def with_query(url: str, form: Iterable[tuple[str, str]]) -> str:
    """Return the URL of a GET that carries `form`."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(tuple(form))) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


async def _bounded(response: httpx2.Response, url: str, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise DeliveryError(Failure(11750, url, f"the response is larger than {limit} bytes"))
    return bytes(body)


def _read_out(body: bytes) -> Document:
    return Document((Say(body.decode("utf-8", "replace")),))
