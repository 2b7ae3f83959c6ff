"""The fields of GPT-Live's server events that a call reads, as structures for one-pass decoding.

What a delegated model does comes as events of the Responses API inside `response.event`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from runtime.engines.realtime_wire import CustomVoice, Format, Item, Problem
from runtime.engines.wire import reader_of


class LiveOutput(msgspec.Struct):
    """How the model sounds."""

    voice: str | CustomVoice | None = None


class LiveAudio(msgspec.Struct):
    """The one format of both ways, and the voice."""

    format: Format | None = None
    output: LiveOutput | None = None


class LiveSession(msgspec.Struct):
    """The session as it was started; `expires_at` (epoch s) is when the server is going to end it."""

    id: str = ""
    audio: LiveAudio | None = None
    expires_at: float | None = None


class LiveProblem(msgspec.Struct):
    """An error; `client_event_id` names the client event that caused it."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    client_event_id: str | None = None


class Seconds(msgspec.Struct):
    """How long the session has lasted so far: cumulative, and what is billed."""

    seconds: float = 0.0


class InputDetails(msgspec.Struct):
    """Of the input tokens, those that were given before."""

    cached_tokens: int = 0


class Tokens(msgspec.Struct):
    """What a delegated response took."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: InputDetails | None = None


class DelegatedResponse(msgspec.Struct):
    """A response of the delegated model, begun or over."""

    id: str = ""
    usage: Tokens | None = None
    error: Problem | None = None


class NestedEvent(msgspec.Struct):
    """An event of the Responses API."""

    type: str = ""
    item: Item | None = None
    response: DelegatedResponse | None = None
    code: str | None = None


class LiveEvent(msgspec.Struct):
    """Any server event: the fields that a call reads of it. Times are ms of the session."""

    type: str
    delta: str = ""
    start_ms: float = 0
    end_ms: float = 0
    reason: str = ""
    delegation_id: str | None = None
    session: LiveSession | None = None
    usage: Seconds | None = None
    event: NestedEvent | None = None
    error: LiveProblem | None = None


read: Final = reader_of(LiveEvent)
