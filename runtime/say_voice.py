"""Who speaks what Twilio says in an agent's place: its announcement, its last words, its fallback.

Twilio: `<Say>` has voices of Polly and Google, and basic ones; with a language alone it chooses one that
speaks it. It takes languages with their country only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.voice import ANY_LANGUAGE, DEFAULT_LANGUAGE
from schemas.voices.table import base_language, voice_table, voices_for

if TYPE_CHECKING:
    from schemas import Agent


@dataclass(frozen=True, slots=True)
class SayVoice:
    """A voice and a language of `<Say>`; None is Twilio's own choice."""

    name: str | None = None
    language: str | None = None


ANY_VOICE: Final = SayVoice()


def say_voice(agent: Agent) -> SayVoice:
    """Return the agent's own voice, where it is one of `<Say>`'s, and the language that it speaks."""
    voice = agent.voice
    if voice.mode == "gather":
        return SayVoice(voice.name, voice.language)
    language = _with_country(voice.language)
    speaks = voice.mode == "relay" and voice.name in voices_for(language or DEFAULT_LANGUAGE)
    return SayVoice(voice.name if speaks else None, language)


def _with_country(language: str | None) -> str | None:
    """Return a language as it is spoken in one country, the one that has its name if there is such a one."""
    if language == ANY_LANGUAGE:
        return None
    if language is None or "-" in language:
        return language
    own = f"{language}-{language.upper()}"
    known = [each for each in voice_table().voices if base_language(each) == language and "-" in each]
    return own if own in known else min(known, default=None)
