"""Routes under `/sandbox` for other processes on this machine: calls, phones, and edits of numbers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.account import Account
from sandbox.account.hosts import DEFAULT_REGION, REGIONS
from sandbox.account.numbers import EDITABLE
from sandbox.network import Network, PhoneCall
from sandbox.network.scripts import ScriptError, read_caller, read_faults, read_phone
from sandbox.speech.hearing import find_spoken

MAX_BODY = 64 * 1024

_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost", "[::1]"))


class Control:
    """Dials and shows calls, and edits numbers, over HTTP, for peers on loopback only.

    `changed` is awaited after every edit.
    """

    def __init__(
        self, account: Account, network: Network, changed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._account = account
        self._network = network
        self._changed = changed

    def routes(self) -> list[BaseRoute]:
        """Return the routes to mount."""
        return [
            Route("/sandbox/dial", _local(self._dial), methods=["POST"]),
            Route("/sandbox/edit", _local(self._edit), methods=["POST"]),
            Route("/sandbox/phones", _local(self._phone), methods=["POST"]),
            Route("/sandbox/messages", _local(self._write), methods=["POST"]),
            Route("/sandbox/messages", _local(self._messages), methods=["GET"]),
            Route("/sandbox/calls", _local(self._calls)),
            Route("/sandbox/calls/{sid}", _local(self._call)),
            Route("/sandbox/calls/{sid}/recording.wav", _local(self._recording)),
            Route("/sandbox/alerts", _local(self._alerts)),
        ]

    async def _dial(self, request: Request) -> Response:
        try:
            order = await _order(request)
            caller = read_caller(order.get("caller", "silent"))
            faults = read_faults(order.get("faults", {}))
            to, from_ = str(order["to"]), str(order.get("from", "+14155550199"))
        except (_BadOrderError, ScriptError) as error:
            return _problem(400, str(error))
        except KeyError:
            return _problem(400, 'the body is JSON: {"from": "+1…", "to": "+1…", "caller": "book-a-table"}')
        call = self._network.dial(from_=from_, to=to, caller=caller, faults=faults)
        return JSONResponse({"sid": call.sid, "status": call.status}, status_code=201)

    async def _edit(self, request: Request) -> Response:
        """Change a number as somebody in the Console would: without a request to the REST API."""
        try:
            changes = await _order(request)
            number, region = str(changes.pop("number")), str(changes.pop("region", DEFAULT_REGION))
        except _BadOrderError as error:
            return _problem(400, str(error))
        except KeyError:
            return _problem(400, 'the body is JSON: {"number": "+1…", "voice_url": "https://…"}')
        before = self._account.find(number, region) if region in REGIONS else None
        if before is None:
            return _problem(404, f"the account has no number {number} in {region}")
        for name, value in changes.items():
            kind = bool if isinstance(getattr(before, name, None), bool) else (str, type(None))
            if name not in EDITABLE or not isinstance(value, kind):
                return _problem(400, f"{name} is not a field of a number that can be changed to {value!r}")
        record = self._account.edit(number, region, **changes)
        if self._changed is not None:
            await self._changed()
        return JSONResponse(record.json())

    async def _phone(self, request: Request) -> Response:
        """Put somebody on a number that the account may call."""
        try:
            order = await _order(request)
            number = str(order.pop("number"))
            self._network.phones[number] = read_phone(order)
        except (_BadOrderError, ScriptError) as error:
            return _problem(400, str(error))
        except KeyError:
            return _problem(400, 'the body is JSON: {"number": "+1…", "caller": "silent"}')
        return JSONResponse({"number": number}, status_code=201)

    async def _write(self, request: Request) -> Response:
        """Let somebody write to the account, and answer when the app has."""
        try:
            order = await _order(request)
            from_, to, body = (str(order[name]) for name in ("from", "to", "body"))
        except _BadOrderError as error:
            return _problem(400, str(error))
        except KeyError:
            return _problem(
                400, 'the body is JSON: {"from": "whatsapp:+1…", "to": "whatsapp:+1…", "body": "Hi"}'
            )
        messenger = self._network.messenger
        message = await messenger.write(from_, to, body, name=str(order.get("name", "")))
        return JSONResponse(message.json(), status_code=201)

    async def _messages(self, _: Request) -> Response:
        return JSONResponse({"messages": [one.json() for one in self._account.messages.values()]})

    async def _calls(self, _: Request) -> Response:
        return JSONResponse({"calls": [_shown(call) for call in self._network.calls.values()]})

    async def _call(self, request: Request) -> Response:
        call = self._find(request)
        if call is None:
            return _problem(404, "no such call")
        return JSONResponse({**_shown(call), "events": [event.json() for event in call.events]})

    async def _recording(self, request: Request) -> Response:
        call = self._find(request)
        if call is None:
            return _problem(404, "no such call")
        return Response(call.recording_wav(), media_type="audio/wav")

    async def _alerts(self, _: Request) -> Response:
        return JSONResponse({"alerts": [asdict(alert) for alert in self._account.alerts]})

    def _find(self, request: Request) -> PhoneCall | None:
        return self._network.calls.get(request.path_params["sid"])


class _BadOrderError(Exception):
    """A body that is not an order, in a sentence for people."""


async def _order(request: Request) -> dict[str, object]:
    """Return the JSON object in the body. Raises _BadOrderError."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _BadOrderError("the body is too large")
    try:
        order = json.loads(body)
    except ValueError:
        order = None
    if not isinstance(order, dict):
        raise _BadOrderError("the body is a JSON object")
    return order


Handler = Callable[[Request], Awaitable[Response]]


def _local(handler: Handler) -> Handler:
    """Refuse whoever is not on this machine, or comes through a name or proxy that is not."""

    async def checked(request: Request) -> Response:
        peer = request.client.host if request.client is not None else ""
        forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for"))
        if peer not in _LOOPBACK or (request.url.hostname or "") not in _LOOPBACK or forwarded:
            return _problem(403, "the sandbox is driven from its own machine only")
        return await handler(request)

    return checked


def _shown(call: PhoneCall) -> dict[str, object]:
    """Return a call for another process: who, how it stands, and which words of the clips were heard."""
    return {
        "sid": call.sid,
        "parent_sid": call.call.parent_call_sid,
        "direction": call.call.direction,
        "from": call.call.from_,
        "to": call.call.to,
        "status": call.status,
        "over": call.is_over,
        "answered_at_ms": call.answered_at_ms,
        "heard": [one.text for one in find_spoken(call.heard)],
        "heard_words": list(call.heard_words),
    }


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)
