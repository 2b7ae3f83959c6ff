"""Is the process alive, does it want calls, and how does it do?"""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from runtime.access import may_use_api
from runtime.figures import metrics
from runtime.node import Node


def health_routes(node: Node) -> list[Route]:
    """Return the routes.

    `/healthz` is 200 while the process lives, `/readyz` 503 before and after serving; `/metrics` names agents
    and counts calls, so it is for those who may use the API.
    """

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        if node.calls.draining:
            return PlainTextResponse("draining\n", HTTPStatus.SERVICE_UNAVAILABLE)
        if not node.ready:
            return PlainTextResponse("starting\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready\n")

    async def figures(request: Request) -> Response:
        peer = request.client.host if request.client else None
        if not may_use_api(node.settings.api_token, peer, request.headers):
            raise HTTPException(HTTPStatus.FORBIDDEN)
        return Response(node.metrics.text(), media_type=metrics.CONTENT_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", figures, methods=["GET"]),
    ]
