"""The JSON API: agents, calls, one call, hang-up. Errors are `{"error": {"code", "message"}}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.access import may_use_api
from runtime.calls import LiveCall
from runtime.node import Node
from runtime.store import CallFilter, InvalidCursorError, StoreUnavailableError
from runtime.store.reading import RecordJson, list_row
from runtime.twilio_api import TwilioApiError

DEFAULT_LIMIT, MOST_LISTED = 50, 200

Endpoint = Callable[[Node, Request], Awaitable[Response]]


def api_routes(node: Node) -> list[Route]:
    """Return the routes of the API."""
    return [
        Route("/api/agents", allowed(node, list_agents), methods=["GET"]),
        Route("/api/calls", allowed(node, list_calls), methods=["GET"]),
        Route("/api/calls/{id}", allowed(node, show_call), methods=["GET"]),
        Route("/api/calls/{id}/hangup", allowed(node, hang_up), methods=["POST"]),
    ]


async def list_agents(node: Node, _request: Request) -> Response:
    """Answer `{"agents": […]}` with how many calls each has on all nodes."""
    elsewhere = await node.store.live_elsewhere()
    agents = [
        {
            "name": agent.name,
            "description": agent.description,
            "numbers": [entry.number for entry in agent.numbers],
            "inbound": agent.inbound,
            "mode": agent.voice.mode,
            "active_calls": node.calls.active(agent.name) + elsewhere.get(agent.name, 0),
        }
        for agent in node.fleet.agents.values()
    ]
    return JSONResponse({"agents": agents})


async def list_calls(node: Node, request: Request) -> Response:
    """Answer a page of calls, newest first; live ones as they stand now."""
    query = request.query_params
    wanted = CallFilter(agent=query.get("agent"), channel=query.get("channel"))
    try:
        page = await node.store.page(wanted, _limit(query.get("limit")), query.get("cursor"))
    except InvalidCursorError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
    live = {call.opening.id: call for call in node.calls.live()}
    rows = [_as_of_now(row, live.get(str(row["id"]))) for row in page.records]
    return JSONResponse({"calls": rows, "next": page.next_cursor})


async def show_call(node: Node, request: Request) -> Response:
    """Answer one call's record, transcript so far included."""
    return JSONResponse(await _record(node, request.path_params["id"]))


async def hang_up(node: Node, request: Request) -> Response:
    """End a live call, wherever it is, and answer its record; on a call that is over, just answer it.

    502 where Twilio has to end it and does not.
    """
    call_id = request.path_params["id"]
    try:
        await node.hang_ups.hang_up(call_id)
    except TwilioApiError as error:
        raise HTTPException(HTTPStatus.BAD_GATEWAY, f"Twilio does not end the call: {error}") from None
    return JSONResponse(await _record(node, call_id))


async def _record(node: Node, call_id: str) -> RecordJson:
    live = node.calls.find(call_id)
    record = live.record().to_json() if live is not None else await node.store.find(call_id)
    if record is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such call")
    return record


def _as_of_now(row: RecordJson, live: LiveCall | None) -> RecordJson:
    return list_row(live.record().to_json()) if live is not None else row


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    try:
        return max(1, min(int(text), MOST_LISTED))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "limit is a number") from None


def allowed(node: Node, handle: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that only those who may use the API reach."""

    async def endpoint(request: Request) -> Response:
        token = node.settings.api_token
        peer = request.client.host if request.client else None
        if may_use_api(token, peer, request.headers):
            try:
                return await handle(node, request)
            except StoreUnavailableError:
                raise HTTPException(
                    HTTPStatus.SERVICE_UNAVAILABLE, "the call database does not answer"
                ) from None
        if token is not None:
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED, "a bearer token is needed", {"WWW-Authenticate": "Bearer"}
            )
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "the API answers this machine only until TM_API_TOKEN is set"
        )

    return endpoint
