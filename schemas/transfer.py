"""`Agent.transfer`: the people whom a call may be transferred to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import Name, PhoneNumber, Text, choice

TransferModeName = Literal["cold", "warm"]


class Transfer(Declared):
    """Somebody who takes calls over from the agent."""

    number: PhoneNumber
    """Who is called."""
    name: Name | None = None
    """What the model calls this destination; needed when there are several."""
    description: Text | None = None
    """When to transfer there, for the model to read."""
    mode: Annotated[TransferModeName, choice(TransferModeName)] = "cold"
    """cold: the caller is put through. warm: the caller waits while the person is told and asked."""
    timeout: Annotated[int, Field(ge=5, le=120)] = 25
    """How long it may ring, in seconds."""
    brief: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """What the person hears before accepting; by default the agent's summary of the call."""
    caller_id: PhoneNumber | None = None
    """The number that the person sees; the number that was called when absent."""
