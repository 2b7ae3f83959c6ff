"""The document that connects a caller to a relay call: an agent's voice in ConversationRelay's own words.

Twilio: names are camelCase, and one that is written otherwise is ignored. What stands on the element is for
the first language, and each `<Language>` for the time after a `language` message that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime import twiml
from runtime.agent_tools import spoken_languages
from runtime.call.hearing.interruption import InterruptTerms
from runtime.call_terms import interrupt_terms
from schemas.relay_voices import relay_recogniser, relay_voice
from schemas.voice import SpokenLanguage
from schemas.voices.table import voice_in

if TYPE_CHECKING:
    from schemas import Voice
    from schemas.relay_settings import RelaySettings

Attributes: TypeAlias = Mapping[str, str]

_ATTRIBUTES: Final = {
    "interrupt_sensitivity": "interruptSensitivity",
    "ignore_backchannel": "ignoreBackchannel",
    "speech_timeout_ms": "speechTimeout",
    "profanity_filter": "profanityFilter",
    "background_noise_reduction": "backgroundNoiseReduction",
    "smart_format": "deepgramSmartFormat",
    "eot_threshold": "eotThreshold",
    "text_normalization": "elevenlabsTextNormalization",
    "intelligence_service": "intelligenceService",
}


def relay_document(
    voice: Voice, *, hold: twiml.HoldPrelude, relay_url: str, after_url: str, drafts: bool
) -> str:
    """Return the TwiML; `drafts`: Twilio tells what it understands while the caller still speaks."""
    return twiml.render(
        "relay.xml.j2",
        hold=hold,
        after_url=after_url,
        attributes={"url": relay_url, **relay_attributes(voice, drafts=drafts)},
        languages=tuple(_languages(voice)),
    )


def relay_attributes(voice: Voice, *, drafts: bool) -> Attributes:
    """Return the attributes of `<ConversationRelay>` but for its address."""
    interruptible = _interruptible(voice)
    return {
        **({"language": voice.language} if voice.language else {}),
        **_spoken(voice.name, voice.speech_model),
        **({"hints": ",".join(voice.hints)} if voice.hints else {}),
        "interruptible": interruptible,
        # What the caller does while the agent goes on speaking is answered behind its words.
        **({} if interruptible == "any" else {"reportInputDuringAgentSpeech": "any"}),
        "dtmfDetection": "true",
        "partialPrompts": "true" if drafts else "false",
        "events": "speaker-events",
        **({} if voice.relay is None else _settings(voice.relay)),
    }


def _interruptible(voice: Voice) -> str:
    """Return what interrupts the agent: none, any, or one kind of input."""
    if interrupt_terms(voice) == InterruptTerms(allowed=False):
        return "none"
    return (voice.relay and voice.relay.interrupt_by) or "any"


def _settings(settings: RelaySettings) -> Attributes:
    """Return what is declared in the relay's own terms."""
    return {
        attribute: str(value).lower() if isinstance(value, bool) else str(value)
        for name, attribute in _ATTRIBUTES.items()
        if (value := getattr(settings, name)) is not None
    }


def _languages(voice: Voice) -> Iterator[Attributes]:
    """Yield each `<Language>`, the first one too, to which the agent may return."""
    if not voice.languages:
        return
    first = SpokenLanguage(name=voice.name, speech_model=voice.speech_model)
    for code in spoken_languages(voice):
        language = voice.languages.get(code, first)
        yield {"code": code, **_spoken(language.name or voice_in(code, voice.name), language.speech_model)}


def _spoken(name: str | None, speech_model: str | None) -> Attributes:
    """Return who speaks and who listens; what is absent is Twilio's choice."""
    voice, recogniser = relay_voice(name or ""), relay_recogniser(speech_model or "")
    return {
        **({"ttsProvider": voice[0], "voice": voice[1]} if voice else {}),
        **({"transcriptionProvider": recogniser[0], "speechModel": recogniser[1]} if recogniser else {}),
    }
