"""The fields of OpenAI's Realtime server events that a call reads, as structures for one-pass decoding.

All are optional: which of them an event has depends on its type, and a server may leave out what it does not
know. Reading an audio delta this way takes about a microsecond; the client library's own parsing takes forty.
"""

from __future__ import annotations

from typing import Final

import msgspec

from runtime.engines.wire import reader_of

PCMU: Final = "audio/pcmu"
PCM: Final = "audio/pcm"


class Format(msgspec.Struct):
    """An audio format; PCM is 24 kHz, and `audio/pcmu` has no rate."""

    type: str | None = None
    rate: int | None = None

    @property
    def name(self) -> str | None:
        """The type, and the rate where it is not the usual one of PCM."""
        unusual = self.type == PCM and self.rate not in (None, 24_000)
        return f"{self.type} at {self.rate} Hz" if unusual else self.type


class CustomVoice(msgspec.Struct):
    """A voice that somebody has had made; a server may tell more about it than its id."""

    id: str | None = None


class TurnDetection(msgspec.Struct):
    """When a turn is over, and what the model then does by itself."""

    type: str | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class AudioWay(msgspec.Struct):
    """One direction of the session's audio; `voice` is a name, or an object for a custom voice.

    `turn_detection` null means that there is none; a server that does not echo it leaves it out.
    """

    format: Format | None = None
    voice: str | CustomVoice | None = None
    turn_detection: TurnDetection | msgspec.UnsetType | None = msgspec.UNSET


class SessionAudio(msgspec.Struct):
    """Both directions."""

    input: AudioWay | None = None
    output: AudioWay | None = None


class Session(msgspec.Struct):
    """The echoed configuration; `expires_at` (epoch s) is when the server is going to end the session."""

    audio: SessionAudio | None = None
    expires_at: float | None = None


class Problem(msgspec.Struct):
    """An error, of the session or of a response; `event_id` names the client event that caused it."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    event_id: str | None = None


class StatusDetails(msgspec.Struct):
    """Why a response ended as it did."""

    reason: str | None = None
    error: Problem | None = None


class Tokens(msgspec.Struct):
    """Tokens by kind; `cached_tokens_details` are those of the input that were given before."""

    text_tokens: int = 0
    audio_tokens: int = 0
    cached_tokens_details: Tokens | None = None


class TokenUsage(msgspec.Struct):
    """What a response or a transcription was billed: by tokens, or by `seconds` of audio."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: Tokens | None = None
    output_token_details: Tokens | None = None
    seconds: float = 0.0


class Response(msgspec.Struct):
    """A response, begun or done."""

    id: str | None = None
    status: str | None = None
    status_details: StatusDetails | None = None
    usage: TokenUsage | None = None


class McpError(msgspec.Struct):
    """Why a call of an MCP tool failed; its code is a number or absent."""

    message: str | None = None


class Item(msgspec.Struct):
    """An item of the conversation; calls of functions and MCP tools have a name and arguments (JSON text).

    What came of an MCP tool, which OpenAI calls itself, stands in `output` or `error`.
    """

    type: str | None = None
    status: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    id: str | None = None
    server_label: str | None = None
    output: str | None = None
    error: McpError | None = None


class ServerEvent(msgspec.Struct):
    """Any server event: the fields that a call reads of it."""

    type: str
    response_id: str = ""
    item_id: str = ""
    delta: str = ""
    transcript: str = ""
    audio_start_ms: float = 0
    audio_end_ms: float = 0
    session: Session | None = None
    response: Response | None = None
    item: Item | None = None
    error: Problem | None = None
    usage: TokenUsage | None = None


read: Final = reader_of(ServerEvent)
