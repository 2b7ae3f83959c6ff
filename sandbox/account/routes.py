"""The HTTP shell of the account: authentication, Regions, faults, the log, and Twilio's headers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.account import resources
from sandbox.account.account import Account, ApiRequest
from sandbox.account.errors import ApiError, generic_error, unauthenticated
from sandbox.account.faults import Trouble
from sandbox.account.formats import new_sid
from sandbox.account.hosts import HEADER, MeantHost, UnknownHostError, meant_host
from sandbox.account.resources import Answer, Params

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MAX_BODY = 256 * 1024


class RestApi:
    """An ASGI application that is `https://*.twilio.com` for one account.

    `changed` is awaited after every write that was answered with success.
    """

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
        response.headers["X-Api-Domain"] = request.headers.get(HEADER, "api.twilio.com")
        if dropped:
            await _break_off(send)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request, concurrency: int) -> tuple[Response, bool]:
        """Return the response, and whether the connection is to be broken off in its place."""
        host = request.headers.get(HEADER, "api.twilio.com")
        params: Params = {}
        trouble: Trouble | None = None
        try:
            params = await _params(request)
            meant = meant_host(host)
            self._authenticate(request, meant)
            trouble = self._account.faults.strike(request.method, self._named_number(request), concurrency)
            await asyncio.sleep(self._account.faults.latency_ms / 1000)
            response = await self._served(request, meant, params, trouble)
        except UnknownHostError as error:
            # Not a Twilio error: with the real hosts there would be no connection at all.
            response = PlainTextResponse(f"{error}\n", status_code=421)
        except ApiError as error:
            response = _refusal(error, trouble)
        self._account.requests.append(
            ApiRequest(
                request.method, request.url.path, host, params, response.status_code, datetime.now(UTC)
            )
        )
        return response, trouble is not None and trouble.kind != "answer"

    async def _served(
        self, request: Request, meant: MeantHost, params: Params, trouble: Trouble | None
    ) -> Response:
        if trouble is not None and trouble.kind == "answer":
            raise generic_error(trouble.status)
        if trouble is not None and trouble.kind == "drop_before":
            return Response(status_code=503)
        answer = resources.serve(self._account, meant, request.method, request.url.path, params)
        if request.method != "GET" and self._changed is not None:
            await self._changed()
        return _response(answer)

    def _authenticate(self, request: Request, meant: MeantHost) -> None:
        """Check Basic auth: the account with the Region's token, or an API key with its secret."""
        user, password = _basic(request.headers.get("authorization", ""))
        account = self._account
        if user == account.sid:
            wanted = account.token(meant.region)
        else:
            wanted = account.api_keys.get(user, "")
            if resources.is_main_key_only(request.url.path):
                raise unauthenticated()
        if not wanted or not hmac.compare_digest(password.encode(), wanted.encode()):
            raise unauthenticated()
        named = resources.account_in(request.url.path)
        if named is not None and named != account.sid:
            raise unauthenticated()

    def _named_number(self, request: Request) -> str | None:
        record = self._account.find(request.url.path.rsplit("/", 1)[-1].removesuffix(".json"))
        return record.phone_number if record is not None else None


async def _params(request: Request) -> Params:
    """Read the query and, of a POST, the form body; repeated names keep all their values.

    Raises ApiError for a body above `MAX_BODY` bytes.
    """
    pairs = request.query_params.multi_items()
    if request.method == "POST":
        pairs += parse_qsl((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    collected: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        collected[name] = (*collected.get(name, ()), value)
    return collected


async def _body(request: Request) -> bytes:
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
    if answer.body is None:
        return Response(status_code=answer.status)
    return JSONResponse(answer.body, status_code=answer.status)


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
