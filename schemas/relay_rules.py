"""Rules about the settings of ConversationRelay: each goes with some voices, recognisers and modes only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas import codes
from schemas.language_rules import unresolved_fields
from schemas.places import Diagnostic
from schemas.source import SourceMap
from schemas.voice import Voice

# Settings that one provider of voices or recognisers has: how its names begin, and what it is called.
_BELONGS_TO: Final = {
    "smart_format": ("speech_model", "deepgram_", "a recogniser of Deepgram"),
    "eot_threshold": ("speech_model", "deepgram_flux", "Deepgram's recogniser flux"),
    "text_normalization": ("name", "ElevenLabs.", "a voice of ElevenLabs"),
}
_OF_INTERRUPTIONS: Final = ("interrupt_by", "interrupt_sensitivity", "ignore_backchannel")


def check_relay_settings(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what of the settings has no effect as the rest of the voice is declared."""
    settings = voice.relay
    if settings is None:
        return
    if voice.mode != "relay":
        yield _error(f"relay is for voice mode relay; {voice.mode} has none", source, "relay")
        return
    unresolved = unresolved_fields(voice, source)
    for name, (field, start, owner) in _BELONGS_TO.items():
        wrong = field not in unresolved and not (getattr(voice, field) or "").startswith(start)
        if wrong and getattr(settings, name) is not None:
            yield _error(f"{name} is a setting of {owner}", source, "relay", name)
    if voice.interrupt == "never":
        for name in _OF_INTERRUPTIONS:
            if getattr(settings, name) is not None:
                yield _error(f"{name} means nothing where interrupt is never", source, "relay", name)


def _error(message: str, source: SourceMap, *steps: str) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, source.place_of(("voice", *steps)))
