"""What the runtime asks of Twilio's REST API: change calls, record, dial, confer, send messages.

One HTTP client serves all accounts. Each request names the account and the region that processes the call:
Twilio's tokens, calls and recordings belong to one region. Every request is bounded in time, waits for room
included, and is repeated only where that cannot happen twice. Nothing here knows of numbers or of buying.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from runtime.twilio_answers import Conferences, Messages, Refusal, Resource, SentMessage
from schemas import Account, Agent, Fleet
from schemas.account import EDGE_OF_REGION, RegionCredentials

# One request, its repetitions and its wait for room; s. A caller may be waiting for what comes of it.
REQUEST_SECONDS: Final = 10.0
TIMEOUT: Final = httpx2.Timeout(connect=3, read=6, write=3, pool=3)
# Twilio limits the requests that an account has under way; `tm apply` wants some of them too.
MOST_AT_ONCE: Final = 20
ATTEMPTS: Final = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0

TOO_MANY_REQUESTS: Final = 429
NOT_IN_PROGRESS: Final = 21220
NOT_FOUND: Final = 404
NEWEST: Final = 50  # messages that are looked through for one
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))

Value = str | int | float | bool | Sequence[str]
Method = Literal["GET", "POST", "DELETE"]


class TwilioApiError(Exception):
    """Twilio did not do what it was asked. `status` is None when there was no answer.

    The message is Twilio's own or ours, and never has credentials, numbers or documents in it.
    """

    def __init__(self, message: str, *, status: int | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def call_is_over(self) -> bool:
        """Whether it failed because there is no such call in progress (any more)."""
        return self.code == NOT_IN_PROGRESS or self.status == NOT_FOUND


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one account in one region. The password is not part of the repr."""

    account_sid: str
    host: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Access(account_sid={self.account_sid!r}, host={self.host!r})"


_Read = TypeVar("_Read", Resource, Conferences, SentMessage, Messages)


