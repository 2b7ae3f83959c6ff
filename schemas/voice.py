"""`Agent.voice`: how the agent hears, thinks and speaks, and what it takes to interrupt it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.declared import Declared
from schemas.fields import Language, OneOrMore, Text, choice
from schemas.relay_settings import RelaySettings

ModeName = Literal["realtime", "relay", "gather"]
ApiName = Literal["responses", "chat"]
InterruptName = Literal["always", "never"]
EagernessName = Literal["low", "medium", "high", "auto"]
NoiseReductionName = Literal["near_field", "far_field"]
VadName = Literal["server_vad", "semantic_vad"]

# OpenAI Realtime: the voices that session.audio.output.voice takes by name.
REALTIME_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")

# What only a model that hears and speaks by itself can be told.
REALTIME_ONLY = ("turn_detection", "noise_reduction", "speed")
# What only a text model whose words Twilio speaks can be told.
TEXT_ONLY = ("api", "ssml", "speech_model", "hints", "languages")

# The model that GPT-Live asks for what takes tools, when nothing is said about it.
DEFAULT_DELEGATE = "gpt-5.6-luna"

# Twilio: what <Gather>, <Say> and ConversationRelay speak and hear when nothing is said about it.
DEFAULT_LANGUAGE = "en-US"
# Twilio: ConversationRelay finds out by itself which language is spoken.
ANY_LANGUAGE = "multi"

# Twilio: <Gather hints> takes 500 entries of 100 characters; those of ConversationRelay are not published.
MOST_HINTS = 500
LONGEST_HINT = 100


class ServerVad(Declared):
    """The caller's turn is over after a pause."""

    type: Annotated[VadName, choice(VadName)] = "server_vad"
    """server_vad."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How loud speech is: 0 to 1; higher for noisy lines."""
    prefix_padding_ms: Annotated[int, Field(ge=0, le=2000)] = 300
    """Audio before the speech that still belongs to it, in ms."""
    silence_duration_ms: Annotated[int, Field(ge=100, le=5000)] = 500
    """The pause after which the caller's turn is over, in ms."""


class SemanticVad(Declared):
    """The caller's turn is over when the words sound finished."""

    type: Annotated[VadName, choice(VadName)] = "semantic_vad"
    """semantic_vad."""
    eagerness: Annotated[EagernessName, choice(EagernessName)] = "auto"
    """How soon the model takes its turn. low waits up to 8 s, medium and auto 4 s, high 2 s."""


class Interruption(Declared):
    """What it takes to interrupt the agent, and what happens when it was nothing."""

    after_ms: Annotated[int, Field(ge=0, le=5000)] = 0
    """How long the caller has to speak before the agent stops, in ms."""
    min_words: Annotated[int, Field(ge=0, le=10)] = 0
    """How many words the caller has to say before the agent stops, as far as they are known in time."""
    resume: bool = False
    """Pause at once, and go on from there when it was only a cough: nothing was said after it."""


class SpokenLanguage(Declared):
    """How Twilio speaks and hears a further language."""

    name: Text | None = None
    """The voice that speaks it, such as Polly.Vicki-Neural; one like the agent's own when absent."""
    speech_model: Text | None = None
    """The recogniser that hears it, such as deepgram_nova-3-general; Twilio's choice when absent."""


def _vad_form(value: Any) -> str:
    kind = value.get("type") if hasattr(value, "get") else getattr(value, "type", None)
    return "<semantic_vad>" if kind == "semantic_vad" else "<server_vad>"


def _interrupt_form(value: Any) -> str:
    return "<word>" if isinstance(value, str) else "<terms>"


def _default_model(values: dict[str, Any]) -> str:
    return "gpt-realtime-2.1" if values.get("mode") == "realtime" else "gpt-5.6-luna"


def _default_voice(values: dict[str, Any]) -> str:
    return "marin" if values.get("mode") == "realtime" else "Polly.Salli"


def _default_speech_model(values: dict[str, Any]) -> str | None:
    return None if values.get("mode") == "realtime" else "googlev2_telephony"


class Voice(Declared):
    """How the agent hears, thinks and speaks."""

    mode: Annotated[ModeName, choice(ModeName)] = "realtime"
    """realtime: a speech model hears and speaks. relay, gather: Twilio does, a text model answers."""
    model: Text = Field(default_factory=_default_model)
    """The model; gpt-realtime-2.1 in realtime mode, where gpt-live-1 is the other kind."""
    delegate: Text = DEFAULT_DELEGATE
    """The text model that uses the tools of an agent whose model is GPT-Live."""
    name: Text = Field(default_factory=_default_voice)
    """The voice; marin in realtime mode, Polly.Salli in the others."""
    api: Annotated[ApiName, choice(ApiName)] = "responses"
    """How a text model is asked: OpenAI's Responses API, or chat where a server has Chat Completions only."""
    ssml: bool = False
    """Whether the text model and the greeting may use SSML; everything else is spoken as it stands."""
    speech_model: Text | None = Field(default_factory=_default_speech_model)
    """Twilio's recogniser in relay and gather mode."""
    language: Language | None = None
    """The language that callers speak, such as en or de-DE; helps the recogniser."""
    hints: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_HINT)], ...],
        Field(max_length=MOST_HINTS),
        OneOrMore(),
    ] = ()
    """Words that callers are likely to say, such as names and places; they help Twilio's recogniser."""
    languages: Mapping[Language, SpokenLanguage] = Field(default_factory=dict)
    """Further languages that the agent can change to, in relay mode: {de-DE: {name: Polly.Vicki}}."""
    relay: RelaySettings | None = None
    """Further settings of Twilio's ConversationRelay, in relay mode."""
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None
    """How fast the agent speaks; 1 is normal."""
    turn_detection: Annotated[
        Annotated[ServerVad, Tag("<server_vad>")] | Annotated[SemanticVad, Tag("<semantic_vad>")],
        Discriminator(_vad_form),
    ] = ServerVad()
    """When the caller's turn is over, in realtime mode."""
    noise_reduction: Annotated[NoiseReductionName, choice(NoiseReductionName)] | None = None
    """near_field for telephones at the ear, far_field for hands-free ones."""
    interrupt: Annotated[
        Annotated[Annotated[InterruptName, choice(InterruptName)], Tag("<word>")]
        | Annotated[Interruption, Tag("<terms>")],
        Discriminator(_interrupt_form),
    ] = "always"
    """Whether the caller can interrupt the agent: always, never, or on terms such as {after_ms: 250}."""
