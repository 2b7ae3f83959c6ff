"""The rule about models that are going to be shut down, wherever an agent names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from schemas import codes
from schemas.agent import Agent
from schemas.live_rules import is_live
from schemas.model_dates import LIST_AS_OF, shutdown_of
from schemas.places import Diagnostic
from schemas.source import SourceMap

_FieldPath: TypeAlias = tuple[str | int, ...]


def check_models(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Warn about each model of an agent's that is going to be shut down."""
    for path, model in _models_of(agent):
        day = shutdown_of(model)
        if day is not None:
            message = f"{model} is shut down on {day}, by OpenAI's list as of {LIST_AS_OF}"
            yield Diagnostic("warning", codes.MODEL_ENDS, message, source.place_of(path))


def _models_of(agent: Agent) -> Iterator[tuple[_FieldPath, str]]:
    """Yield the models that an agent uses, with the fields that name them."""
    voice = agent.voice
    yield ("voice", "model"), voice.model
    if voice.mode == "realtime" and is_live(voice.model):
        yield ("voice", "delegate"), voice.delegate
    if agent.messages.model is not None:
        yield ("messages", "model"), agent.messages.model
    if agent.prep is not None and agent.prep.brief is not None:
        yield ("prep", "brief", "model"), agent.prep.brief.model
