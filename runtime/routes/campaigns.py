"""The JSON API of campaigns: how far they are, and leads for them from other systems."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.node import Node
from runtime.routes.api import allowed
from runtime.routes.requests import read_body
from schemas.errors import TmError
from schemas.leads_file import Row, json_row

# As JSON that is not escaped has them. PostgreSQL: text has no NUL.
_UNSTORABLE: Final = re.compile(r"[\ud800-\udfff]|(?<!\\)(?:\\\\)*\\u0000")


def campaign_routes(node: Node) -> list[Route]:
    """Return the routes."""
    return [
        Route("/api/campaigns", allowed(node, list_campaigns), methods=["GET"]),
        Route("/api/campaigns/{name}/leads", allowed(node, add_leads), methods=["POST"]),
    ]


async def list_campaigns(node: Node, _request: Request) -> Response:
    """Answer `{"campaigns": […]}`: of each whether it goes on, and its leads by state and outcome."""
    try:
        standing = await node.campaigns.standing()
    except SQLAlchemyError:
        raise _unavailable() from None
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "state": status.state if status else None,
            "reason": status.reason if status else None,
            "states": dict(progress.states),
            "outcomes": dict(progress.outcomes),
            "calls": progress.calls,
            "calls_last_minute": progress.calls_last_minute,
        }
        for name, (status, progress) in standing.items()
    ]
    return JSONResponse({"campaigns": rows})


async def add_leads(node: Node, request: Request) -> Response:
    """Add `{"leads": [{"number": …, …}]}` to a campaign; those that it knows already stay as they are.

    Answers `{"added", "known", "refused": [{"index", "reason", "detail"}]}`. Nobody is called before
    the campaign runs. 404 for a campaign that is not declared, 422 for a body that is no list of leads.
    """
    name = request.path_params["name"]
    if name not in node.fleet.campaigns:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such campaign")
    rows = leads_in(await read_body(request))
    try:
        added, refused = await node.campaigns.add(name, rows)
    except SQLAlchemyError:
        raise _unavailable() from None
    except TmError as error:
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, error.message) from None
    told = [{"index": each.line, "reason": each.reason, "detail": each.detail} for each in refused]
    return JSONResponse({"added": added.new, "known": added.known, "refused": told})


def leads_in(body: bytes) -> Sequence[Row]:
    """Return the rows of the body, counted from 0. Raises HTTPException: 422."""
    try:
        written = json.loads(body)
        text = json.dumps(written, ensure_ascii=False)
    except (ValueError, RecursionError):
        written, text = None, ""
    if not isinstance(written, dict) or not isinstance(written.get("leads"), list):
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            'the body is JSON such as {"leads": [{"number": "+14155550123"}]}',
        )
    if _UNSTORABLE.search(text):
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the leads have a NUL or half of a surrogate pair, which no database keeps",
        )
    return [json_row(index, each) for index, each in enumerate(written["leads"])]


def _unavailable() -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the call database does not answer")
