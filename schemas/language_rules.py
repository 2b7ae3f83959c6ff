"""Rules about the languages that Twilio speaks and hears for an agent, and the words it is to expect."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from schemas import codes
from schemas.places import Diagnostic, Place
from schemas.relay_voices import relay_hears_all_languages
from schemas.source import Reference, SourceMap
from schemas.suggestions import listed
from schemas.voice import ANY_LANGUAGE, DEFAULT_LANGUAGE, Voice
from schemas.voice_names import (
    check_gather_recogniser,
    check_relay_recogniser,
    check_relay_voice,
    check_say_voice,
    not_listed,
)
from schemas.voices.table import (
    base_language,
    is_known_language,
    is_same_language,
    language_hint,
    languages_of,
    similar_voice,
)

_NOT_WRITTEN: Final = frozenset({"Cc", "Cs"})  # Unicode: controls, and halves of characters


def check_languages(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is wrong with how Twilio is to speak and hear for an agent."""
    name = source.place_of(("voice", "name"))
    speech_model = source.place_of(("voice", "speech_model"))
    unresolved = unresolved_fields(voice, source)
    yield from _check_hints(voice, source)
    if "language" not in unresolved:
        yield from _check_main_language(voice, source, unresolved)
    if voice.mode == "relay":
        yield from check_relay_voice(voice.name, name)
        yield from check_relay_recogniser(voice.speech_model, speech_model)
        main = None if "language" in unresolved else voice.language or DEFAULT_LANGUAGE
        yield from _check_further_languages(voice, main, source)
    else:
        yield from check_say_voice(voice.name, name)
        yield from check_gather_recogniser(voice.speech_model, speech_model)
        if voice.languages:
            message = "languages are for voice mode relay; gather hears and speaks one language"
            yield _error(message, source.place_of(("voice", "languages")))


def unresolved_fields(voice: Voice, source: SourceMap) -> frozenset[str]:
    """Return the fields whose references point to nothing here: `voice` has defaults in their place."""
    written = (name for name in Voice.model_fields if isinstance(source.value_of(("voice", name)), Reference))
    return frozenset(name for name in written if name not in voice.model_fields_set)


def _check_hints(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Refuse a hint that cannot be sent: Twilio takes hints as one text of XML, with commas between them."""
    for index, hint in enumerate(voice.hints):
        place = source.place_of(("voice", "hints", index))
        if "," in hint:
            message = "a hint has no comma, which would make two of it; write each as an entry of its own"
            yield _error(message, place)
        if any(unicodedata.category(character) in _NOT_WRITTEN for character in hint):
            yield _error("a hint has no control characters, such as the end of a line; write words", place)


def _check_main_language(voice: Voice, source: SourceMap, unresolved: frozenset[str]) -> Iterator[Diagnostic]:
    language = voice.language
    place = source.place_of(("voice", "language" if language else "name"))
    if language == ANY_LANGUAGE:
        yield from _check_any_language(voice, place, unresolved)
    elif language is not None and "-" not in language:
        message = f"voice mode {voice.mode} needs a language with its country, such as de-DE; got {language}"
        yield _error(message, place)
    else:
        yield from _check_language(language, None if "name" in unresolved else voice.name, place)


def _check_any_language(voice: Voice, place: Place, unresolved: frozenset[str]) -> Iterator[Diagnostic]:
    if voice.mode == "gather":
        yield _error(f"language {ANY_LANGUAGE} is for voice mode relay; gather hears one language", place)
    elif unresolved.isdisjoint(("name", "speech_model")) and not relay_hears_all_languages(
        voice.name, voice.speech_model or ""
    ):
        recognisers = "deepgram_nova-3-general or deepgram_nova-2-general"
        message = f"language {ANY_LANGUAGE} needs a voice of ElevenLabs and the recogniser {recognisers}"
        yield _error(message, place)


def _check_further_languages(voice: Voice, main: str | None, source: SourceMap) -> Iterator[Diagnostic]:
    for language, spoken in voice.languages.items():
        path = ("voice", "languages", language)
        place = source.place_of(path)
        if language in (main, ANY_LANGUAGE) or "-" not in language:
            message = f"languages are further ones, with their country, such as de-DE; got {language}"
            yield _error(message, place)
        else:
            yield from _check_language(language, spoken.name, place)
        yield from check_relay_voice(spoken.name, source.place_of((*path, "name")))
        yield from check_relay_recogniser(spoken.speech_model, source.place_of((*path, "speech_model")))


def _check_language(language: str | None, name: str | None, place: Place) -> Iterator[Diagnostic]:
    """Warn about a language that is not known, and about a voice that speaks another one.

    Twilio: a voice that does not go with the language may fail the call (`<Say>`: the verb; relay: 64101).
    """
    if language is not None and not is_known_language(language):
        yield not_listed(f'language "{language}"', language_hint(language), place)
    elif name is not None and not _goes_with(name, language or DEFAULT_LANGUAGE):
        yield Diagnostic("warning", codes.OTHER_LANGUAGE, _other_language(name, language), place)


def _other_language(name: str, language: str | None) -> str:
    spoken = listed(languages_of(name), "and")
    if language is None:
        return f"{name} speaks {spoken}, and callers are heard in {DEFAULT_LANGUAGE}; say voice.language"
    better = similar_voice(name, language)
    hint = f"; a voice for it is {better}" if better else ""
    return f"{name} speaks {spoken}, and the language is {language}{hint}"


def _goes_with(name: str, language: str) -> bool:
    """Tell whether a voice speaks a language, or its nearest kin where no voice speaks it."""
    spoken = languages_of(name)
    if not spoken or any(is_same_language(one, language) for one in spoken):
        return True
    is_kin = base_language(language) in map(base_language, spoken)
    return is_kin and similar_voice(name, language) is None


def _error(message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, place)
