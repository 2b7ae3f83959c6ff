"""Messages of the account, SMS and WhatsApp: the records that REST shows, and their media."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from sandbox.account.errors import ApiError
from sandbox.account.exchange import Answer, Asked, Media
from sandbox.account.formats import API_VERSION, new_sid, rfc2822
from sandbox.account.message_requests import read_message_request
from sandbox.account.paging import page

MessageStatus = Literal[
    "accepted", "queued", "sending", "sent", "delivered", "read", "undelivered", "failed", "received"
]
FINAL: frozenset[MessageStatus] = frozenset(("delivered", "read", "undelivered", "failed", "received"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, at Twilio's address, for the account's credentials only."""

    content_type: str
    body: bytes = field(repr=False)
    sid: str = field(default_factory=lambda: new_sid("ME"))


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `from_` and `to` are E.164, for WhatsApp after `whatsapp:`.

    `media` came with an inbound message; `media_urls` are what an outbound one shows; `content_sid` is the
    template that its body was made of. Who sent it through a Messaging Service names that.
    """

    account_sid: str
    from_: str
    to: str
    body: str
    direction: Literal["inbound", "outbound-api", "outbound-reply"]
    status: MessageStatus
    media: tuple[Attachment, ...] = ()
    media_urls: tuple[str, ...] = ()
    content_sid: str | None = None
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    sid: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: datetime | None = None

    @property
    def is_whatsapp(self) -> bool:
        """Whether the message goes over WhatsApp."""
        return self.from_.startswith("whatsapp:")

    @property
    def uri(self) -> str:
        """The record's address without its extension."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it; numbers of parts are strings."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": self.messaging_service_sid,
            "from": self.from_ or None,
            "to": self.to,
            "body": self.body,
            "direction": self.direction,
            "status": self.status,
            "num_media": str(len(self.media) + len(self.media_urls)),
            "num_segments": str(max(1, -(-len(self.body) // 160))),
            "error_code": self.error_code,
            "error_message": self.error_message,
            "price": None,
            "price_unit": "USD",
            "api_version": API_VERSION,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.sent or self.created),
            "date_sent": rfc2822(self.sent) if self.sent else None,
            "uri": f"{self.uri}.json",
            "subresource_uris": {"media": f"{self.uri}/Media.json"},
        }


@dataclass(frozen=True, slots=True)
class _Listed:
    """An attachment as the API shows it."""

    message: Message
    attachment: Attachment

    @property
    def sid(self) -> str:
        return self.attachment.sid

    def json(self) -> dict[str, object]:
        return {
            "sid": self.attachment.sid,
            "account_sid": self.message.account_sid,
            "parent_sid": self.message.sid,
            "content_type": self.attachment.content_type,
            "date_created": rfc2822(self.message.created),
            "date_updated": rfc2822(self.message.created),
            "uri": f"{self.message.uri}/Media/{self.attachment.sid}.json",
        }


def media_url(message: Message, attachment: Attachment) -> str:
    """Return where an attachment is fetched from."""
    return f"https://api.twilio.com{message.uri}/Media/{attachment.sid}"


def new_message_sid(*, has_media: bool) -> str:
    """Return a SID: MM… for a message with media, else SM…."""
    return new_sid("MM" if has_media else "SM")


def message_list(asked: Asked) -> Answer:
    """Answer `/Messages.json`: a list with filters, or a new message."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "GET":
        filters = asked.single
        shown = [one for one in reversed(account.messages.values()) if _matches(one, filters)]
        return Answer(200, page("messages", asked.path, shown, filters))
    request = read_message_request(asked)
    made = Message(
        account.sid,
        request.from_,
        request.to,
        request.body,
        "outbound-api",
        "accepted" if request.messaging_service_sid else "queued",
        media_urls=request.media_urls,
        content_sid=request.content_sid,
        messaging_service_sid=request.messaging_service_sid,
        status_callback=request.status_callback,
        sid=new_message_sid(has_media=bool(request.media_urls)),
        created=account.clock(),
    )
    account.messages[made.sid] = made
    if account.switchboard is not None:
        account.switchboard.send(made)
    return Answer(201, made.json())


def message(asked: Asked) -> Answer:
    """Answer `/Messages/{SM}.json`: look, redact with an empty body, delete what is over."""
    asked.only("GET", "POST", "DELETE")
    record = asked.found(asked.account.messages.get(asked.name))
    if asked.method == "GET":
        return Answer(200, record.json())
    if record.status not in FINAL:
        raise ApiError(400, 20009, "Cannot change a message that is not in a final state")
    if asked.method == "DELETE":
        del asked.account.messages[record.sid]
        return Answer(204, None)
    if asked.single.get("Body") == "":
        record = replace(record, body="")
        asked.account.messages[record.sid] = record
    return Answer(200, record.json())


def message_media_list(asked: Asked) -> Answer:
    """Answer `/Messages/{SM}/Media.json`."""
    asked.only("GET")
    record = asked.found(asked.account.messages.get(asked.names["message"]))
    shown = [_Listed(record, one) for one in record.media]
    return Answer(200, page("media_list", asked.path, shown, asked.single))


def message_media(asked: Asked) -> Answer:
    """Answer `/Messages/{SM}/Media/{ME}.json`."""
    asked.only("GET", "DELETE")
    record, attachment = _attachment(asked)
    if asked.method == "GET":
        return Answer(200, _Listed(record, attachment).json())
    left = tuple(one for one in record.media if one is not attachment)
    asked.account.messages[record.sid] = replace(record, media=left)
    return Answer(204, None)


def message_media_file(asked: Asked) -> Answer:
    """Answer `/Messages/{SM}/Media/{ME}`: the file itself."""
    asked.only("GET")
    _, attachment = _attachment(asked)
    return Answer(200, None, media=Media(attachment.content_type, attachment.body))


def _attachment(asked: Asked) -> tuple[Message, Attachment]:
    record = asked.found(asked.account.messages.get(asked.names["message"]))
    return record, asked.found(next((one for one in record.media if one.sid == asked.name), None))


def _matches(message: Message, filters: dict[str, str]) -> bool:
    return filters.get("To", message.to) == message.to and filters.get("From", message.from_) == message.from_
