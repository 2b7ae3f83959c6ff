"""Voice notes, written down by OpenAI's transcription endpoint, or what speaks it at `OPENAI_BASE_URL`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from runtime.call.usage import Usage
from runtime.engines.realtime_session import TRANSCRIPTION_MODEL

if TYPE_CHECKING:
    from runtime.model.text_line import TextLine

LONGEST_NOTE: Final = 60.0  # s that the endpoint may take
MOST_CHARACTERS: Final = 20_000


class TranscriptionError(Exception):
    """There are no words; the message says why, without content."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, and what writing it down has used."""

    text: str
    usage: Usage


class Transcribe(Protocol):
    """How sound becomes text."""

    async def __call__(self, name: str, sound: bytes, content_type: str) -> Transcript:
        """Return what was said; `name` has the ending of the format. Raises `TranscriptionError`."""


class Transcriber:
    """Asks the endpoint with the client of the text models."""

    def __init__(self, line: TextLine) -> None:
        self._line = line

    async def __call__(self, name: str, sound: bytes, content_type: str) -> Transcript:
        """Return what was said. Raises `TranscriptionError`."""
        from openai import APIStatusError, OpenAIError

        client = self._line.open()
        endpoint = await asyncio.to_thread(lambda: client.audio.transcriptions)  # imported with its first use
        try:
            heard = await endpoint.create(
                model=TRANSCRIPTION_MODEL,
                file=(name, sound, content_type),
                response_format="json",
                timeout=LONGEST_NOTE,
            )
        except APIStatusError as error:
            raise TranscriptionError(f"the endpoint answered {error.status_code}") from None
        except OpenAIError as error:
            raise TranscriptionError(f"it cannot be reached ({type(error).__name__})") from None
        return Transcript(heard.text.strip()[:MOST_CHARACTERS], _usage(heard.usage))


def _usage(told: object) -> Usage:
    """Return what the endpoint has counted: tokens or, of models that are billed by time, seconds."""
    seconds = getattr(told, "seconds", None)
    if isinstance(seconds, int | float):
        return Usage(transcribed_seconds=float(seconds))
    given, written = getattr(told, "input_tokens", 0), getattr(told, "output_tokens", 0)
    return Usage(transcription_in=int(given or 0), transcription_out=int(written or 0))
