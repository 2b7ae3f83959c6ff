"""The HTTP shell of the account: authentication, Regions, faults, the log, and Twilio's headers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.account import resources
from sandbox.account.account import Account, ApiRequest
from sandbox.account.errors import ApiError, generic_error, unauthenticated
from sandbox.account.events import Actor
from sandbox.account.exchange import Answer, Asked, Exchange, Observer, Params
from sandbox.account.faults import Trouble
from sandbox.account.formats import new_sid
from sandbox.account.hosts import HEADER, UnknownHostError, meant_host

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MAX_BODY = 256 * 1024
DEFAULT_HOST = "api.twilio.com"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A request whose body has been read. `host` is the one that the client meant."""

    http: Request
    host: str
    body: bytes

    @property
    def content_type(self) -> str:
        """The body's media type, in lower case and without parameters."""
        return self.http.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def params(self) -> Params:
        """Query and form; repeated names keep all their values."""
        pairs = self.http.query_params.multi_items()
        if self.http.method == "POST" and self.content_type != JSON:
            pairs += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        collected: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            collected[name] = (*collected.get(name, ()), value)
        return collected

    @property
    def document(self) -> object:
        """The JSON body, None where there is none that can be read."""
        if self.content_type != JSON:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class RestApi:
    """An ASGI application that is `https://*.twilio.com` for one account.

    `changed` is awaited after every write that was answered with success. `observer` is shown every
    exchange of every account in this process: the seam for a check against Twilio's published documents.
    """

    observer: ClassVar[Observer | None] = None

    def __init__(self, account: Account, changed: Callable[[], Awaitable[None]] | None = None) -> None:
        self._account = account
        self._changed = changed
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; there is no WebSocket here."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = Request(scope, receive)
        began = time.monotonic()
        self._in_flight += 1
        concurrency = self._in_flight
        try:
            response, dropped = await self._answer(request, concurrency)
        finally:
            self._in_flight -= 1
        response.headers["Twilio-Request-Id"] = new_sid("RQ")
        response.headers["Twilio-Concurrent-Requests"] = str(concurrency)
        response.headers["Twilio-Request-Duration"] = f"{time.monotonic() - began:.3f}"
        response.headers["X-Api-Domain"] = request.headers.get(HEADER, DEFAULT_HOST)
        if dropped:
            await _break_off(send)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request, concurrency: int) -> tuple[Response, bool]:
        """Return the response, and whether the connection is to be broken off in its place."""
        incoming = _Incoming(request, request.headers.get(HEADER, DEFAULT_HOST), b"")
        trouble: Trouble | None = None
        try:
            incoming = _Incoming(request, incoming.host, await _body(request))
            product, asked = self._asked(incoming)
            trouble = self._account.faults.strike(request.method, self._named(product, asked), concurrency)
            await asyncio.sleep(self._account.faults.latency_ms / 1000)
            response = await self._served(product, asked, trouble)
        except UnknownHostError as error:
            # Not a Twilio error: with the real hosts there would be no connection at all.
            response = PlainTextResponse(f"{error}\n", status_code=421)
        except ApiError as error:
            response = _refusal(error, trouble)
        dropped = trouble is not None and trouble.kind != "answer"
        self._log(incoming, response, dropped)
        return response, dropped

    def _asked(self, incoming: _Incoming) -> tuple[str, Asked]:
        """Return the product and the request as its resource gets it. Raises ApiError, UnknownHostError."""
        request = incoming.http
        meant = meant_host(incoming.host)
        target = resources.target(meant.product, request.url.path)
        return meant.product, Asked(
            self._account,
            incoming.host,
            meant.region,
            request.method,
            request.url.path,
            target.names if target is not None else {},
            incoming.params,
            self._authenticated(request, meant.region),
            incoming.document,
            request.headers.get("if-match"),
        )

    async def _served(self, product: str, asked: Asked, trouble: Trouble | None) -> Response:
        if trouble is not None and trouble.kind == "answer":
            raise generic_error(trouble.status)
        if trouble is not None and trouble.kind == "drop_before":
            return Response(status_code=503)
        answer = resources.serve(product, asked)
        if asked.method != "GET" and self._changed is not None:
            await self._changed()
        return _response(answer)

    def _authenticated(self, request: Request, region: str) -> Actor:
        """Check Basic auth: the account with the Region's token, or an API key with its secret."""
        user, password = _basic(request.headers.get("authorization", ""))
        account = self._account
        if user == account.sid:
            wanted = account.token(region)
        else:
            wanted = account.api_keys.get(user, "")
            if resources.is_main_key_only(request.url.path):
                raise unauthenticated()
        if not wanted or not hmac.compare_digest(password.encode(), wanted.encode()):
            raise unauthenticated()
        named = resources.account_in(request.url.path)
        if named is not None and named != account.sid:
            raise unauthenticated()
        return Actor(account.sid, "account", "api", request.client.host if request.client else None)

    def _named(self, product: str, asked: Asked) -> frozenset[str]:
        """Return the SID or number that the path ends with and, of a number, both."""
        name = asked.names.get("name", "")
        record = self._account.find(name) if product in {"api", "routes"} else None
        return frozenset({name} if record is None else {name, record.sid, record.phone_number})

    def _log(self, incoming: _Incoming, response: Response, dropped: bool) -> None:
        request, host = incoming.http, incoming.host
        path, status = request.url.path, response.status_code
        now = self._account.clock()
        self._account.requests.append(
            ApiRequest(request.method, path, host, incoming.params, status, now, incoming.document)
        )
        if RestApi.observer is not None:
            RestApi.observer(
                Exchange(
                    request.method,
                    host,
                    path,
                    request.url.query,
                    incoming.content_type,
                    incoming.body,
                    status,
                    bytes(response.body),
                    dropped,
                )
            )


async def _body(request: Request) -> bytes:
    """Return the body. Raises ApiError when it has more than `MAX_BODY` bytes."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise ApiError(413, 20001, "The request body is too large")
    return body


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    if answer.media is not None:
        return Response(answer.media.body, answer.status, headers, answer.media.content_type)
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, status_code=answer.status, headers=headers)


def _refusal(error: ApiError, trouble: Trouble | None) -> Response:
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    if trouble is not None and trouble.retry_after is not None:
        headers["Retry-After"] = trouble.retry_after
    return JSONResponse(error.body(), status_code=error.status, headers=headers)


async def _break_off(send: Send) -> None:
    """Promise a body and end without it: the server then closes the connection under the client."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
