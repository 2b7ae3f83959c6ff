"""Rules about the names of Twilio's voices and recognisers.

A provider that a mode does not have is an error: no call would work. A name that the table lacks is a
warning, because Twilio may have it since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from schemas import codes
from schemas.places import Diagnostic, Place
from schemas.relay_voices import RECOGNISERS, VOICE_PROVIDERS, relay_recogniser, relay_voice
from schemas.suggestions import did_you_mean, listed
from schemas.voices.table import BASIC_VOICES, is_listed, voice_hint, voice_table

# Twilio: what <Say> speaks with, besides the basic voices.
_SAY_PROVIDERS = ("Polly", "Google")
# Twilio: what <Gather> hears with, besides the models of Google and Deepgram.
_GATHER_MODELS = (
    "default",
    "numbers_and_commands",
    "phone_call",
    "experimental_conversations",
    "experimental_utterances",
)
_GOOGLE_MODELS = ("googlev2_long", "googlev2_short", "googlev2_telephony", "googlev2_telephony_short")


def check_relay_voice(name: str | None, place: Place) -> Iterator[Diagnostic]:
    """Yield what is wrong with a voice for ConversationRelay."""
    if name is None:
        return
    if relay_voice(name) is None:
        yield _no_such("voice mode relay needs a voice", VOICE_PROVIDERS, name, place)
    elif not name.startswith("ElevenLabs."):
        yield from _check_listed(name, place)


def check_say_voice(name: str | None, place: Place) -> Iterator[Diagnostic]:
    """Yield what is wrong with a voice for `<Say>`."""
    if name is None or name in BASIC_VOICES:
        return
    provider, _, voice = name.partition(".")
    if provider not in _SAY_PROVIDERS or not voice:
        yield _no_such("Twilio's <Say> needs a voice", _SAY_PROVIDERS, name, place)
    else:
        yield from _check_listed(name, place)


def check_relay_recogniser(name: str | None, place: Place) -> Iterator[Diagnostic]:
    """Yield what is wrong with a recogniser for ConversationRelay."""
    if name is None:
        return
    if relay_recogniser(name) is None:
        forms = listed([f"{provider}_MODEL" for provider in RECOGNISERS], "or")
        yield _error(f'voice mode relay needs a recogniser such as {forms}; got "{name}"', place)
    else:
        yield from _check_google_model(name, place)


def check_gather_recogniser(name: str | None, place: Place) -> Iterator[Diagnostic]:
    """Yield what is wrong with a recogniser for `<Gather>`."""
    if name is None or name in _GATHER_MODELS:
        return
    if relay_recogniser(name) is None:
        forms = listed([*_GATHER_MODELS, *(f"{provider}_MODEL" for provider in RECOGNISERS)], "or")
        hint = did_you_mean(name, (*_GATHER_MODELS, *_GOOGLE_MODELS))
        yield _error(f'voice mode gather needs a recogniser: {forms}; got "{name}"{hint}', place)
    else:
        yield from _check_google_model(name, place)


def _check_google_model(name: str, place: Place) -> Iterator[Diagnostic]:
    if name.startswith("googlev2_") and name not in _GOOGLE_MODELS:
        hint = did_you_mean(name, _GOOGLE_MODELS) or f"; known are {listed(_GOOGLE_MODELS, 'and')}"
        yield not_listed(f'recogniser "{name}"', hint, place)


def _check_listed(name: str, place: Place) -> Iterator[Diagnostic]:
    if not is_listed(name):
        yield not_listed(f'voice "{name}"', voice_hint(name), place)


def not_listed(what: str, hint: str, place: Place) -> Diagnostic:
    """Return the warning that Twilio had no such thing, such as `voice "Polly.Viki"`, on the table's day."""
    message = f"Twilio has no {what} as of {voice_table().as_of}{hint}"
    return Diagnostic("warning", codes.NOT_LISTED, message, place)


def _no_such(need: str, providers: Collection[str], name: str, place: Place) -> Diagnostic:
    forms = listed([f"{provider}.NAME" for provider in providers], "or")
    return _error(f'{need} such as {forms}; got "{name}"{voice_hint(name)}', place)


def _error(message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, place)
