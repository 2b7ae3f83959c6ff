"""Reading requests that may come from anybody: bounded in size and time, and only then checked."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request

from runtime.signature import Parameters

# Twilio: a webhook's parameters are a few kilobytes.
LARGEST_BODY = 64 * 1024
BODY_SECONDS = 10.0
# For answers to requests whose body is not read to its end: nobody is to keep the connection by sending on.
NOT_READ = {"Connection": "close"}


async def read_parameters(request: Request) -> Parameters:
    """Return the form fields of a POST; nothing for other methods, whose parameters are in the URL.

    Raises HTTPException: 413 for a body over 64 kB, 408 for one that takes over 10 s, 400 for one whose
    sender went away.
    """
    if request.method != "POST":
        return Parameters()
    return Parameters((await read_body(request)).decode("utf-8", "replace"))


async def read_body(request: Request) -> bytes:
    """Return the body of a request. Raises HTTPException as `read_parameters` does."""
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()) or int(declared) > LARGEST_BODY:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers=NOT_READ)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers=NOT_READ)
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, headers=NOT_READ) from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, headers=NOT_READ) from None
    return bytes(body)


def raw_path(connection: HTTPConnection) -> str:
    """Return the path as it was sent, percent-encoding untouched: what Twilio signs."""
    raw: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def raw_query(connection: HTTPConnection) -> str:
    """Return the query as it was sent, without the question mark."""
    query: bytes = connection.scope["query_string"]
    return query.decode("latin-1")