class TwilioApi:
    """The accounts of a fleet. `api_url` (`TM_TWILIO_API_URL`) takes the place of all of Twilio's hosts.

    `transport` and `jitter` are replaceable for tests.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        api_url: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fleet = fleet
        self._api_url = api_url.rstrip("/") if api_url else None
        # A proxy from the environment is right for Twilio, and wrong for a server on this machine.
        local = bool(api_url) and urlsplit(api_url or "").hostname in _LOOPBACK
        self._http = httpx2.AsyncClient(timeout=TIMEOUT, trust_env=not local, transport=transport)
        self._jitter = jitter
        self._room: dict[str, asyncio.Semaphore] = {}

    def account(self, account: str, region: str) -> AccountApi:
        """Return an account (by its declared name) in a region.

        Raises `TwilioApiError` where the account has no credentials for the region.
        """
        access = access_to(self._fleet.accounts[account], region)
        room = self._room.setdefault(access.account_sid, asyncio.Semaphore(MOST_AT_ONCE))
        return AccountApi(self._http, access, room, api_url=self._api_url, jitter=self._jitter)

    def of_number(self, agent: str, number: str) -> AccountApi:
        """Return the account and region that process the calls of an agent's number.

        A number that the agent does not declare is taken to be in its account's own region.
        Raises `TwilioApiError`.
        """
        declared = self._declared(agent)
        account = self._fleet.account_of(declared)
        regions = (entry.region for entry in declared.numbers if entry.number == number)
        return self.account(account.name, next(regions, None) or account.region)

    async def end_call(self, agent: str, call_sid: str) -> None:
        """End a live call of an agent, in whichever of its regions it is; one that is over stays so.

        Raises `TwilioApiError`.
        """
        declared = self._declared(agent)
        account = self._fleet.account_of(declared)
        problem: TwilioApiError | None = None
        regions = (*(entry.region or account.region for entry in declared.numbers), account.region)
        for region in dict.fromkeys(regions):
            try:
                await self.account(account.name, region).complete_call(call_sid)
            except TwilioApiError as error:
                problem = problem if error.call_is_over else error
            else:
                return
        if problem is not None:
            raise problem

    def of_messages(self, agent: str, ours: str) -> AccountApi:
        """Return the account and region that an agent's messages from an address go through.

        Twilio: WhatsApp is in us1. Raises `TwilioApiError`.
        """
        declared = self._declared(agent)
        if any(entry.number == ours for entry in declared.numbers):
            return self.of_number(agent, ours)
        account = self._fleet.account_of(declared)
        return self.account(account.name, messaging_region(account))

    def _declared(self, agent: str) -> Agent:
        declared = self._fleet.agents.get(agent)
        if declared is None:
            raise TwilioApiError("the agent is not declared any more")
        return declared

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


class AccountApi:
    """One account in one region. Every method raises `TwilioApiError`, after 10 s at the latest."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        access: Access,
        room: asyncio.Semaphore,
        *,
        api_url: str | None,
        jitter: Callable[[], float],
    ) -> None:
        self._http = http
        self._access = access
        self._room = room
        self._api_url = api_url
        self._jitter = jitter

    # --- calls

    async def create_call(self, to: str, from_: str, **parameters: Value) -> str:
        """Dial `to` (E.164) and return the call's SID; `parameters` are Twilio's, Url or Twiml among them."""
        made = await self._post("Calls", {"To": to, "From": from_, **parameters})
        return made.sid

    async def look_up(self, path: str, **filters: Value) -> bytes:
        """Return the JSON of a resource, or of a list by Twilio's `filters`; an empty path is the account."""
        return await self._request("GET", path, filters, repeatable=True)

    async def call_status(self, call_sid: str) -> str:
        """Return the call's status: queued, ringing, in-progress, completed and so on."""
        return (await self._ask("GET", f"Calls/{_part(call_sid)}", {}, repeatable=True)).status

    async def complete_call(self, call_sid: str) -> None:
        """End a live call, whatever it is doing."""
        await self._post(f"Calls/{_part(call_sid)}", {"Status": "completed"}, repeatable=True)

    async def cancel_call(self, call_sid: str) -> None:
        """Take back a call that is queued or rings; one that was answered stays. Twilio: that is 21220."""
        await self._post(f"Calls/{_part(call_sid)}", {"Status": "canceled"}, repeatable=True)

    async def limit_call(self, call_sid: str, seconds: int) -> None:
        """Let Twilio end the call that many seconds after its answer, whatever becomes of us."""
        await self._post(f"Calls/{_part(call_sid)}", {"TimeLimit": seconds}, repeatable=True)

    async def redirect_call(self, call_sid: str, *, twiml: str | None = None, url: str | None = None) -> None:
        """Take a live call out of what it does and let a document control it: `twiml`, or what `url` gives.

        Twilio: 4,000 characters at most, URLs in it absolute. Not repeated when the answer is lost: the
        caller would hear the document's beginning twice.
        """
        assert (twiml is None) != (url is None), "a call has one document at a time"
        document = {"Twiml": twiml} if twiml is not None else {"Url": url or "", "Method": "POST"}
        await self._post(f"Calls/{_part(call_sid)}", document)

    async def start_recording(
        self, call_sid: str, *, channels: Literal["dual", "mono"], callback: str
    ) -> str:
        """Record the call from now on and return the recording's SID; `callback` is told of its end."""
        parameters: dict[str, Value] = {
            "RecordingChannels": channels,
            "RecordingStatusCallback": callback,
            "RecordingStatusCallbackEvent": ["completed", "absent"],
        }
        return (await self._post(f"Calls/{_part(call_sid)}/Recordings", parameters)).sid

    # --- conferences

    async def find_conference(self, name: str) -> str | None:
        """Return the SID of the conference of this name that is in progress, None when there is none."""
        filters = {"FriendlyName": name, "Status": "in-progress"}
        body = await self._request("GET", "Conferences", filters, repeatable=True)
        found = _decode(body, Conferences).conferences
        return found[0].sid if found else None

    async def end_conference(self, conference_sid: str) -> None:
        """End a conference and the calls that are in it without another document."""
        await self._post(f"Conferences/{_part(conference_sid)}", {"Status": "completed"}, repeatable=True)

    async def add_participant(self, conference: str, *, to: str, from_: str, **parameters: Value) -> str:
        """Dial `to` into a conference, by name or SID, and return the new call's SID."""
        path = f"Conferences/{_part(conference)}/Participants"
        return (await self._post(path, {"To": to, "From": from_, **parameters})).call_sid

    async def update_participant(self, conference: str, participant: str, **parameters: Value) -> None:
        """Change a participant (call SID or label): Hold, Muted, HoldUrl, EndConferenceOnExit and so on."""
        path = f"Conferences/{_part(conference)}/Participants/{_part(participant)}"
        await self._post(path, parameters, repeatable=True)

    async def remove_participant(self, conference: str, participant: str) -> None:
        """Take a participant out of a conference; one that has left is no error."""
        path = f"Conferences/{_part(conference)}/Participants/{_part(participant)}"
        try:
            await self._request("DELETE", path, {}, repeatable=True)
        except TwilioApiError as error:
            if error.status != NOT_FOUND:
                raise

    # --- messages

    async def create_message(self, to: str, **parameters: Value) -> SentMessage:
        """Send a message; `parameters` are Twilio's: From or MessagingServiceSid, Body, MediaUrl and so on.

        Not repeated when the answer is lost: the contact would have it twice.
        """
        body = await self._request("POST", "Messages", {"To": to, **parameters}, repeatable=False)
        return _decode(body, SentMessage)

    async def newest_messages(self, to: str, from_: str | None = None) -> list[SentMessage]:
        """Return the newest messages to somebody, of all senders or of one."""
        filters: dict[str, Value] = {"To": to, "PageSize": NEWEST}
        if from_ is not None:
            filters["From"] = from_
        return _decode(await self._request("GET", "Messages", filters, repeatable=True), Messages).messages

    # --- one request

    async def _post(
        self, path: str, parameters: Mapping[str, Value], *, repeatable: bool = False
    ) -> Resource:
        return await self._ask("POST", path, parameters, repeatable=repeatable)

    async def _ask(
        self, method: Method, path: str, parameters: Mapping[str, Value], *, repeatable: bool
    ) -> Resource:
        return _decode(await self._request(method, path, parameters, repeatable=repeatable), Resource)

    async def _request(
        self, method: Method, path: str, parameters: Mapping[str, Value], *, repeatable: bool
    ) -> bytes:
        """Send a request, again where that is safe, and return the body of a good answer."""
        request = self._build(method, path, parameters)
        try:
            async with asyncio.timeout(REQUEST_SECONDS), self._room:
                return await self._send(request, repeatable=repeatable)
        except TimeoutError:
            raise TwilioApiError("Twilio did not answer in time") from None

    def _build(self, method: Method, path: str, parameters: Mapping[str, Value]) -> httpx2.Request:
        base = self._api_url or f"https://{self._access.host}"
        form = {name: _text(value) for name, value in parameters.items()}
        resource = f"{self._access.account_sid}/{path}" if path else self._access.account_sid
        return self._http.build_request(
            method,
            f"{base}/2010-04-01/Accounts/{resource}.json",
            params=form if method == "GET" and form else None,
            data=form if method == "POST" else None,
            headers={"X-Twilio-Host": self._access.host} if self._api_url else None,
        )

    async def _send(self, request: httpx2.Request, *, repeatable: bool) -> bytes:
        auth = httpx2.BasicAuth(self._access.username, self._access.password)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await self._http.send(request, auth=auth)
            except httpx2.HTTPError as error:
                unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
                if attempt == ATTEMPTS or not (repeatable or unsent):
                    raise TwilioApiError(f"Twilio cannot be reached ({type(error).__name__})") from None
            else:
                if 200 <= response.status_code < 300:
                    return response.content
                if attempt == ATTEMPTS or not _may_repeat(response.status_code, repeatable=repeatable):
                    raise _refusal(response)
            await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt) * self._jitter())
        raise AssertionError("the last attempt returns or raises")


