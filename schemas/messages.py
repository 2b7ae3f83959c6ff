"""`Agent.whatsapp`, `Agent.messages`: conversations in writing, by WhatsApp and SMS."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import Name, OneOrMore, PhoneNumber, Text

DEFAULT_MODEL: Final = "gpt-5.6-luna"


class MessageTemplate(Declared):
    """A template of Twilio's Content API, which WhatsApp has approved; it may have buttons."""

    name: Name
    """What the agent calls it."""
    content_sid: Annotated[str, Field(pattern=r"^HX[0-9a-fA-F]{32}$")]
    """Its SID (HX…)."""
    description: Text
    """What it says and when to send it, for the model to read."""
    variables: Annotated[tuple[Text, ...], OneOrMore()] = ()
    """Its variables, such as 1 and 2."""


class WhatsApp(Declared):
    """WhatsApp messages that the agent answers; sender or messaging_service is enough."""

    sender: PhoneNumber | None = None
    """The WhatsApp sender's phone number."""
    messaging_service: Text | None = None
    """SID of a Messaging Service."""
    templates: tuple[MessageTemplate, ...] = ()
    """Templates that the agent may send."""


class Messages(Declared):
    """How the agent answers in writing, by WhatsApp and SMS."""

    model: Text | None = None
    """The text model; the voice's in relay and gather mode, gpt-5.6-luna in realtime mode."""
    idle_hours: Annotated[float, Field(gt=0, le=720)] = 24
    """Hours without a message after which a conversation is over; the next message begins another."""
