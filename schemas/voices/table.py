"""Looks voices and languages up. The table is read at the first question: most agents never ask one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from schemas.suggestions import did_you_mean

FILE: Final = Path(__file__).with_name("table.json")

# Twilio: the voices of <Say> that belong to no provider; they speak whatever language is asked for.
BASIC_VOICES: Final = ("man", "woman", "alice")
# Twilio: ConversationRelay's own choice of a Google voice, which <Say> does not list.
_RELAY_VOICES: Final = {"Google.en-US-Journey-O": ("en-US",)}

# One language under the names that its providers give it.
_SAME: Final = {
    "zh": "cmn-CN",
    "zh-CN": "cmn-CN",
    "cmn-Hans-CN": "cmn-CN",
    "zh-TW": "cmn-TW",
    "cmn-Hant-TW": "cmn-TW",
    "zh-HK": "yue-HK",
    "yue-CN": "yue-HK",
    "yue-Hant-HK": "yue-HK",
    "pa-guru-IN": "pa-IN",
}


@dataclass(frozen=True, slots=True)
class VoiceTable:
    """What Twilio had on a day."""

    as_of: str
    """The day, such as 2026-11-21."""
    heard: frozenset[str]
    """The languages that <Gather> recognises."""
    languages: Mapping[str, tuple[str, ...]]
    """What each voice speaks, by its name with its provider, such as `Polly.Vicki-Neural`."""
    voices: Mapping[str, tuple[str, ...]]
    """The voices of each language, by the language's own name."""


@cache
def voice_table() -> VoiceTable:
    """Return the table that `schemas.voices.make` has written."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    languages: dict[str, tuple[str, ...]] = dict(_RELAY_VOICES)
    voices: dict[str, list[str]] = defaultdict(list)
    for provider, by_language in written["voices"].items():
        for language, names in by_language.items():
            for name in names:
                full = f"{provider}.{name}"
                languages[full] = (*languages.get(full, ()), language)
                voices[_own_name(language)].append(full)
    every = {language: tuple(names) for language, names in voices.items()}
    return VoiceTable(written["as_of"], frozenset(written["heard"]), languages, every)


def is_listed(voice: str) -> bool:
    """Tell whether the table has a voice of Polly's or Google's, or it is a basic one."""
    return voice in BASIC_VOICES or voice in voice_table().languages


def languages_of(voice: str) -> tuple[str, ...]:
    """Return the languages that a voice speaks; none when that is not known, or it speaks any."""
    listed = voice_table().languages.get(voice)
    if listed is None and voice.startswith("Google."):
        words = voice.removeprefix("Google.").split("-")
        return (f"{words[0]}-{words[1].upper()}",) if len(words) > 2 else ()
    return listed or ()


def voices_for(language: str) -> tuple[str, ...]:
    """Return the voices that speak a language, with their providers."""
    return voice_table().voices.get(_own_name(language), ())


def is_known_language(language: str) -> bool:
    """Tell whether Twilio hears a language, or has a voice for it."""
    return language in voice_table().heard or bool(voices_for(language))


def is_same_language(one: str, other: str) -> bool:
    """Tell whether two names are of one language, as it is spoken in one country."""
    return _own_name(one) == _own_name(other)


def base_language(language: str) -> str:
    """Return a language without its country: `de` of de-AT."""
    return _own_name(language).partition("-")[0]


def similar_voice(voice: str, language: str) -> str | None:
    """Return a voice for a language, of the provider and the kind that `voice` is of where there is one."""
    provider, kind = _kind(voice)

    def likeness(candidate: str) -> tuple[bool, bool]:
        its_provider, its_kind = _kind(candidate)
        return its_provider == provider, its_kind == kind

    return max(voices_for(language), key=likeness, default=None)


def voice_in(language: str, voice: str) -> str | None:
    """Return who speaks a language for an agent of that voice: the voice itself, or one like it.

    Returns None where no voice is known to speak it. The voices of ElevenLabs speak whatever they are given.
    """
    speaks_it = any(is_same_language(spoken, language) for spoken in languages_of(voice))
    return voice if speaks_it or voice.startswith("ElevenLabs.") else similar_voice(voice, language)


def _kind(voice: str) -> tuple[str, str]:
    """Return a voice's provider and kind: Neural, Generative, Wavenet, …"""
    provider, _, name = voice.partition(".")
    words = name.split("-")
    place = 2 if provider == "Google" else 1
    return provider, words[place] if len(words) > place else ""


@cache
def voice_hint(voice: str) -> str:
    """Return `; did you mean "…"?` for the listed voice that is nearest, or nothing when none is near."""
    table = voice_table()
    if voice in BASIC_VOICES:
        return ""
    provider, has_provider, _ = voice.partition(".")
    if not has_provider:
        return did_you_mean(f"Polly.{voice}", (name for name in table.languages if name.startswith("Polly.")))
    # Within the language that a Google voice names, its voices; hundreds of others are as near.
    near = {name for language in languages_of(voice) for name in voices_for(language)}
    candidates = near or table.languages
    return did_you_mean(voice, (name for name in candidates if name.startswith(f"{provider}.")))


@cache
def language_hint(language: str) -> str:
    """Return `; did you mean "…"?` for the known language that is nearest, or nothing when none is near."""
    table = voice_table()
    return did_you_mean(language, sorted(table.heard | table.voices.keys()))


def _own_name(language: str) -> str:
    """Return the one name of a language that has several; Arabic is one, wherever it is spoken."""
    is_arabic = language == "arb" or language.startswith("ar-")
    return "ar" if is_arabic else _SAME.get(language, language)
