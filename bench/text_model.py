"""A text model that answers at once: an HTTP server of the Responses API that costs almost nothing.

It keeps connections open and answers each request with an event stream of a few words. When a request has
come in whole, and when its first words leave, is known for each call.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Final, cast

WORDS: Final = ("Yes", ", we", " have", " a table", " for", " you", " at eight", ".")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CALL: Final = re.compile(rb"call (\d+) asks")


def _event(event_type: str, **fields: object) -> bytes:
    data = json.dumps({"type": event_type, **fields})
    return f"event: {event_type}\ndata: {data}\n\n".encode()


def _answer() -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    usage = {"input_tokens": 100, "output_tokens": len(WORDS), "total_tokens": 100 + len(WORDS)}
    body = b"".join(
        (
            *(_event("response.output_text.delta", **place, delta=word) for word in WORDS),
            _event("response.completed", response={"id": "resp_1", "usage": usage}),
        )
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


ANSWER: Final = _answer()


@dataclass
class TextModel:
    """Moments of `time.perf_counter` at which the last request of each call, by number, was there whole."""

    asked_at: dict[int, float] = field(default_factory=dict)

    def protocol(self) -> asyncio.Protocol:
        """Return what serves one connection."""
        return _Connection(self)


class _Connection(asyncio.Protocol):
    def __init__(self, model: TextModel) -> None:
        self._model = model
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        calls = _CALL.findall(body)
        if calls:
            self._model.asked_at[int(calls[-1])] = time.perf_counter()
        assert self._transport is not None
        self._transport.write(ANSWER)
