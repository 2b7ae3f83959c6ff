"""Rules about an agent's voice: what its mode can do."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import codes
from schemas.agent import Agent
from schemas.language_rules import check_languages, unresolved_fields
from schemas.live_rules import check_live, check_not_live, is_live
from schemas.places import Diagnostic, Place
from schemas.recording import Recording
from schemas.relay_rules import check_relay_settings
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.tools import McpTool
from schemas.voice import ANY_LANGUAGE, REALTIME_ONLY, REALTIME_VOICES, TEXT_ONLY, Interruption, Voice


def check_voice(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is wrong with how an agent is to hear, think and speak."""
    voice = agent.voice
    if "mode" in unresolved_fields(voice, source):
        return
    if voice.mode == "realtime":
        yield from _check_realtime(voice, source)
    else:
        yield from _check_realtime_only(voice, source)
        yield from _check_spoken_text(agent, source)
        yield from check_languages(voice, source)
    if voice.mode == "relay":
        yield from _check_relay(voice, source)
    if voice.mode != "realtime" or not is_live(voice.model):
        yield from check_not_live(voice, source)
    yield from check_relay_settings(voice, source)


def _check_realtime(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    if is_live(voice.model):
        yield from check_live(voice, source)
    elif voice.name not in REALTIME_VOICES:
        hint = did_you_mean(voice.name, REALTIME_VOICES) or f"; they are {listed(REALTIME_VOICES, 'and')}"
        message = f'there is no Realtime voice "{voice.name}"{hint}'
        yield _error(codes.BAD_VALUE, message, source.place_of(("voice", "name")))
    usual = Voice()
    for name in (name for name in TEXT_ONLY if getattr(voice, name) != getattr(usual, name)):
        verb = "are" if name in ("hints", "languages") else "is"
        message = f"{name} {verb} for text models, in the voice modes relay and gather; realtime has none"
        yield _error(codes.BAD_VALUE, message, source.place_of(("voice", name)))
    if voice.language == ANY_LANGUAGE:
        message = f"language {ANY_LANGUAGE} is for voice mode relay; a realtime model hears all without it"
        yield _error(codes.BAD_VALUE, message, source.place_of(("voice", "language")))


def _check_realtime_only(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Refuse what Twilio's hearing and speaking cannot do: it would be declared and not happen."""
    only = [name for name in REALTIME_ONLY if name in voice.model_fields_set]
    if isinstance(voice.interrupt, Interruption):
        only.append("interrupt")
    for name in only:
        terms = " but always and never" if name == "interrupt" else ""
        message = f"{name} is for voice mode realtime; {voice.mode} has none{terms}"
        yield _error(codes.BAD_VALUE, message, source.place_of(("voice", name)))


def _check_spoken_text(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Refuse what cannot be where Twilio hears and speaks, and a text model thinks."""
    voice = agent.voice
    if isinstance(agent.recording, Recording) and agent.recording.by == "local":
        message = f"a recording by local is for voice mode realtime; in {voice.mode} no audio comes here"
        yield _error(codes.BAD_VALUE, message, source.place_of(("recording", "by")))
    if voice.api == "chat":
        for index, tool in enumerate(agent.tools):
            if isinstance(tool, McpTool):
                message = "MCP servers are called by the Responses API; voice.api chat has none"
                yield _error(codes.BAD_VALUE, message, source.place_of(("tools", index)))


def _check_relay(voice: Voice, source: SourceMap) -> Iterator[Diagnostic]:
    """Refuse what ConversationRelay does not have."""
    if voice.ssml:
        message = "voice mode relay speaks plain text; ssml is for voice mode gather"
        yield _error(codes.BAD_VALUE, message, source.place_of(("voice", "ssml")))


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)
