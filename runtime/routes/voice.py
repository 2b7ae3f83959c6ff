"""Twilio's webhooks: a call, what follows its stream, its status, the fallback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime import twiml
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.events import StatusReported
from runtime.calls import LiveCall
from runtime.node import Node
from runtime.routes.requests import NOT_READ, raw_path, raw_query, read_parameters
from runtime.signature import Parameters
from runtime.webhook import NotAWebhookError, VoiceWebhook
from schemas import Agent

Webhook = Callable[[Node, Agent, VoiceWebhook], Awaitable[Response]]


def voice_routes(node: Node) -> list[Route]:
    """Return the routes; POST is what `tm apply` configures, GET what a person may have chosen."""
    handlers: dict[str, Webhook] = {
        "": take_call,
        "/after": after_stream,
        "/status": take_status,
        "/fallback": take_fallback,
        "/recording": take_recording,
    }
    return [
        Route(f"/voice/{{agent}}{path}", _checked(node, handler), methods=["GET", "POST"])
        for path, handler in handlers.items()
    ]


async def take_call(node: Node, agent: Agent, webhook: VoiceWebhook) -> Response:
    """Answer a new call, or a known one in the same way; or go on with one of ours that was answered."""
    if webhook.attempt is not None:
        answer = await node.dials.answer(agent, webhook)
    elif agent.inbound:
        answer = await node.answer(agent, webhook)
    else:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return as_twiml(answer.twiml, answer.status)


async def after_stream(node: Node, agent: Agent, webhook: VoiceWebhook) -> Response:
    """Connect a caller again whose stream broke; say goodbye after any other, and hang up."""
    return as_twiml(await node.way_back.after(agent, webhook))


async def take_fallback(node: Node, agent: Agent, webhook: VoiceWebhook) -> Response:
    """Speak when nothing else works, unless the caller can go on with the call, or begin it here."""
    chance = await node.dials.second_chance(agent, webhook)
    if chance is not None:
        return as_twiml(chance.twiml)
    return as_twiml(await node.way_back.fallback(agent, webhook))


async def take_recording(node: Node, agent: Agent, webhook: VoiceWebhook) -> Response:
    """Note a recording that Twilio has made, also of a call that is over."""
    if webhook.recording is not None:
        call = _live_call(node, agent, webhook)
        if call is not None:
            call.recordings.append(webhook.recording)
        else:
            node.store.add_recording(webhook.call_sid, agent.name, webhook.recording)

        def keep(path: Path) -> None:
            node.store.add_recording(webhook.call_sid, agent.name, str(path))

        node.downloads.begin(agent, webhook.recording, keep)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def take_status(node: Node, agent: Agent, webhook: VoiceWebhook) -> Response:
    """Note how the call stands in Twilio's eyes, and how long it lasted."""
    call = _live_call(node, agent, webhook)
    if webhook.status in REPORTED_ENDINGS:
        node.calls.settle(webhook.call_sid)
        node.transfers.caller_left(webhook.call_sid)
    if call is not None:
        if webhook.duration_seconds is not None:  # callbacks come in any order, and only the last has it
            call.reported_seconds = webhook.duration_seconds
        call.session.feed(StatusReported(webhook.status))
    elif webhook.duration_seconds is not None:
        node.store.set_duration(webhook.call_sid, webhook.duration_seconds)
    await node.dials.report(agent, webhook)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _live_call(node: Node, agent: Agent, webhook: VoiceWebhook) -> LiveCall | None:
    """Return the live call that the webhook is about; another agent's account cannot touch it."""
    return node.calls.of_agent(webhook.call_sid, agent.name)


def _checked(node: Node, handle: Webhook) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that lets Twilio alone reach the handler."""

    async def endpoint(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        try:
            attempt = request.query_params.get("attempt")
            return await handle(node, agent, VoiceWebhook.read(parameters, attempt))
        except NotAWebhookError:
            raise HTTPException(HTTPStatus.BAD_REQUEST) from None

    return endpoint


async def check_webhook(node: Node, request: Request) -> tuple[Agent, Parameters]:
    """Return the agent and all parameters of a genuine request.

    Raises HTTPException: 403 for a missing or wrong signature, before anything else is told; then 404
    for an agent that does not exist.
    """
    signature = request.headers.get("x-twilio-signature")
    if not signature:
        raise HTTPException(HTTPStatus.FORBIDDEN, headers=NOT_READ)
    body = await read_parameters(request)
    name: str = request.path_params["agent"]
    query = raw_query(request)
    target = f"{raw_path(request)}?{query}" if query else raw_path(request)
    if not node.signatures.request_is_genuine(target, body, signature, node.tokens_of(name)):
        raise HTTPException(HTTPStatus.FORBIDDEN)
    agent = node.fleet.agents.get(name)
    if agent is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return agent, body if request.method == "POST" else request.query_params


def as_twiml(document: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a document as the answer to Twilio."""
    return Response(document, status_code=status, media_type=twiml.CONTENT_TYPE)
