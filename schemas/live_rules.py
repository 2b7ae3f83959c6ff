"""Rules about an agent's voice where its model is GPT-Live, which hears and speaks at the same time.

It decides by itself when a turn is over and whether the caller interrupts it, so nothing of that can be
declared. Tools are used by a text model that it delegates to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas import codes
from schemas.places import Diagnostic
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.voice import DEFAULT_DELEGATE, REALTIME_VOICES, Voice

# OpenAI GPT-Live: the voices that session.audio.output.voice takes by name, beside those of Realtime.
_MORE_VOICES: Final = (
    "beacon", "bossa", "cinder", "delta", "gleam", "meridian", "quartz",
    "ripple", "shida", "stone", "tempo", "vesper", "willow",
)  # fmt: skip
LIVE_VOICES: Final = (*REALTIME_VOICES, *_MORE_VOICES)
# What the model decides by itself, or does not have.
_NOT_LIVE: Final = ("turn_detection", "noise_reduction", "speed", "language")


def is_live(model: str) -> bool:
    """Tell whether a model is spoken with over OpenAI's Live API and not over Realtime."""
    return model == "gpt-live" or model.startswith("gpt-live-")


def check_live(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is declared of a GPT-Live model's voice and could not happen."""
    if voice.name not in LIVE_VOICES:
        hint = did_you_mean(voice.name, LIVE_VOICES) or f"; they are {listed(LIVE_VOICES, 'and')}"
        yield _error(f'there is no GPT-Live voice "{voice.name}"{hint}', "name", source)
    for name in (name for name in _NOT_LIVE if name in voice.model_fields_set):
        yield _error(f"{name} is for Realtime models; {voice.model} decides that by itself", name, source)
    if voice.interrupt != "always":
        message = f"{voice.model} can always be interrupted: it decides by itself when to listen"
        yield _error(message, "interrupt", source)


def check_not_live(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is declared for GPT-Live of a voice with another model."""
    if voice.delegate != DEFAULT_DELEGATE:
        yield _error(
            f"delegate is for GPT-Live; {voice.model} uses the agent's tools itself", "delegate", source
        )


def _error(message: str, field: str, source: SourceMap) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, source.place_of(("voice", field)))
