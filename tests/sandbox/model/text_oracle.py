"""The openai package's own types as a judge of what text models answer, and of any other type of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, Field, TypeAdapter

# What OpenAI sends and the package has no field for.
UNTYPED = {"store", "obfuscation"}

_EVENT: TypeAdapter[object] = TypeAdapter(Annotated[ResponseStreamEvent, Field(discriminator="type")])
_RESPONSE: TypeAdapter[object] = TypeAdapter(Response)
_CHUNK: TypeAdapter[object] = TypeAdapter(ChatCompletionChunk)
_COMPLETION: TypeAdapter[object] = TypeAdapter(ChatCompletion)


def judge(adapter: TypeAdapter[object], value: object) -> None:
    """Raise when a value has a missing, wrong or invented field."""
    invented = set(_extras(adapter.validate_python(value))) - UNTYPED
    assert not invented, invented


def judge_response(value: object) -> None:
    judge(_RESPONSE, value)


def judge_completion(value: object) -> None:
    judge(_COMPLETION, value)


def judge_chunk(value: object) -> None:
    judge(_CHUNK, value)


def judge_response_event(value: object) -> None:
    judge(_EVENT, value)


def _extras(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name))
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _extras(element)
