"""The real `twilio` library against the sandbox's account, without sockets."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode, urlsplit

import httpx2
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from sandbox.account import Account
from sandbox.account.routes import RestApi
from sandbox.seed import NumberSeed, Seed

FORM = "application/x-www-form-urlencoded"
BISTRO = "+14155550123"
BAKERY = "+14155550124"


class InProcess(HttpClient):  # type: ignore[misc]  # the library has no types
    """Carries the library's requests to the ASGI application and keeps the host that was meant."""

    def __init__(self, account: Account) -> None:
        super().__init__(None, True, None)
        self.app = RestApi(account)
        self.responses: list[httpx2.Response] = []

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        parts = urlsplit(uri)
        headers = {**({"Content-Type": FORM} if data else {}), **(headers or {})}
        response = asyncio.run(
            self._send(
                method,
                parts.path + (f"?{parts.query}" if parts.query else ""),
                urlencode(params or {}, doseq=True),
                _body(data or {}, headers),
                {**headers, "X-Twilio-Host": parts.netloc},
                auth,
            )
        )
        self.responses.append(response)
        return Response(response.status_code, response.text, dict(response.headers))

    async def _send(
        self,
        method: str,
        path: str,
        query: str,
        body: str,
        headers: dict[str, str],
        auth: tuple[str, str] | None,
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app)
        url = f"http://sandbox{path}" + (f"{'&' if '?' in path else '?'}{query}" if query else "")
        async with httpx2.AsyncClient(transport=transport) as client:
            return await client.request(method, url, content=body, headers=headers, auth=auth)


class OverLoopback(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """Sends the library's requests to a sandbox that listens, and tells it the host that was meant."""

    def __init__(self, url: str) -> None:
        super().__init__(pool_connections=False)
        self._url = url

    def request(
        self,
        method: str,
        url: str,
        *arguments: object,
        headers: dict[str, str] | None = None,
        **named: object,
    ) -> Response:
        parts = urlsplit(url)
        swapped = self._url + url.partition(parts.netloc)[2]
        meant = {**(headers or {}), "X-Twilio-Host": parts.netloc}
        return super().request(method, swapped, *arguments, headers=meant, **named)


def _body(data: dict[str, object], headers: dict[str, str]) -> str:
    """Encode a body as the library's own HTTP client does."""
    if headers.get("Content-Type") == "application/json":
        return json.dumps(data)
    return urlencode(data, doseq=True)


def account_with(*numbers: NumberSeed, **seed: object) -> Account:
    return Seed(numbers=numbers or (NumberSeed(BISTRO),), **seed).account()  # type: ignore[arg-type]  # Seed's own fields


def client(account: Account, **credentials: str) -> Client:
    user = credentials.pop("user", account.sid)
    password = credentials.pop("password", account.auth_token)
    return Client(
        user, password, account_sid=account.sid, http_client=InProcess(account), environment={}, **credentials
    )


def refusal(error: TwilioRestException) -> tuple[int, int]:
    return error.status, error.code
