"""One HTTP request of a tool: filled in, sent, repeated where that is harmless, and read up to its bound.

Whatever happens becomes a short text that a model can act on. No header and no secret is in it, even where
the other side repeats what it was sent.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import httpx2
from pydantic import JsonValue

from runtime.figures.logs import get_logger
from runtime.tools.guarded_transport import TOOL_HOSTS, GuardedTransport, PrivateHostError
from schemas.private_hosts import ToolHosts
from schemas.references import UnresolvedReference
from schemas.templates import Arguments, TemplateError, fill_body, fill_url, names_in
from schemas.tools import HttpCall

_log = get_logger(__name__)

REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
WITHOUT_BODY: Final = frozenset({"GET", "DELETE"})
PASSING: Final = frozenset({429, 502, 503, 504})
FIRST_PAUSE: Final = 0.2  # s before the first repetition; doubles, and varies by half
MOST_REDIRECTS: Final = 3
ERROR_BODY_BYTES: Final = 2_000
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
SHORTEST_HIDDEN: Final = 6  # characters of a secret that is looked for in answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request led to: the text for the model and, if it is not what was asked for, the `failure`.

    The failure is in our own words: nothing of it was said by the service.
    """

    text: str
    failure: str | None = None

    @property
    def ok(self) -> bool:
        """Whether this is what was asked for."""
        return self.failure is None

    @classmethod
    def failed(cls, error: str, body: str | None = None) -> Answer:
        """Return a failure in the form that models are told of them: `{"error": …}`."""
        told = {"error": error} if not body else {"error": error, "body": body}
        return cls(json.dumps(told, ensure_ascii=False), error)


@dataclass(frozen=True, slots=True)
class _Attempt:
    answer: Answer
    passing: bool = False
    retry_after: float = 0.0


class HttpCaller:
    """Sends the requests of all tools of a node, over one client."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._client = httpx2.AsyncClient(
            transport=transport or GuardedTransport(),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # the whole call has one
            headers={"User-Agent": "tm", "Accept": "application/json, text/*;q=0.9"},
        )
        self._client.headers["Accept-Encoding"] = "identity"  # what is read is what is counted

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def call(self, call: HttpCall, arguments: Arguments, hosts: ToolHosts) -> Answer:
        """Return the answer, within `call.timeout` seconds; never raises for what the other side does."""
        try:
            request, hidden = self._request(call, arguments, hosts)
        except TemplateError as error:
            return Answer.failed(str(error))
        except UnresolvedReference as error:
            _log.error("tool_secret_missing", detail=str(error))
            return Answer.failed("this tool is not set up")
        except (ValueError, httpx2.InvalidURL):
            return Answer.failed("the arguments do not make an address")
        try:
            async with asyncio.timeout(call.timeout):
                return await self._repeat(call, request, hidden)
        except TimeoutError:
            return Answer.failed(f"no answer within {call.timeout:g} s")

    def _request(
        self, call: HttpCall, arguments: Arguments, hosts: ToolHosts
    ) -> tuple[httpx2.Request, tuple[str, ...]]:
        headers = {name: secret.reveal() for name, secret in call.headers.items()}
        parts = (part for text in headers.values() for part in (text, *text.split()))
        hidden = tuple(part for part in parts if len(part) >= SHORTEST_HIDDEN)
        if call.retries and call.method not in REPEATABLE:
            headers.setdefault(IDEMPOTENCY_KEY, secrets.token_hex(16))
        url, body = _address_and_body(call, arguments)
        request = self._client.build_request(
            call.method, url, headers=headers, json=body, extensions={TOOL_HOSTS: hosts}
        )
        return request, hidden

    async def _repeat(self, call: HttpCall, request: httpx2.Request, hidden: tuple[str, ...]) -> Answer:
        """Send until the answer is not one that may pass; the same request, with the same key, each time."""
        repetition = 0
        while (attempt := await self._send(call, request, hidden)).passing and repetition < call.retries:
            pause = FIRST_PAUSE * 2**repetition * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, no secret
            await asyncio.sleep(max(pause, attempt.retry_after))
            repetition += 1
        return attempt.answer

    async def _send(self, call: HttpCall, request: httpx2.Request, hidden: tuple[str, ...]) -> _Attempt:
        """Send once, following redirects on the same host."""
        try:
            for _ in range(MOST_REDIRECTS + 1):
                response = await self._client.send(request, stream=True)
                try:
                    target = response.next_request
                    if target is None:
                        return await _read(call, response, hidden)
                    if not _same_origin(target.url, request.url):
                        return _Attempt(Answer.failed("the service redirects to another host"))
                finally:
                    await response.aclose()
                request = target
        except PrivateHostError as error:
            _log.warning("tool_host_refused", host=error.request.url.host)
            return _Attempt(Answer.failed("this host may not be called; it is not in tool_hosts"))
        except httpx2.ConnectError:
            return _Attempt(Answer.failed("the service cannot be reached"), passing=True)
        except httpx2.HTTPError as error:
            return _Attempt(Answer.failed(f"the service broke off ({type(error).__name__})"), passing=True)
        return _Attempt(Answer.failed("the service redirects in circles"))


def _address_and_body(call: HttpCall, arguments: Arguments) -> tuple[str, JsonValue]:
    """Return where to and with what: arguments go where the templates want them.

    Without a body template, those that are not in the URL are the JSON body, or the query of a request that
    has no body.
    """
    url = fill_url(call.url, arguments)
    if call.body is not None:
        return url, fill_body(call.body, arguments)
    if call.method not in WITHOUT_BODY:
        return url, dict(arguments)
    in_url = names_in(call.url)
    rest = {name: _query_value(value) for name, value in arguments.items() if name not in in_url}
    rest = {name: value for name, value in rest.items() if value is not None}
    if not rest:
        return url, None
    return f"{url}{'&' if '?' in url else '?'}{urlencode(rest, doseq=True)}", None


def _query_value(value: JsonValue) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [item if isinstance(item, str) else json.dumps(item) for item in value]
    return json.dumps(value)


async def _read(call: HttpCall, response: httpx2.Response, hidden: tuple[str, ...]) -> _Attempt:
    """Read the answer up to its bound and judge it."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return _Attempt(Answer.failed("the service answers in a compressed form"))
    limit = call.max_response_bytes if response.is_success else min(call.max_response_bytes, ERROR_BODY_BYTES)
    body, whole = await _body(response, limit)
    text = _without(hidden, body.decode(errors="replace" if whole else "ignore"))
    status = response.status_code
    if response.is_success:
        if not _readable(response):
            return _Attempt(Answer.failed("the service answers neither JSON nor text"))
        return _Attempt(Answer(text if whole else f"{text}\n[cut: the answer is longer than {limit} bytes]"))
    error = Answer.failed(f"the service answered {status}", text if _readable(response) else None)
    return _Attempt(error, passing=status in PASSING, retry_after=_retry_after(response))


async def _body(response: httpx2.Response, limit: int) -> tuple[bytes, bool]:
    """Return the body, `limit` bytes at most, and whether that is all of it."""
    body = bytearray()
    async for chunk in response.aiter_raw(8192):
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), False
    return bytes(body), True


def _readable(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("/json", "+json", "/xml", "+xml"))


def _retry_after(response: httpx2.Response) -> float:
    """Return the seconds that the service asks for; dates count as nothing."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _without(hidden: tuple[str, ...], text: str) -> str:
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
