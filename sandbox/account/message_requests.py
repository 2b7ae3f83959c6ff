"""What a request to send a message may hold. No I/O.

Twilio: a body of at most 1600 characters, media, or a template (`ContentSid`); both sides of one channel;
who has said STOP to a number gets no SMS from it. The 24-hour window of WhatsApp is not looked at here:
such a message is taken, and fails later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.account.errors import ApiError
from sandbox.account.exchange import Asked
from sandbox.account.formats import is_e164, is_web_url
from sandbox.account.message_senders import sender_of

MAX_BODY = 1600
MAX_MEDIA = 10
WHATSAPP = "whatsapp:"


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """A checked `POST /Messages.json`; `body` is the template's text where one was named."""

    from_: str
    to: str
    body: str
    media_urls: tuple[str, ...]
    content_sid: str | None
    messaging_service_sid: str | None
    status_callback: str | None


def read_message_request(asked: Asked) -> MessageRequest:
    """Check the body of a message's creation. Raises ApiError."""
    single = asked.single
    to = _to(single)
    service_sid = single.get("MessagingServiceSid") or None
    from_ = _from(asked, to, service_sid)
    content_sid = single.get("ContentSid") or None
    body = single.get("Body", "")
    if content_sid is not None:
        body = _filled(asked, content_sid, single.get("ContentVariables") or "{}")
    media = asked.params.get("MediaUrl", ())
    if not body and not media:
        raise ApiError(400, 21602, "Message body is required.")
    if len(body) > MAX_BODY:
        raise ApiError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if len(media) > MAX_MEDIA or not all(is_web_url(url) for url in media):
        raise ApiError(400, 21620, "Invalid media URL(s)")
    if (to, from_) in asked.account.opted_out:
        raise ApiError(400, 21610, "Attempt to send to unsubscribed recipient")
    return MessageRequest(from_, to, body, tuple(media), content_sid, service_sid, _callback(single))


def _to(form: Mapping[str, str]) -> str:
    to = form.get("To", "")
    if not to:
        raise ApiError(400, 21604, "A 'To' phone number is required.")
    if not is_e164(to.removeprefix(WHATSAPP)):
        raise ApiError(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    return to


def _from(asked: Asked, to: str, service_sid: str | None) -> str:
    """Return the sender: the one that is named, or the first of the service for the channel."""
    named = asked.single.get("From", "")
    whatsapp = to.startswith(WHATSAPP)
    if not named and service_sid is None:
        raise ApiError(400, 21603, "A 'From' phone number is required.")
    if service_sid is not None:
        service = asked.account.messaging_services.get(service_sid)
        if service is None:
            raise ApiError(404, 20404, f"The requested resource {service_sid} was not found")
        members = service.channel_senders if whatsapp else service.phone_numbers
        found = [sender_of(asked.account, sid) for sid in members]
        named = named or next((one for one in found if one), "")
        if not named:
            raise ApiError(400, 21704, "The Messaging Service contains no senders for this channel.")
    if named.startswith(WHATSAPP) is not whatsapp:
        raise ApiError(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
    if whatsapp:
        online = any(one.sender_id == named and one.is_online for one in asked.account.senders.values())
        if not online:
            raise ApiError(
                400, 63007, f"Twilio could not find a Channel with the specified From address {named}"
            )
        return named
    record = asked.account.find(named, asked.region)
    if record is None or not record.capabilities.sms:
        raise ApiError(400, 21606, f"The 'From' phone number {named} is not a valid, SMS-capable number.")
    return named


def _filled(asked: Asked, content_sid: str, variables: str) -> str:
    """Return a template's text with its variables."""
    template = asked.account.templates.get(content_sid)
    if template is None:
        raise ApiError(400, 21655, f"The ContentSid {content_sid} is invalid")
    try:
        values = json.loads(variables)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
        raise ApiError(400, 21656, "The ContentVariables parameter is invalid")
    wanted = set(re.findall(r"\{\{(\w+)\}\}", template))
    if wanted - values.keys():
        raise ApiError(400, 21656, f"The ContentVariables lack {', '.join(sorted(wanted - values.keys()))}")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match[1]]), template)


def _callback(form: Mapping[str, str]) -> str | None:
    url = form.get("StatusCallback") or None
    if url is not None and not is_web_url(url):
        raise ApiError(400, 21609, "The StatusCallback URL is not valid")
    return url
