"""Tokens: roughly what OpenAI counts, exactly repeatable.

OpenAI's rule of thumb: one token per 100 ms of the caller's sound and per 50 ms of the agent's; text
is counted as one token per four characters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sandbox.model import server_events as tell
from sandbox.model.items import Entry, FunctionCall, InputText, Item, Message, OutputAudio, OutputText
from sandbox.model.response_object import CachedTokens, InputTokens, OutputTokens, Usage

_AUDIO_IN_MS = 100
_AUDIO_OUT_MS = 50
_TEXT_CHARACTERS = 4


def input_tokens(instructions: str, entries: Iterable[Entry], before: InputTokens | None) -> InputTokens:
    """Count the conversation that a response is given; what the last response was given is cached."""
    entries = tuple(entries)
    audio = sum(_audio_in(entry) for entry in entries)
    text = _text_tokens(instructions) + sum(_text_tokens(_text_of(entry.item)) for entry in entries)
    cached = CachedTokens(
        text_tokens=min(text, before.text_tokens) if before else 0,
        audio_tokens=min(audio, before.audio_tokens) if before else 0,
    )
    return InputTokens(
        text_tokens=text,
        audio_tokens=audio,
        cached_tokens=cached.text_tokens + cached.audio_tokens,
        cached_tokens_details=cached,
    )


def usage(given: InputTokens, output: Iterable[Item], *, audio_ms: int) -> Usage:
    """Count one response."""
    said = OutputTokens(
        text_tokens=sum(_text_tokens(_text_of(item)) for item in output),
        audio_tokens=math.ceil(audio_ms / _AUDIO_OUT_MS),
    )
    tokens_in = given.text_tokens + given.audio_tokens
    tokens_out = said.text_tokens + said.audio_tokens
    return Usage(
        total_tokens=tokens_in + tokens_out,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        input_token_details=given,
        output_token_details=said,
    )


def transcription_usage(audio_ms: int, transcript: str) -> tell.TranscriptionUsage:
    """Count one transcription."""
    given, written = math.ceil(audio_ms / _AUDIO_IN_MS), _text_tokens(transcript)
    return tell.TranscriptionUsage(input_tokens=given, output_tokens=written, total_tokens=given + written)


def _audio_in(entry: Entry) -> int:
    by_caller = isinstance(entry.item, Message) and entry.item.role == "user"
    return math.ceil(entry.audio_ms / (_AUDIO_IN_MS if by_caller else _AUDIO_OUT_MS))


def _text_of(item: Item) -> str:
    if isinstance(item, Message):
        return "".join(_words_of(part) for part in item.content)
    return item.arguments if isinstance(item, FunctionCall) else item.output


def _words_of(part: object) -> str:
    if isinstance(part, InputText | OutputText):
        return part.text
    return (part.transcript or "") if isinstance(part, OutputAudio) else ""


def _text_tokens(text: str) -> int:
    return math.ceil(len(text) / _TEXT_CHARACTERS)
