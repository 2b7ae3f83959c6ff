"""How relay mode calls Twilio's voices and recognisers, which gather mode knows by one name each.

Twilio: ConversationRelay takes the provider and the name apart. `Polly.Joanna-Neural` is Amazon's
`Joanna-Neural`, `googlev2_telephony` is Google's `telephony`.
"""

from __future__ import annotations

from typing import Final

VOICE_PROVIDERS: Final = {"Polly": "Amazon", "Google": "Google", "ElevenLabs": "ElevenLabs"}
RECOGNISERS: Final = {"googlev2": "Google", "deepgram": "Deepgram"}


def relay_voice(name: str) -> tuple[str, str] | None:
    """Return the provider and its name of a voice, None for a name that belongs to no provider."""
    provider, _, voice = name.partition(".")
    return (VOICE_PROVIDERS[provider], voice) if provider in VOICE_PROVIDERS and voice else None


def relay_recogniser(name: str) -> tuple[str, str] | None:
    """Return the provider and its name of a recogniser, None for one that relay mode has not."""
    provider, _, model = name.partition("_")
    return (RECOGNISERS[provider], model) if provider in RECOGNISERS and model else None


def relay_hears_all_languages(voice: str, recogniser: str) -> bool:
    """Tell whether a voice and a recogniser can follow whatever language is spoken.

    Twilio: `multi` is for Deepgram's nova-2-general and nova-3-general, and for the voices of ElevenLabs.
    """
    speaks = relay_voice(voice)
    return (
        speaks is not None
        and speaks[0] == "ElevenLabs"
        and recogniser in ("deepgram_nova-2-general", "deepgram_nova-3-general")
    )