def messaging_region(account: Account) -> str:
    """Return the region of an account's WhatsApp messages: us1, if there are credentials for it."""
    return "us1" if "us1" in account.regions else account.region


def access_to(account: Account, region: str) -> Access:
    """Return how an account is signed in to in a region, by API key before the auth token.

    Twilio: outside of us1 a host names region and edge; without an edge it leads to us1. Raises
    `TwilioApiError` where there are no credentials.
    """
    elsewhere = {str(name): given for name, given in account.regions.items()}
    given: Account | RegionCredentials | None = elsewhere.get(region)
    if given is None and region == account.region:
        given = account
    edge = (given.edge if given is not None else None) or EDGE_OF_REGION[region]
    host = "api.twilio.com" if region == "us1" else f"api.{edge}.{region}.twilio.com"
    if given is not None and given.api_key and given.api_secret:
        return Access(account.account_sid, host, given.api_key, given.api_secret.reveal())
    if given is not None and given.auth_token:
        return Access(account.account_sid, host, account.account_sid, given.auth_token.reveal())
    raise TwilioApiError(f"account {account.name} has no credentials for region {region}")


def _may_repeat(status: int, *, repeatable: bool) -> bool:
    """Twilio: a 429 was never processed. What else failed may have been done."""
    return status == TOO_MANY_REQUESTS or (repeatable and status >= 500)


def _refusal(response: httpx2.Response) -> TwilioApiError:
    """Tell what Twilio answered, without its words: they may repeat numbers and documents."""
    try:
        code = msgspec.json.decode(response.content, type=Refusal).code
    except ValueError:
        code = None
    about = f" (error {code})" if code is not None else ""
    return TwilioApiError(
        f"Twilio answered {response.status_code}{about}", status=response.status_code, code=code
    )


def _decode(body: bytes, kind: type[_Read]) -> _Read:
    try:
        return msgspec.json.decode(body, type=kind)
    except ValueError:
        raise TwilioApiError("Twilio's answer is not what its documents promise") from None


def _part(name: str) -> str:
    """Return a SID or name as one part of a path."""
    return quote(name, safe="")


def _text(value: Value) -> str | list[str]:
    """Return a parameter as Twilio reads it: lower-case booleans, and lists as repeated fields."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else list(value)
