"""What OpenAI Realtime says that it counted, as a call's usage."""

from __future__ import annotations

from runtime.call.usage import Usage
from runtime.engines.realtime_wire import Tokens, TokenUsage

_NONE = Tokens()


def response_usage(told: TokenUsage | None) -> Usage | None:
    """Return the usage of a response; cached tokens are among its input tokens."""
    if told is None:
        return None
    given, said = told.input_token_details or _NONE, told.output_token_details or _NONE
    cached = given.cached_tokens_details or _NONE
    return Usage(
        text_in=given.text_tokens,
        text_cached=cached.text_tokens,
        audio_in=given.audio_tokens,
        audio_cached=cached.audio_tokens,
        text_out=said.text_tokens,
        audio_out=said.audio_tokens,
    )


def transcription_usage(told: TokenUsage | None) -> Usage | None:
    """Return the usage of a transcription: tokens, or seconds where the model is billed by time."""
    if told is None:
        return None
    return Usage(
        transcription_in=told.input_tokens,
        transcription_out=told.output_tokens,
        transcribed_seconds=told.seconds,
    )
