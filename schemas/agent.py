"""`Agent`: who answers, on which numbers, with which voice and within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.declared import Declared
from schemas.fields import CallerOrList, Json, Name, OneOrMore, PhoneNumber, Region, Shorthand, Text, choice
from schemas.hold import Hold
from schemas.messages import Messages, WhatsApp
from schemas.prep import Prep
from schemas.recording import Recording
from schemas.tools import Tool
from schemas.transfer import Transfer
from schemas.variables import Variable, VariableName
from schemas.voice import Voice

WhenFullName = Literal["busy", "message"]
DialName = Literal["url", "inline"]

DEFAULT_FALLBACK_MESSAGE = "We are sorry, we cannot take your call right now. Please try again later."

# What the design of an agent has and this version validates without acting on it.
NOT_ACTED_ON = (
    "web",
    "after_call",
)


class NumberEntry(Declared):
    """A phone number that the agent answers, or calls from."""

    number: PhoneNumber
    """In E.164 form, quoted or not."""
    region: Region | None = None
    """The region that processes its calls; the account's region when absent."""
    friendly_name: Text | None = None
    """The number's name in the Twilio console; left alone when absent."""
    caller_id_lookup: bool | None = None
    """Whether Twilio looks the caller's name up (charged per call); left alone when absent."""


class WebPhone(Declared):
    """The agent in browsers."""

    origins: Annotated[tuple[Text, ...], OneOrMore()] = ()
    """Sites that may embed it, besides the service's own."""


def _hold_form(value: Any) -> str:
    return "<name>" if isinstance(value, str) else "<hold>"


def _web_form(value: Any) -> str:
    return "<switch>" if isinstance(value, str | bool) else "<page>"


def _recording_form(value: Any) -> str:
    return "<switch>" if isinstance(value, str | bool) else "<recording>"


class AgentFields(Declared):
    """What an agent may have; `Service.defaults` takes the same."""

    account: Name | None = None
    """The Account that its numbers are in; may be left out when there is one only."""
    numbers: Annotated[tuple[Annotated[NumberEntry, Shorthand("number")], ...], OneOrMore()] = ()
    """The phone numbers it answers."""
    inbound: bool = True
    """Whether it answers its numbers; an agent that only calls says false."""
    greeting: Text | None = None
    """Its first words; without them the model opens in its own."""
    description: Text | None = None
    """What it is for, for people."""
    voice: Voice = Voice()
    """How it hears, thinks and speaks."""
    variables: Mapping[VariableName, Annotated[Variable, Shorthand("description")]] = Field(
        default_factory=dict
    )
    """What differs from call to call; `{{ name }}` stands for it in the instructions and the greeting."""
    hold: (
        Annotated[
            Annotated[Name, Tag("<name>")] | Annotated[Hold, Tag("<hold>")],
            Discriminator(_hold_form),
        ]
        | None
    ) = None
    """What callers hear until it speaks: the name of a Hold, or one written here."""
    allow_callers: Annotated[tuple[CallerOrList, ...], OneOrMore()] | None = None
    """Who may call: phone numbers, prefixes such as +1415*, names of Whitelists. Everybody when absent."""
    max_call_seconds: Annotated[int, Field(ge=10, le=14400)] = 600
    """When a call is ended, with a warning before."""
    idle_seconds: Annotated[int, Field(ge=5, le=600)] | None = None
    """Seconds of silence after which the agent asks if the caller is there; then it says goodbye."""
    max_concurrent_calls: Annotated[int, Field(ge=1)] | None = None
    """How many calls it takes at a time; no limit when absent."""
    when_full: Annotated[WhenFullName, choice(WhenFullName)] = "busy"
    """What further callers get: the busy tone, or the fallback message."""
    fallback_message: Annotated[str, Field(min_length=1, max_length=3000)] = DEFAULT_FALLBACK_MESSAGE
    """What is spoken when the agent cannot go on."""
    fallback_number: PhoneNumber | None = None
    """Who is called instead when nobody can take a call: after the message the caller is put through."""
    takeover: bool = False
    """Whether to take its numbers over from webhooks, applications and trunks of somebody else."""
    heal: bool | None = None
    """Whether drift of its numbers is put right without asking; the Service's `heal` when absent."""
    dial: Annotated[DialName, choice(DialName)] = "url"
    """How it calls: Twilio asks for its TwiML when somebody answers, or is given it with the call."""
    transfer: Annotated[tuple[Annotated[Transfer, Shorthand("number")], ...], OneOrMore()] = ()
    """Whom calls may be transferred to."""
    recording: (
        Annotated[
            Annotated[bool, Tag("<switch>")] | Annotated[Recording, Tag("<recording>")],
            Discriminator(_recording_form),
        ]
        | None
    ) = None
    """Whether calls are recorded: true, or how."""
    tools: Annotated[tuple[Tool, ...], OneOrMore()] = ()
    """What it can do besides talking."""
    tool_hosts: Annotated[tuple[Text, ...], OneOrMore()] = ()
    """Private hosts that its tools may call."""
    prep: Prep | None = None
    """What is fetched before the first word."""
    whatsapp: WhatsApp | None = None
    """WhatsApp messages that it answers."""
    sms: bool = False
    """Whether it answers SMS to its numbers."""
    messages: Messages = Messages()
    """How it answers in writing."""
    web: (
        Annotated[
            Annotated[bool, Tag("<switch>")] | Annotated[WebPhone, Tag("<page>")],
            Discriminator(_web_form),
        ]
        | None
    ) = None
    """Whether browsers can call it: true, or the origins that may."""
    after_call: Json = None
    """What happens after a call."""


class AgentDefaults(AgentFields):
    """Fields that every agent has unless it says otherwise."""

    instructions: Text | None = None
    """What the model is told."""


class Agent(AgentFields):
    """A phone agent."""

    name: Name
    """Its name; part of its URLs."""
    instructions: Text
    """What the model is told."""
