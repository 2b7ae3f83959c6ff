"""`Campaign`: whom an agent calls by itself, when, how often, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from schemas.calling_hours import DayRange, TimeZone, Window
from schemas.declared import Declared
from schemas.fields import Name, OneOrMore, PhoneNumber, choice

VoicemailName = Literal["hang_up", "message", "retry"]

OFFICE_HOURS = {"mon-fri": ("09:00-18:00",)}


class Campaign(Declared):
    """A list of people whom an agent calls."""

    name: Name
    """Its name, by which it is run and asked about."""
    agent: Name
    """The agent that calls."""
    leads: Path
    """Who is called: CSV with a header, or JSON lines (.jsonl); the path is relative to the YAML file."""
    numbers: Annotated[tuple[PhoneNumber, ...], OneOrMore()] = ()
    """Which of the agent's numbers it calls from; all of them when absent."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 2
    """How often somebody who was not reached is called again."""
    cooldown: Annotated[float, Field(ge=0, le=2_592_000)] = 3600
    """How long to wait before somebody is called again, in seconds."""
    calls_per_second: Annotated[float, Field(gt=0, le=100)] = 1
    """How many calls are placed a second at most; Twilio queues what goes beyond the account's limit."""
    max_concurrent_calls: Annotated[int, Field(ge=1)] | None = None
    """How many of its calls there are at a time; the agent's own limit holds in any case."""
    max_concurrent_per_number: Annotated[int, Field(ge=1)] | None = None
    """How many of its calls there are at a time from each of the numbers; no limit when absent."""
    hours: Annotated[Mapping[DayRange, Annotated[tuple[Window, ...], OneOrMore()]], Field(min_length=1)] = (
        Field(default_factory=lambda: dict(OFFICE_HOURS))
    )
    """When people may be called, by their own clocks: {mon-thu: 09:00-18:00, fri: [09:00-12:00]}."""
    holidays: Annotated[tuple[date, ...], OneOrMore()] = ()
    """Days on which nobody is called, such as 2026-12-25."""
    time_zone: TimeZone | None = None
    """The time zone of people whose own is neither in the list nor told by their number."""
    ring_seconds: Annotated[int, Field(ge=5, le=600)] = 30
    """How long it rings before nobody is there, in seconds."""
    voicemail: Annotated[VoicemailName, choice(VoicemailName)] = "hang_up"
    """What happens at an answering machine: hang up, leave the message, or hang up and call again later."""
    voicemail_message: Annotated[str, Field(min_length=1, max_length=3000)] | None = None
    """What is said to an answering machine after its beep."""
    do_not_call: Annotated[tuple[Path, ...], OneOrMore()] = ()
    """Files of numbers that are never called, in the form of the leads."""
