"""What a call used of its models, counted in their own units: tokens of text and of audio."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the speech model and of the transcription, which is billed on its own.

    The cached tokens are part of the input tokens, as OpenAI counts them. `transcribed_seconds` is what a
    transcription model counts that is billed by time. Tokens of drafts are those of answers that a text model
    began before the caller had finished, and that were thrown away; they are not among the others.
    `session_seconds` is what a speech model counts that is billed for as long as its session is open; the
    text tokens are then those of the model that it delegates to.
    """

    text_in: int = 0
    text_cached: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    text_out: int = 0
    audio_out: int = 0
    transcription_in: int = 0
    transcription_out: int = 0
    transcribed_seconds: float = 0.0
    drafts_in: int = 0
    drafts_out: int = 0
    session_seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    def thrown_away(self) -> Usage:
        """Return the usage of a text that nobody is going to hear."""
        return Usage(drafts_in=self.text_in, drafts_out=self.text_out)
