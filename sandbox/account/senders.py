"""WhatsApp senders (v2 Channels): JSON both ways, and changes that take a while.

Twilio: creating and updating answer 202; the record is then read until it has settled. What a read shows
meanwhile is not documented: here it is the old values, the harder case for a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta

from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import is_e164, is_web_url, new_sid
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.account.paging import meta_page

CHANNELS = ("whatsapp", "messenger", "rcs")
UPDATING = "ONLINE:UPDATING"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a sender's messages and their status go."""

    callback_url: str | None = None
    callback_method: str | None = "POST"
    fallback_url: str | None = None
    fallback_method: str | None = "POST"
    status_callback_url: str | None = None
    status_callback_method: str | None = "POST"


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a sender is registered, and the application that takes its voice calls."""

    waba_id: str | None = None
    verification_method: str | None = None
    verification_code: str | None = None
    voice_application_sid: str | None = None
    account_type: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What people see of a sender."""

    name: str | None = None
    about: str | None = None
    address: str | None = None
    description: str | None = None
    logo_url: str | None = None
    banner_url: str | None = None
    privacy_url: str | None = None
    terms_of_service_url: str | None = None
    accent_color: str | None = None
    vertical: str | None = None
    websites: object = None
    emails: object = None
    phone_numbers: object = None


@dataclass(frozen=True, slots=True)
class Sender:
    """One sender; `sender_id` is `whatsapp:` and a number. At `settles_at`, `pending` takes its place."""

    sender_id: str
    sid: str = ""
    status: str = "ONLINE"
    webhook: Webhook = field(default_factory=Webhook)
    configuration: Configuration = field(default_factory=Configuration)
    profile: Profile = field(default_factory=Profile)
    region: str = DEFAULT_REGION
    pending: Sender | None = None
    settles_at: datetime | None = None

    @property
    def is_online(self) -> bool:
        """Whether messages can be sent from it."""
        return self.status in {"ONLINE", UPDATING}

    def settled(self, now: datetime) -> Sender:
        """Return the sender as it is now: its pending change has been made, or is still to come."""
        if self.pending is not None and self.settles_at is not None and now >= self.settles_at:
            return self.pending
        return self

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        return {
            "sid": self.sid,
            "status": self.status,
            "sender_id": self.sender_id,
            "configuration": asdict(self.configuration),
            "webhook": asdict(self.webhook),
            "profile": asdict(self.profile),
            "properties": {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"},
            "offline_reasons": None,
            "compliance": None,
            "url": f"https://messaging.twilio.com/v2/Channels/Senders/{self.sid}",
        }


_SECTIONS = {
    "webhook": frozenset(one.name for one in fields(Webhook)),
    "configuration": frozenset(one.name for one in fields(Configuration)),
    "profile": frozenset(one.name for one in fields(Profile)),
}


def sender_list(asked: Asked) -> Answer:
    """Answer `/v2/Channels/Senders`; a list needs `Channel`."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "POST":
        return _create(asked)
    channel = asked.single.get("Channel")
    if channel not in CHANNELS:
        raise invalid_parameter("Channel", f"must be one of {', '.join(CHANNELS)}")
    now = account.clock()
    shown = [
        one.settled(now)
        for one in reversed(account.senders.values())
        if one.region == asked.region and one.sender_id.startswith(f"{channel}:")
    ]
    return Answer(200, meta_page("senders", asked.url, shown, asked.single))


def sender(asked: Asked) -> Answer:
    """Answer `/v2/Channels/Senders/{XE}`."""
    asked.only("GET", "POST", "DELETE")
    account = asked.account
    record = _sender(asked)
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        del account.senders[record.sid]
        return Answer(204, None)
    account.before_change(record.sid)
    record = _sender(asked)
    # An update on the way is overtaken, not lost.
    changed = _changed(record.pending or record, _document(asked))
    account.senders[record.sid] = replace(
        record,
        status=UPDATING,
        pending=replace(changed, status="ONLINE", pending=None, settles_at=None),
        settles_at=account.clock() + timedelta(seconds=account.sender_update_seconds),
    )
    account.record_update("sender", record.json(), changed.json(), asked.actor)
    return Answer(202, replace(changed, status=UPDATING).json())


def _create(asked: Asked) -> Answer:
    account, document = asked.account, _document(asked)
    sender_id = document.get("sender_id")
    if not isinstance(sender_id, str) or not is_e164(sender_id.removeprefix("whatsapp:")):
        raise invalid_parameter("sender_id", "must be whatsapp: and a number in E.164")
    if any(one.sender_id == sender_id for one in account.senders.values()):
        raise ApiError(409, 20409, f"{sender_id} is registered already")
    online = _changed(Sender(sender_id, new_sid("XE"), region=asked.region), document)
    settles_at = account.clock() + timedelta(seconds=account.sender_update_seconds)
    made = replace(online, status="CREATING", pending=online, settles_at=settles_at)
    account.senders[made.sid] = made
    return Answer(202, made.json())


def _sender(asked: Asked) -> Sender:
    record = asked.account.senders.get(asked.name)
    if record is None or record.region != asked.region:
        return asked.found(None)
    record = record.settled(asked.account.clock())
    asked.account.senders[record.sid] = record
    return record


def _document(asked: Asked) -> Mapping[str, object]:
    if not isinstance(asked.document, dict):
        raise ApiError(400, 20001, "The body must be a JSON object, with its Content-Type")
    return asked.document


def _changed(record: Sender, document: Mapping[str, object]) -> Sender:
    """Return the sender with the fields that the sections of the document name; null clears one."""
    voice = _section(document, "configuration")
    return replace(
        record,
        webhook=replace(record.webhook, **_checked_webhook(_section(document, "webhook"))),
        configuration=replace(record.configuration, **voice),  # type: ignore[arg-type]  # see _section
        profile=replace(record.profile, **_section(document, "profile")),  # type: ignore[arg-type]  # same
    )


def _section(document: Mapping[str, object], name: str) -> dict[str, object]:
    """Return the fields of a section that the sandbox has; values are strings, lists of objects, or null."""
    section = document.get(name) or {}
    if not isinstance(section, dict):
        raise invalid_parameter(name, "must be an object")
    known = _SECTIONS[name]
    for field_name, value in section.items():
        if field_name in known and not isinstance(value, (str, list, type(None))):
            raise invalid_parameter(f"{name}.{field_name}", "must be a string or null")
    return {field_name: value for field_name, value in section.items() if field_name in known}


def _checked_webhook(section: Mapping[str, object]) -> dict[str, str | None]:
    checked: dict[str, str | None] = {}
    for name, value in section.items():
        if isinstance(value, list):
            raise invalid_parameter(f"webhook.{name}", "must be a string or null")
        text = value if isinstance(value, str) and value else None
        if text and name.endswith("_url") and not is_web_url(text):
            raise invalid_parameter(f"webhook.{name}", "must be an absolute URL")
        if text and name in {"callback_method", "fallback_method"} and text not in {"POST", "PUT"}:
            raise invalid_parameter(f"webhook.{name}", "must be POST or PUT")
        checked[name] = text
    return checked
