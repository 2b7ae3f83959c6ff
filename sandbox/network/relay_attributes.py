"""Reading `<ConversationRelay>`: its attributes as a value, and what is wrong with them. No I/O.

Twilio: names are camelCase; a value that a setting does not have, or a provider that there is not, is an
error of the session (64101); attributes that do not exist are a warning.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from sandbox.network.attributes import flag, whole
from sandbox.network.verbs import Interruptible, Relay

AUTO_SPEECH_TIMEOUT_MS = 700  # Twilio's is not known

_INPUTS = frozenset(("none", "dtmf", "speech", "any"))
_VALUES: dict[str, frozenset[str]] = {
    "ttsProvider": frozenset(("Google", "Amazon", "ElevenLabs")),
    "transcriptionProvider": frozenset(("Google", "Deepgram")),
    "interruptible": _INPUTS | {"true", "false"},
    "welcomeGreetingInterruptible": _INPUTS | {"true", "false"},
    "reportInputDuringAgentSpeech": _INPUTS,
    "interruptSensitivity": frozenset(("low", "medium", "high")),
    "elevenlabsTextNormalization": frozenset(("on", "off", "auto")),
}
_BOOLEANS = (
    *("preemptible", "dtmfDetection", "profanityFilter", "partialPrompts", "ignoreBackchannel"),
    *("deepgramSmartFormat", "backgroundNoiseReduction"),
)
_DETECTING_MODELS = frozenset(("nova-2-general", "nova-3-general"))

RELAY_ATTRIBUTES = frozenset(
    (
        *("url", "welcomeGreeting", "language", "ttsLanguage", "transcriptionLanguage", "voice"),
        *("speechModel", "speechTimeout", "hints", "intelligenceService", "conversationConfiguration"),
        *("events", "debug", "eotThreshold"),
        *_VALUES,
        *_BOOLEANS,
        # Of the library's newest version: accepted, without effect here.
        *("partialPromptOnHangup", "eagerEotThreshold", "asrSmartFormat", "ttsTextNormalization"),
        *("ttsLanguageTextNormalization", "elevenlabsLanguageTextNormalization", "includeInPrompt"),
        *("customerName", "applicationReconnect", "echoPromptFiltering", "turnDetection"),
    )
)
LANGUAGE_ATTRIBUTES = frozenset(
    (
        *("code", "ttsProvider", "voice", "transcriptionProvider", "speechModel", "hints"),
        *("asrSmartFormat", "ttsTextNormalization", "ttsLanguageTextNormalization"),
    )
)


def read_relay(
    element: Element, parameters: tuple[tuple[str, str], ...], action: str | None, method: str
) -> Relay:
    """Read a `<ConversationRelay>` whose parameters have been read; `error` says what forbids the session."""
    language = element.get("language", "en-US")
    inputs = element.get("interruptible", "any")
    return Relay(
        url=element.get("url", "").strip(),
        parameters=parameters,
        action=action,
        method=method,
        welcome_greeting=element.get("welcomeGreeting", ""),
        greeting_interruptible=interruptible_by(element.get("welcomeGreetingInterruptible", inputs)),
        interruptible=interruptible_by(inputs),
        sensitivity=element.get("interruptSensitivity", "high"),
        ignores_backchannel=flag(element, "ignoreBackchannel", default=False),
        reported_during_speech=interruptible_by(element.get("reportInputDuringAgentSpeech", "none")),
        preemptible=flag(element, "preemptible", default=False),
        detects_dtmf=flag(element, "dtmfDetection", default=False),
        partial_prompts=flag(element, "partialPrompts", default=False),
        speech_timeout_ms=whole(element, "speechTimeout", AUTO_SPEECH_TIMEOUT_MS),
        tts_language=element.get("ttsLanguage", language),
        transcription_language=element.get("transcriptionLanguage", language),
        events=frozenset(element.get("events", "").split()),
        error=_error(element),
    )


def interruptible_by(value: str) -> Interruptible:
    """Return the kinds of input that a setting names. Twilio: true is any, false is none."""
    match value:
        case "any" | "true":
            return frozenset(("dtmf", "speech"))
        case "dtmf" | "speech":
            return frozenset((value,))
        case _:
            return frozenset()


def _error(element: Element) -> str:
    """Return what is wrong with the values, empty where nothing is."""
    for name, allowed in _VALUES.items():
        value = element.get(name)
        if value is not None and value not in allowed:
            return f"{name} must be one of {', '.join(sorted(allowed))}: {value!r}"
    for name in _BOOLEANS:
        if element.get(name, "true").lower() not in {"true", "false"}:
            return f"{name} must be true or false: {element.get(name)!r}"
    timeout = element.get("speechTimeout", "auto")
    if timeout != "auto" and not (timeout.isascii() and timeout.isdigit() and int(timeout)):
        return f"speechTimeout must be auto or milliseconds: {timeout!r}"
    if any(not child.get("code") for child in element.findall("Language")):
        return "Language needs a code"
    return _detection_error(element)


def _detection_error(element: Element) -> str:
    """Twilio: languages are detected by Deepgram's general models, and spoken by ElevenLabs, only."""
    language = element.get("language", "en-US")
    if element.get("transcriptionLanguage", language) == "multi" and (
        element.get("transcriptionProvider", "Deepgram") != "Deepgram"
        or element.get("speechModel", "nova-3-general") not in _DETECTING_MODELS
    ):
        return "transcriptionLanguage multi needs Deepgram's nova-2-general or nova-3-general"
    if (
        element.get("ttsLanguage", language) == "multi"
        and element.get("ttsProvider", "ElevenLabs") != "ElevenLabs"
    ):
        return "ttsLanguage multi needs ElevenLabs"
    return ""
