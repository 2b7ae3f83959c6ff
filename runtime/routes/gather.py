"""Twilio's requests within a call in gather mode: what the caller did, and what they are about to have said.

`n` in the query is the number of the step that the request follows, `goes_on` tells that the caller had no
turn in it; the signature covers both.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.call.text.text_events import CallerSaid, CallerTurn, CallerTyped
from runtime.gather.documents import GOES_ON
from runtime.node import Node
from runtime.routes.voice import as_twiml, check_webhook
from runtime.signature import Parameters
from runtime.webhook import NotAWebhookError, VoiceWebhook

MOST_DIGITS_IN_STEP = 9
MOST_CHARACTERS = 4_000


def gather_routes(node: Node) -> list[Route]:
    """Return the routes of gather mode, for Twilio alone."""

    async def turn(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        webhook, number, turn = _read(parameters), _number(request), _turn(parameters)
        goes_on = GOES_ON in request.query_params
        return as_twiml(await node.gather.turn(agent, webhook, number, turn, goes_on=goes_on))

    async def partial(request: Request) -> Response:
        agent, parameters = await check_webhook(node, request)
        words = _overheard(parameters)
        if words:
            node.gather.overhear(agent, _read(parameters), _number(request), words)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return [
        Route("/voice/{agent}/turn", turn, methods=["GET", "POST"]),
        Route("/voice/{agent}/partial", partial, methods=["GET", "POST"]),
    ]


def _turn(parameters: Parameters) -> CallerTurn | None:
    """Return what the caller did, None for nothing. Twilio: the first kind of input wins, keys or speech."""
    keys = parameters.get("Digits", "")[:MOST_CHARACTERS]
    if keys:
        return CallerTyped(keys, parameters.get("FinishedOnKey") or None)
    words = parameters.get("SpeechResult", "").strip()[:MOST_CHARACTERS]
    return CallerSaid(words, _confidence(parameters.get("Confidence", ""))) if words else None


def _confidence(text: str) -> float | None:
    """Return the confidence. Twilio: 0.0 to 1.0, or absent."""
    try:
        confidence = float(text)
    except ValueError:
        return None
    return confidence if 0 <= confidence <= 1 else None


def _overheard(parameters: Parameters) -> str:
    """Return the caller's words so far. Twilio: a part that is stable, and one that may change."""
    stable = parameters.get("StableSpeechResult", "").strip()
    unstable = parameters.get("UnstableSpeechResult", "").strip()
    if unstable.casefold().startswith(stable.casefold()):
        return unstable[:MOST_CHARACTERS]
    return f"{stable} {unstable}".strip()[:MOST_CHARACTERS]


def _number(request: Request) -> int:
    number = request.query_params.get("n", "")
    if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS_IN_STEP):
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    return int(number)


def _read(parameters: Parameters) -> VoiceWebhook:
    try:
        return VoiceWebhook.read(parameters)
    except NotAWebhookError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
