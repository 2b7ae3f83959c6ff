"""Twilio's requests about a transfer: the person's leg, the conference, its hold music, who has answered.

`transfer` in the query names the transfer, `step` what it is about; the signature covers both. Who has
answered is told of calls that we placed as well: `attempt` names those.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime import twiml
from runtime.call import transfer_steps as ts
from runtime.line import CallLine
from runtime.node import Node
from runtime.routes.voice import as_twiml, check_webhook
from runtime.signature import Parameters
from runtime.webhook import NotAWebhookError, VoiceWebhook
from schemas import Agent

# Twilio: what answering machine detection finds instead of a human; `unknown` may be one.
_MACHINES = ("machine", "fax")


def transfer_routes(node: Node) -> list[Route]:
    """Return the routes of transfers, for Twilio alone."""

    async def conference(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        webhook = _read(parameters)
        if request.query_params.get("step") == "wait":
            return _hold_music(node, agent, webhook, request.query_params)
        run = node.transfers.find(request.query_params.get("transfer", ""))
        event = _event(request.query_params.get("step", ""), webhook, parameters)
        if run is None or webhook.call_sid == run.line.call_sid:  # forgotten, or the caller's own leg
            return as_twiml(twiml.hang_up()) if event is None or _is_question(event) else _noted()
        document = run.step(event) if event is not None else None
        return _noted() if document is None else as_twiml(document)

    async def machine(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        attempt = request.query_params.get("attempt")
        if attempt is not None:
            await node.dials.detect(agent, attempt, _read(parameters).call_sid, *_detected(parameters))
            return _noted()
        run = node.transfers.find(request.query_params.get("transfer", ""))
        leg = _read(parameters).call_sid
        if run is not None and parameters.get("AnsweredBy", "").startswith(_MACHINES):
            run.step(ts.LegIsMachine(leg))
        return _noted()

    return [
        Route("/voice/{agent}/conference", conference, methods=["GET", "POST"]),
        Route("/voice/{agent}/amd", machine, methods=["GET", "POST"]),
    ]


def _event(step: str, webhook: VoiceWebhook, parameters: Mapping[str, str]) -> ts.TransferEvent | None:
    """Return what a request tells of the person's leg, None for what nobody has to know."""
    leg = webhook.call_sid
    match step:
        case "brief":
            return ts.LegAsks(leg)
        case "accept":
            return ts.LegPressed(leg, parameters.get("Digits") or None)
        case "person":
            return ts.LegReports(leg, webhook.status)
        case "room" if parameters.get("StatusCallbackEvent") == "participant-join":
            return ts.LegJoined(leg)
    return None


def _detected(parameters: Mapping[str, str]) -> tuple[str, int]:
    """Return who has answered, and after how many ms that was known."""
    ms = parameters.get("MachineDetectionDuration", "")
    known = ms.isascii() and ms.isdigit() and len(ms) < 10
    return parameters.get("AnsweredBy", "unknown")[:32], int(ms) if known else 0


def _is_question(event: ts.TransferEvent) -> bool:
    return isinstance(event, ts.LegAsks | ts.LegPressed)


def _hold_music(node: Node, agent: Agent, webhook: VoiceWebhook, query: Mapping[str, str]) -> Response:
    until = query.get("until", "")
    if not (until.isascii() and until.isdigit() and len(until) < 12) or not node.transfers.plays_for(agent):
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    line = CallLine(webhook.call_sid, lambda: node.twilio.of_number(agent.name, webhook.called))
    return as_twiml(node.transfers.music(agent, line, query.get("transfer", ""), int(until)))


def _read(parameters: Parameters) -> VoiceWebhook:
    try:
        return VoiceWebhook.read(parameters)
    except NotAWebhookError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None


def _noted() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)
