"""What is known of a contact and of the messages to and from them: values between store and worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.messages.webhook import WHATSAPP, FileReference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.call_record import CallRecord, JsonValue

# WhatsApp: free text reaches somebody within 24 hours of their last message; after that a template does.
WINDOW_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class ContactKey:
    """A contact of an agent: `contact` is `whatsapp:+…`, or a bare number for SMS."""

    agent: str
    contact: str

    @property
    def on_whatsapp(self) -> bool:
        """Whether they write by WhatsApp."""
        return self.contact.startswith(WHATSAPP)

    @property
    def number(self) -> str:
        """The contact's number in E.164."""
        return self.contact.removeprefix(WHATSAPP)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message of the contact that is not answered yet; `at` is when it came (epoch ms)."""

    sid: str
    at: int
    text: str
    files: tuple[FileReference, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return what the store keeps of its content."""
        files: list[JsonValue] = [{"url": file.url, "content_type": file.content_type} for file in self.files]
        return {"text": self.text, "files": files}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to be sent. `name` is ours for it, `item_id` the transcript's turn it is part of.

    `media` are public addresses; a template (`content_sid` with `variables`) has no text of its own.
    `is_notice`: it tells a contact that they get no more, so that they get this one all the same.
    """

    name: str
    item_id: str | None
    text: str = ""
    media: tuple[str, ...] = ()
    content_sid: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    is_notice: bool = False
    status: str = "waiting"
    at: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """Return what the store keeps of its content."""
        return {
            "text": self.text,
            "media": [*self.media],
            "content_sid": self.content_sid,
            "variables": dict(self.variables),
            "is_notice": self.is_notice,
        }


@dataclass(frozen=True, slots=True)
class Contact:
    """How it stands with a contact: what is known, what waits to be answered, what waits to be sent.

    `record` is that of the conversation that is open, which is over at `idle_at` (epoch ms); without one,
    `idle_at` is until when further messages are part of what was refused. `owes`: their words are in the
    record, and an answer is not. `failed`: the last answer was that there is none.
    """

    key: ContactKey
    ours: str
    country: str | None = None
    opted_out: bool = False
    last_in_at: int | None = None
    record: CallRecord | None = None
    idle_at: int | None = None
    owes: bool = False
    failed: bool = False
    waiting: tuple[Inbound, ...] = ()
    outbox: tuple[Outgoing, ...] = ()

    def takes_free_text(self, now: int) -> bool:
        """Tell whether anything but a template reaches them at `now` (epoch ms)."""
        if not self.key.on_whatsapp:
            return True
        return self.last_in_at is not None and now - self.last_in_at < WINDOW_MS


@dataclass(frozen=True, slots=True)
class Change:
    """What a step of work changes, all of it at once.

    `record` is stored; `is_open` tells whether the conversation goes on. For `idle_at` see `Contact`.
    `taken` are the messages that need no answer any more. None of `opted_out` leaves it as it is.
    """

    record: CallRecord | None
    is_open: bool
    idle_at: int | None = None
    taken: tuple[str, ...] = ()
    outbox: tuple[Outgoing, ...] = ()
    owes: bool = False
    failed: bool = False
    opted_out: bool | None = None


def inbound_of(sid: str, at: int, content: Mapping[str, object]) -> Inbound:
    """Return a message of the contact as the store has it."""
    files = content["files"]
    assert isinstance(files, list)
    return Inbound(sid, at, str(content["text"]), tuple(FileReference(**file) for file in files))


def outgoing_of(
    name: str, item_id: str | None, status: str, at: int, content: Mapping[str, object]
) -> Outgoing:
    """Return a message of ours as the store has it."""
    media, variables, content_sid = content["media"], content["variables"], content["content_sid"]
    assert isinstance(media, list)
    assert isinstance(variables, dict)
    return Outgoing(
        name,
        item_id,
        str(content["text"]),
        tuple(media),
        None if content_sid is None else str(content_sid),
        tuple(variables.items()),
        bool(content["is_notice"]),
        status,
        at,
    )
