"""Twilio's webhooks of messages, WhatsApp and SMS: what somebody writes, and what becomes of answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime import twiml
from runtime.messages.contact import ContactKey
from runtime.messages.conversation import answers, writes
from runtime.messages.webhook import MessageWebhook, StatusWebhook
from runtime.node import Node
from runtime.routes.voice import as_twiml, check_webhook
from runtime.store import StoreUnavailableError
from runtime.webhook import NotAWebhookError

LONGEST_NAME: Final = 64


def whatsapp_routes(node: Node) -> list[Route]:
    """Return the routes of messages, for Twilio alone."""

    async def take(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        if not writes(agent):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            message = MessageWebhook.read(parameters)
        except NotAWebhookError:
            raise HTTPException(HTTPStatus.BAD_REQUEST) from None
        if not answers(agent, ContactKey(agent.name, message.contact)):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            await node.messages.take(agent, message)
        except StoreUnavailableError:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE) from None
        return as_twiml(twiml.nothing())

    async def report(request: Request) -> Response:
        _, parameters = await check_webhook(node, request)
        name = request.query_params.get("m", "")
        try:
            await node.messages.report(StatusWebhook.read(parameters), name[:LONGEST_NAME] or None)
        except NotAWebhookError:
            raise HTTPException(HTTPStatus.BAD_REQUEST) from None
        except StoreUnavailableError:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE) from None
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return [
        Route("/whatsapp/{agent}", take, methods=["GET", "POST"]),
        Route("/whatsapp/{agent}/status", report, methods=["GET", "POST"]),
    ]
