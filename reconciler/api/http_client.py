"""The wire below the `twilio` library: where requests go, which are allowed, and when they are repeated.

The library keeps its own logic of regions and edges; only at the very end the host is swapped when
`TM_TWILIO_API_URL` is set, and the host that was meant goes along as `X-Twilio-Host`. Every failure is
translated here, once: the library itself reports a failing list page without its status.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx2
from twilio.http.response import Response

from reconciler.api.allowed import require_allowed
from reconciler.api.errors import (
    ApiError,
    ApiRefusedError,
    ApiUnauthorizedError,
    ApiUnavailableError,
)
from reconciler.api.lane import Lane
from reconciler.api.retry import RetryPolicy, header
from reconciler.output.printable import printable
from reconciler.resource.credentials import sealed_text
from reconciler.resource.defaults import HOME_REGION

TIMEOUT = httpx2.Timeout(connect=10, read=30, write=10, pool=60)

PROXY_FAULTS = (ImportError, ValueError, httpx2.InvalidURL)
"""What httpx2 raises for a proxy of the environment's: SOCKS wants a package that is not there, or no URL."""

_LONGEST_REASON = 500

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Target:
    """Which account a transport speaks for, and in which region, as error messages name it."""

    account: str
    account_sid: str
    region: str = HOME_REGION

    def __str__(self) -> str:
        return f"account {self.account!r} ({self.account_sid})"


class NumbersTransport:
    """An asynchronous HTTP client as the `twilio` library expects one (duck-typed: `is_async`, `request`).

    It sends what `allowed.py` lists, and updates only with `may_write`. Buying, releasing and transferring
    a number are not possible through it. `lane` is shared by all that speak to the account. Raises
    ApiError; never logs or shows credentials.
    """

    is_async = True

    def __init__(
        self,
        client: httpx2.AsyncClient,
        target: Target,
        *,
        api_url: str | None = None,
        may_write: bool = False,
        lane: Lane | None = None,
        policy: RetryPolicy | None = None,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._target = target
        self._api_url = urlsplit(api_url.rstrip("/")) if api_url else None
        self._may_write = may_write
        self._lane = lane or Lane()
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._jitter = jitter

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request of the library, repeating it where that is safe, and return a good answer."""
        meant = urlsplit(url)
        require_allowed(method, meant, data or (), may_write=self._may_write)
        # Twilio: forms, but JSON for what says so (WhatsApp senders).
        is_json = header(headers or {}, "Content-Type") == "application/json"
        request = self._client.build_request(
            method,
            _sent_to(meant, self._api_url),
            params=dict(params) if params else None,
            data=dict(data) if data and not is_json else None,
            json=dict(data) if data and is_json else None,
            headers={**(headers or {}), **({"X-Twilio-Host": meant.netloc} if self._api_url else {})},
        )
        response = await self._answered(request, httpx2.BasicAuth(*auth) if auth else None)
        return Response(response.status_code, response.text, response.headers)

    async def _answered(self, request: httpx2.Request, auth: httpx2.BasicAuth | None) -> httpx2.Response:
        """Send until there is a good answer, a final one, or no attempt left."""
        failures = 0
        while True:
            retry_after = None
            try:
                response = await self._lane.send(lambda: self._client.send(request, auth=auth))
                error = self._judge(response)
                if error is None:
                    return response
                retry_after = header(response.headers, "Retry-After")
            except httpx2.HTTPError as broken:
                error = self._no_answer(request, broken)
            failures += 1
            if not self._policy.may_repeat(request.method, error.status, failures):
                raise error
            await self._sleep(self._policy.wait(failures, self._jitter, retry_after))

    def _judge(self, response: httpx2.Response) -> ApiError | None:
        """Return what is wrong with an answer, or None."""
        status = response.status_code
        try:
            body = json.loads(response.text)
        except ValueError:
            body = None
        if 200 <= status < 300 and isinstance(body, dict):
            return None
        if isinstance(body, dict) and status >= 400:
            return self._refusal(status, body)
        return ApiUnavailableError(
            f"{self._where(response.request)} answered {status} with something that is not Twilio's JSON",
            status=status,
            hint="Is there a proxy in between, or does TM_TWILIO_API_URL name another server?",
        )

    def _refusal(self, status: int, body: Mapping[str, object]) -> ApiError:
        """Translate an error document of Twilio, the classic form or RFC 9457."""
        code = body.get("code")
        told = body.get("message") or body.get("detail") or body.get("title") or "no reason was given"
        more_info = body.get("more_info") or body.get("type")
        kind = (
            ApiUnavailableError
            if status >= 500
            else ApiUnauthorizedError
            if status == 401
            else ApiRefusedError
        )
        where = f"{self._target} in region {self._target.region}" if status == 401 else self._target
        reason = printable(sealed_text(str(told))[:_LONGEST_REASON])
        return kind(
            f"{where}: Twilio answered {status}: {reason}",
            status=status,
            code=code if isinstance(code, int) else None,
            more_info=more_info if isinstance(more_info, str) else None,
            hint=self._credentials_hint() if status == 401 else None,
        )

    def _credentials_hint(self) -> str:
        """Say which credentials were refused. Twilio: those of one region are worth nothing in another."""
        account, region = self._target.account, self._target.region
        return (
            f"Check account_sid and the auth token or API key that account {account!r} has for {region}:"
            " each region has its own."
        )

    def _no_answer(self, request: httpx2.Request, broken: httpx2.HTTPError) -> ApiUnavailableError:
        """Translate a connection that failed or took too long."""
        slow = isinstance(broken, httpx2.TimeoutException)
        reason = f": {broken}" if str(broken) else ""
        what = "did not answer in time" if slow else "cannot be reached"
        return ApiUnavailableError(f"{self._where(request)} {what}{reason}")

    def _where(self, request: httpx2.Request) -> str:
        """Name the account and the host, and the host that was meant where it is another."""
        host = f"{request.url.host}:{request.url.port}" if request.url.port else request.url.host
        meant = request.headers.get("X-Twilio-Host")
        return f"{self._target}: {host}{f' (for {meant})' if meant else ''}"


def _sent_to(meant: SplitResult, api_url: SplitResult | None) -> str:
    """Return the URL that is really asked: the one that was meant, or the same under `api_url`."""
    if api_url is None:
        return meant.geturl()
    return meant._replace(
        scheme=api_url.scheme, netloc=api_url.netloc, path=f"{api_url.path}{meant.path}"
    ).geturl()
