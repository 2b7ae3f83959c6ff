"""The JSON API of calls that are placed: ordering one, and what Twilio tells of it until it is answered."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.node import Node
from runtime.outbound.dial_desk import NotNowError
from runtime.outbound.ordering import BadOrderError, UnknownAgentError, read_request
from runtime.outbound.orders import DialRefused
from runtime.outbound.outcome import is_account_trouble
from runtime.routes.api import allowed
from runtime.routes.requests import read_body
from runtime.twilio_api import TwilioApiError


def outbound_routes(node: Node) -> list[Route]:
    """Return the routes."""
    return [
        Route("/api/calls", allowed(node, place_call), methods=["POST"]),
        Route("/api/calls/{id}/dial", allowed(node, show_dial), methods=["GET"]),
    ]


async def place_call(node: Node, request: Request) -> Response:
    """Place a call and answer 201 with its record; what nobody is called for is told in words.

    404 for an unknown agent, 422 for what is wrong with the order, 429 when the agent has all its calls, 502
    where Twilio does not place it for reasons of the account's or its own.
    """
    try:
        call_id = await node.dials.order(read_request(await read_body(request)))
    except UnknownAgentError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    except BadOrderError as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except NotNowError as error:
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, str(error)) from None
    except DialRefused as error:
        theirs = error.permanent and not is_account_trouble(error)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if theirs else HTTPStatus.BAD_GATEWAY
        raise HTTPException(status, error.message) from None
    except TwilioApiError as error:
        words = f"nobody knows whether there is a call: {error}"
        raise HTTPException(HTTPStatus.BAD_GATEWAY, words) from None
    return JSONResponse(await node.store.find(call_id), HTTPStatus.CREATED)


async def show_dial(node: Node, request: Request) -> Response:
    """Answer how a placed call stands in Twilio's eyes: `{status, answered_by, sip_code, error_code}`."""
    facts = await node.dials.progress(request.path_params["id"])
    if facts is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such call that was placed")
    return JSONResponse(
        {
            "status": facts.status,
            "answered_by": facts.answered_by,
            "sip_code": facts.sip_code,
            "error_code": facts.error_code,
        }
    )
