"""From an agent's declaration to the terms of its calls: how it hears, how it speaks, who interrupts it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from runtime.call.hearing.interruption import InterruptTerms
from runtime.call.text.gather_steps import GatherTerms
from runtime.caller_number import caller_number
from runtime.engines.live_session import LiveSettings
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import TRANSCRIPTION_MODEL, RealtimeSettings
from runtime.engines.text import TextSettings
from runtime.figures.prices import PriceTable, cost, live_cost
from schemas.live_rules import is_live
from schemas.recording import Recording
from schemas.voice import Interruption, SemanticVad

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.agent_tools import AgentTools
    from runtime.call.usage import Usage
    from runtime.call_record import JsonValue
    from runtime.engines.engine import Engine
    from runtime.webhook import VoiceWebhook
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


def live_settings(agent: Agent) -> LiveSettings:
    """Return what is asked of GPT-Live, which decides by itself on turns and interruptions."""
    voice = agent.voice
    return LiveSettings(agent.instructions, voice.model, voice.name, voice.delegate)


def engine_of(agent: Agent, tools: AgentTools) -> Engine:
    """Return the engine of an agent in realtime mode; each session is a fresh one of it."""
    if is_live(agent.voice.model):
        from runtime.engines.live import LiveEngine

        return LiveEngine(replace(live_settings(agent), tools=tools.functions, mcp=tools.mcp))
    return RealtimeEngine(replace(engine_settings(agent), tools=tools.functions, mcp=tools.mcp))


def price_of(agent: Agent, table: PriceTable) -> Callable[[Usage, float | None], dict[str, JsonValue]]:
    """Return what turns the usage and the seconds of a call in realtime mode into its record's cost."""
    voice = agent.voice
    if is_live(voice.model):
        return partial(live_cost, model=voice.model, delegate=voice.delegate, table=table)
    return partial(cost, model=voice.model, transcription=TRANSCRIPTION_MODEL, table=table)


def text_settings(agent: Agent, tools: AgentTools) -> TextSettings:
    """Return what is asked of a text model."""
    voice = agent.voice
    return TextSettings(agent.instructions, voice.model, voice.api, tools.functions, tools.mcp)


def gather_terms(agent: Agent, tools: AgentTools) -> GatherTerms:
    """Return how Twilio listens for the agent.

    An answer is not begun before the caller has finished where the model's side would act on it at once.
    """
    terms = GatherTerms(ssml=agent.voice.ssml, drafts=not tools.mcp)
    return terms if agent.idle_seconds is None else replace(terms, timeout=float(agent.idle_seconds))


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
    """Return how long a caller has been silent when the model says so; None where the words decide it.

    GPT-Live does not say so: from its words the end of the caller's speech itself is known.
    """
    if is_live(voice.model):
        return 0
    turns = voice.turn_detection
    return None if isinstance(turns, SemanticVad) else turns.silence_duration_ms


def recording_terms(agent: Agent) -> Recording | None:
    """Return how the agent's calls are recorded; None where they are not."""
    if isinstance(agent.recording, bool) or agent.recording is None:
        return Recording() if agent.recording else None
    return agent.recording


def prep_terms(agent: Agent) -> Literal["none", "wanted", "required"]:
    """Return whether the agent waits for what is found out about the caller."""
    if agent.prep is None:
        return "none"
    return "required" if agent.prep.required else "wanted"


def prep_variables(webhook: VoiceWebhook) -> dict[str, JsonValue]:
    """Return what the templates of prep stand for."""
    return {
        "caller": caller_of(webhook),
        "country": webhook.caller_country,
        "called": webhook.called,
        "call_sid": webhook.call_sid,
    }


def caller_of(webhook: VoiceWebhook) -> str:
    """Return the caller's number in E.164, or `anonymous`."""
    return caller_number(webhook.caller, webhook.called, webhook.caller_country)
