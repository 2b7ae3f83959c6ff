"""Twilio's answers, as far as they are read: a resource, a list of them, or why a request was refused."""

from __future__ import annotations

import msgspec


class Resource(msgspec.Struct):
    """What was made, changed or asked about."""

    sid: str = ""
    call_sid: str = ""
    status: str = ""


class Conferences(msgspec.Struct):
    """A page of conferences."""

    conferences: list[Resource]


class SentMessage(msgspec.Struct, frozen=True):
    """A message as Twilio has it; `date_created` is RFC 2822."""

    sid: str
    status: str = ""
    body: str | None = None
    num_media: str = "0"
    date_created: str = ""


class Messages(msgspec.Struct):
    """A page of messages."""

    messages: list[SentMessage]


class Refusal(msgspec.Struct):
    """Twilio's number for what is wrong."""

    code: int | None = None
