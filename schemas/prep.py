"""`Agent.prep`: what is found out about the caller before the first word."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import OneOrMore, Text
from schemas.tools import HttpCall


class PrepRequest(Declared):
    """A request whose JSON answer becomes part of the caller's profile."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    """The key in the profile."""
    http: HttpCall
    """The request; {{ caller }}, {{ country }}, {{ called }}, {{ call_sid }} stand for the call's."""


class PrepBrief(Declared):
    """A few sentences about the caller, written by a text model from the profile."""

    instructions: Text
    """What the text model is told."""
    model: Text = "gpt-5.6-luna"
    """The text model."""


class Prep(Declared):
    """Runs while the caller hears the hold media; its result is added to the instructions."""

    http: Annotated[tuple[PrepRequest, ...], OneOrMore()] = ()
    """Requests, all at once."""
    brief: PrepBrief | None = None
    """A summary by a text model, after the requests."""
    timeout: Annotated[float, Field(gt=0, le=20)] = 3
    """How long all of it may take, in seconds."""
    required: bool = False
    """Whether the agent must not speak without it: the caller then hears the fallback message."""
