"""`Hold`: what a caller hears until the agent speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import Name, Text, choice

StrategyName = Literal[
    "none", "text", "audio", "music", "audio_then_music", "text_then_music", "voice_over_music"
]

# The fields that each strategy cannot do without.
NEEDED_FIELDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "text": ("text",),
    "audio": ("audio",),
    "music": ("music",),
    "audio_then_music": ("audio", "music"),
    "text_then_music": ("text", "music"),
    "voice_over_music": ("audio", "music"),
}

# Twilio: the types that <Play> takes, by the endings that a Hold may name.
MEDIA_TYPES = {".mp3": "audio/mpeg", ".wav": "audio/wav"}


class Hold(Declared):
    """What a caller hears until the agent is ready: words, a recording, music, or some of each."""

    name: Name | None = None
    """How agents refer to it; an inline hold has none."""
    strategy: Annotated[StrategyName, choice(StrategyName)]
    """What is played, and in which order."""
    text: Annotated[str, Field(min_length=1, max_length=3000)] | None = None
    """Words that are spoken to their end before the agent speaks, SSML allowed. At most 3000 characters."""
    voice: Text | None = None
    """Twilio's voice for the text, such as Polly.Joanna."""
    audio: Path | None = None
    """A recording, heard once: MP3 or WAV, mono, at most 10 MB; the path is relative to the YAML file."""
    music: Path | None = None
    """Music, repeated: MP3 or WAV, mono, at most 10 MB; the path is relative to the YAML file."""
    timeout: Annotated[float, Field(ge=1, le=120)] = 20
    """How long a caller is kept waiting for the agent, in seconds; then the fallback message is spoken."""

    @property
    def recordings(self) -> tuple[Path, ...]:
        """The files that the strategy plays: its recording, then its music."""
        played = NEEDED_FIELDS[self.strategy]
        files = (self.audio if "audio" in played else None, self.music if "music" in played else None)
        return tuple(file for file in files if file is not None)
