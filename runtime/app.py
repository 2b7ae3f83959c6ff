"""The web application of a node: its routes, and errors in the form that each route's readers expect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from runtime.node import Node
from runtime.routes.api import api_routes
from runtime.routes.campaigns import campaign_routes
from runtime.routes.events import event_routes
from runtime.routes.gather import gather_routes
from runtime.routes.health import health_routes
from runtime.routes.media import media_routes
from runtime.routes.outbound import outbound_routes
from runtime.routes.stream import stream_routes
from runtime.routes.transfer import transfer_routes
from runtime.routes.voice import voice_routes
from runtime.routes.whatsapp import whatsapp_routes


def create_app(node: Node) -> Starlette:
    """Return the ASGI application. Its lifespan runs the node; a server without one runs it itself."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with node.running():
            yield

    app = Starlette(
        routes=[
            *(_webhook_routes(node) if node.role != "outbound" else ()),
            *media_routes(node),
            *campaign_routes(node),
            *api_routes(node),
            *outbound_routes(node),
            *event_routes(node),
            *health_routes(node),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _our_error},
        lifespan=lifespan,
    )
    # A redirect would tell Twilio an address made of the Host header, before any signature is checked.
    app.router.redirect_slashes = False
    return app


def _webhook_routes(node: Node) -> Iterator[BaseRoute]:
    """Yield what Twilio asks for and streams to: a process that only runs campaigns has none of it."""
    yield from voice_routes(node)
    yield from gather_routes(node)
    yield from transfer_routes(node)
    yield from stream_routes(node)
    yield from whatsapp_routes(node)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    if not request.url.path.startswith("/api/"):
        return PlainTextResponse(f"{phrase}\n", error.status_code, error.headers)
    code = phrase.lower().replace(" ", "_")
    return JSONResponse({"error": {"code": code, "message": error.detail}}, error.status_code, error.headers)


async def _our_error(request: Request, _error: Exception) -> Response:
    """An error of ours: the server logs it with its traceback, the sender is not told."""
    return await _http_error(request, HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR))
