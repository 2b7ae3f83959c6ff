"""Rules about the languages that Twilio speaks and hears for an agent, and the words it is to expect."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import codes
from schemas.places import Diagnostic, Place
from schemas.references import has_reference
from schemas.relay_voices import (
    RECOGNISERS,
    VOICE_PROVIDERS,
    relay_hears_all_languages,
    relay_recogniser,
    relay_voice,
)
from schemas.source import SourceMap
from schemas.suggestions import listed
from schemas.voice import ANY_LANGUAGE, DEFAULT_LANGUAGE, SpokenLanguage, Voice

FieldPath = tuple[str | int, ...]


def check_languages(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is wrong with the languages and hints of an agent whose words Twilio speaks and hears."""
    yield from _check_hints(voice, source)
    yield from _check_main_language(voice, source)
    if voice.mode == "relay":
        yield from _check_relay_speech(voice, source, ("voice",))
        yield from _check_further_languages(voice, source)
    elif voice.languages:
        message = "languages are for voice mode relay; gather hears and speaks one language"
        yield _error(message, source.place_of(("voice", "languages")))


def _check_hints(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Refuse a hint with a comma: Twilio takes hints as one text, with commas between them."""
    for index, hint in enumerate(voice.hints):
        if "," in hint:
            message = "a hint has no comma, which would make two of it; write each as an entry of its own"
            yield _error(message, source.place_of(("voice", "hints", index)))


def _check_main_language(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    language = voice.language
    if language is None or has_reference(language):
        return
    place = source.place_of(("voice", "language"))
    if language == ANY_LANGUAGE:
        if voice.mode == "gather":
            yield _error(f"language {ANY_LANGUAGE} is for voice mode relay; gather hears one language", place)
        elif not relay_hears_all_languages(voice.name, voice.speech_model or ""):
            message = (
                f"language {ANY_LANGUAGE} needs a voice of ElevenLabs and the recogniser "
                "deepgram_nova-3-general or deepgram_nova-2-general"
            )
            yield _error(message, place)
    elif "-" not in language:
        message = f"voice mode {voice.mode} needs a language with its country, such as de-DE; got {language}"
        yield _error(message, place)


def _check_further_languages(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    for language, spoken in voice.languages.items():
        path = ("voice", "languages", language)
        if language in (voice.language or DEFAULT_LANGUAGE, ANY_LANGUAGE) or "-" not in language:
            message = f"languages are further ones, with their country, such as de-DE; got {language}"
            yield _error(message, source.place_of(path))
        yield from _check_relay_speech(spoken, source, path)


def _check_relay_speech(
    spoken: Voice | SpokenLanguage, source: SourceMap, path: FieldPath
) -> Iterator[Diagnostic]:
    """Refuse a voice or recogniser that ConversationRelay has not; unresolved ones are not known here."""
    if spoken.name and not has_reference(spoken.name) and relay_voice(spoken.name) is None:
        forms = listed([f"{provider}.NAME" for provider in VOICE_PROVIDERS], "or")
        message = f'voice mode relay needs a voice such as {forms}; got "{spoken.name}"'
        yield _error(message, source.place_of((*path, "name")))
    speech_model = spoken.speech_model
    if speech_model and not has_reference(speech_model) and relay_recogniser(speech_model) is None:
        forms = listed([f"{provider}_MODEL" for provider in RECOGNISERS], "or")
        message = f'voice mode relay needs a recogniser such as {forms}; got "{speech_model}"'
        yield _error(message, source.place_of((*path, "speech_model")))


def _error(message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, place)
