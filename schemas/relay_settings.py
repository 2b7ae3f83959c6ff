"""`Agent.voice.relay`: how Twilio's ConversationRelay hears and speaks, in its own terms.

Twilio publishes the values of most settings, and no figures behind them: how many milliseconds of speech a
sensitivity is, is not known. So they are declared as what they are, and not as terms of `interrupt`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import Text, choice

InputName = Literal["any", "speech", "dtmf"]
SensitivityName = Literal["low", "medium", "high"]
NormalizationName = Literal["off", "auto", "on"]


class RelaySettings(Declared):
    """What is absent is Twilio's own default."""

    interrupt_by: Annotated[InputName, choice(InputName)] | None = None
    """What of the caller's interrupts the agent: any, speech, or dtmf for keys only."""
    interrupt_sensitivity: Annotated[SensitivityName, choice(SensitivityName)] | None = None
    """How soon speech interrupts the agent: low, medium, high."""
    ignore_backchannel: bool | None = None
    """Whether a yes or an uh-huh leaves the agent speaking."""
    speech_timeout_ms: Annotated[int, Field(ge=100, le=10_000)] | None = None
    """The pause after which the caller's turn is over, in ms."""
    profanity_filter: bool | None = None
    """Whether swear words are masked."""
    background_noise_reduction: bool | None = None
    """Whether noise around the caller is taken out."""
    smart_format: bool | None = None
    """Whether Deepgram writes numbers, dates and the like as people do."""
    eot_threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    """How sure Deepgram's flux is that the caller has finished: 0 to 1."""
    text_normalization: Annotated[NormalizationName, choice(NormalizationName)] | None = None
    """Whether ElevenLabs writes numbers and the like out before it speaks: off, auto, on."""
    intelligence_service: Text | None = None
    """The SID (GA…) or the name of a Conversational Intelligence service that analyses the call."""
