"""Hold recordings for `<Play>`, from memory."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.node import Node

# The address is the content: it never changes.
_FOR_EVER = "public, max-age=31536000, immutable"


def media_routes(node: Node) -> list[Route]:
    """Return the route of hold recordings. Twilio: GET, by itself and without a signature to rely on."""

    async def endpoint(request: Request) -> Response:
        recording = node.media.find(request.path_params["sha256"], request.path_params["name"])
        if recording is None:
            return Response("Not Found", status_code=HTTPStatus.NOT_FOUND, media_type="text/plain")
        headers = {"ETag": f'"{recording.sha256}"', "Cache-Control": _FOR_EVER}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(recording.content, media_type=recording.content_type, headers=headers)

    return [Route("/media/{sha256}/{name}", endpoint, methods=["GET"])]
