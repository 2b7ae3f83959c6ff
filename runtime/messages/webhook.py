"""What Twilio says about messages in its webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.webhook import NotAWebhookError

if TYPE_CHECKING:
    from runtime.signature import Parameters

WHATSAPP: Final = "whatsapp:"
"""What addresses of WhatsApp begin with; those of SMS are bare numbers."""
MOST_FILES: Final = 10  # Twilio: of one message
LONGEST_TEXT: Final = 4_096  # characters; WhatsApp: of one message
_LONGEST_ADDRESS: Final = 64


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file that came with a message: where Twilio keeps it, and what it says that it is."""

    url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class MessageWebhook:
    """A message of a contact. Twilio: form fields; WhatsApp adds what was pressed, and places.

    `contact` and `ours` are addresses: `whatsapp:+…` on both sides, or bare numbers. `text` is what was
    written, pressed or pointed to, in words.
    """

    sid: str
    contact: str
    ours: str
    text: str
    files: tuple[FileReference, ...] = ()
    country: str | None = None

    @classmethod
    def read(cls, parameters: Parameters) -> MessageWebhook:
        """Read a request's parameters; unknown ones are ignored. Raises `NotAWebhookError`."""
        sid, contact, ours = (_short(parameters, name) for name in ("MessageSid", "From", "To"))
        if not (sid and contact and ours):
            raise NotAWebhookError("the request names no message (MessageSid, From, To)")
        return cls(sid, contact, ours, _text(parameters), _files(parameters), _country(parameters))

    @property
    def on_whatsapp(self) -> bool:
        """Whether it came by WhatsApp."""
        return self.contact.startswith(WHATSAPP)


@dataclass(frozen=True, slots=True)
class StatusWebhook:
    """What has become of a message of ours. Twilio: statuses come in any order, some of them twice."""

    sid: str
    status: str
    error_code: int | None

    @classmethod
    def read(cls, parameters: Parameters) -> StatusWebhook:
        """Read a request's parameters. Raises `NotAWebhookError`."""
        sid = _short(parameters, "MessageSid")
        status = _short(parameters, "MessageStatus").lower()
        if not (sid and status):
            raise NotAWebhookError("the request names no message and status (MessageSid, MessageStatus)")
        code = parameters.get("ErrorCode", "")
        known = code.isascii() and code.isdigit() and len(code) <= len("2147483647") - 1
        return cls(sid, status, int(code) if known and int(code) else None)


def _short(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "").strip()
    return value if len(value) <= _LONGEST_ADDRESS else ""


def _country(parameters: Parameters) -> str | None:
    country = parameters.get("FromCountry", "")
    return country if len(country) == len("US") else None


def _text(parameters: Parameters) -> str:
    """Return what the contact has written; a button's payload, and a place, in brackets behind it."""
    parts = [parameters.get("Body", "").strip() or parameters.get("ButtonText", "").strip()]
    payload = parameters.get("ButtonPayload") or parameters.get("ListId")
    if payload and payload != parts[0]:
        parts.append(f"[chosen: {payload[:LONGEST_TEXT]}]")
    latitude, longitude = parameters.get("Latitude"), parameters.get("Longitude")
    if latitude and longitude:
        names = (parameters.get("Label"), parameters.get("Address"))
        place = ", ".join([f"{latitude} {longitude}", *(name for name in names if name)])
        parts.append(f"[location: {place[:LONGEST_TEXT]}]")
    return " ".join(part for part in parts if part)[:LONGEST_TEXT]


def _files(parameters: Parameters) -> tuple[FileReference, ...]:
    files = []
    for number in range(MOST_FILES):
        url = parameters.get(f"MediaUrl{number}")
        if url:
            content_type = parameters.get(f"MediaContentType{number}", "").partition(";")[0]
            files.append(FileReference(url, content_type.strip().lower()))
    return tuple(files)
