"""From an agent's declaration to the terms of its calls: how it hears, how it speaks, who interrupts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.call.interruption import InterruptTerms
from runtime.engines.realtime_session import RealtimeSettings
from schemas.recording import Recording
from schemas.voice import Interruption, SemanticVad

if TYPE_CHECKING:
    from schemas import Agent, Voice

# OpenAI: the longest that semantic_vad waits for the rest of a sentence, in ms, by eagerness.
_LONGEST_WAIT: Final = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}


def engine_settings(agent: Agent) -> RealtimeSettings:
    """Return what is asked of the Realtime model. It knows languages without their country: de, not de-DE."""
    voice = agent.voice
    return RealtimeSettings(
        agent.instructions,
        model=voice.model,
        voice=voice.name,
        turn_detection=voice.turn_detection,
        noise_reduction=voice.noise_reduction,
        language=voice.language.partition("-")[0] if voice.language else None,
        speed=voice.speed,
        acts_on_speech=interrupt_terms(voice).at_once,
    )


def interrupt_terms(voice: Voice) -> InterruptTerms:
    """Return what it takes to interrupt the agent."""
    interrupt = voice.interrupt
    if not isinstance(interrupt, Interruption):
        return InterruptTerms(allowed=interrupt == "always")
    turns = voice.turn_detection
    longest = _LONGEST_WAIT[turns.eagerness] if isinstance(turns, SemanticVad) else turns.silence_duration_ms
    return InterruptTerms(
        after_ms=interrupt.after_ms,
        min_words=interrupt.min_words,
        resume=interrupt.resume,
        pause_ms=longest,
    )


def pause_ms(voice: Voice) -> int | None:
    """Return how long a caller has been silent when the model says so; None where the words decide it."""
    turns = voice.turn_detection
    return None if isinstance(turns, SemanticVad) else turns.silence_duration_ms


def recording_terms(agent: Agent) -> Recording | None:
    """Return how the agent's calls are recorded; None where they are not."""
    if isinstance(agent.recording, bool) or agent.recording is None:
        return Recording() if agent.recording else None
    return agent.recording
