"""`GET /api/events`: what happens to this node's calls, as server-sent events."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from runtime.node import Node
from runtime.routes.api import allowed

# A proxy that collects an answer before it hands it on would hand on nothing.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_routes(node: Node) -> list[Route]:
    """Return the route."""
    return [Route("/api/events", allowed(node, listen), methods=["GET"])]


async def listen(node: Node, _request: Request) -> Response:
    """Answer a stream of `event: call` with the record; `event: lagged` ends that of a slow listener."""
    if node.feed.full:
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS, "this node has all the listeners that it has room for"
        )
    return StreamingResponse(node.feed.listen(), headers=_HEADERS, media_type="text/event-stream")
