"""Texts without a voice: `POST /v1/responses`, not streamed, answered with scripted words.

OpenAI: `input` is a text or a list of items; the answer is a response object whose output is one message.
Only what asks for one text is understood; anything else is refused as OpenAI refuses unknown parameters.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from starlette.responses import JSONResponse

from sandbox.model.config import JsonObject, Part
from sandbox.model.refusal import RefusedError, refusal_of


class TextRequest(Part):
    """What is asked for: these fields and no others."""

    model: str
    input: str | list[JsonObject]
    instructions: str | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=16)] | None = None
    store: bool = True
    stream: Literal[False] = False
    temperature: float | None = None
    metadata: dict[str, str] | None = None
    reasoning: JsonObject | None = None


def read_request(body: bytes) -> TextRequest:
    """Return the request. Raises `RefusedError` for one that OpenAI would not take."""
    try:
        return msgspec.json.decode(body, type=TextRequest)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under="") from error
    except msgspec.DecodeError:
        raise RefusedError("invalid_json", "We could not parse the JSON body of your request.") from None


def answer(request: TextRequest, text: str, new_id: Callable[[str], str]) -> JSONResponse:
    """Return the response object with this text."""
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    words, asked = len(text.split()), len(str(request.input).split())
    usage = {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": words,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + words,
    }
    return JSONResponse(
        {
            "id": new_id("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "metadata": request.metadata or {},
            "model": request.model,
            "output": [message],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "store": request.store,
            "usage": usage,
        }
    )
