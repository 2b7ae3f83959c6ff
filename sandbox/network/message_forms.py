"""The parameters of Twilio's requests about messages. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.account.formats import API_VERSION
from sandbox.account.message_requests import WHATSAPP
from sandbox.account.messages import Message, media_url
from sandbox.network.routing import country_of
from sandbox.network.webhooks import Form


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a template that somebody pressed; the app sees its payload."""

    text: str
    payload: str = ""


def inbound_form(
    message: Message, *, name: str = "", button: Button | None = None, replied_to: str = ""
) -> Form:
    """Return the parameters of an inbound message. `name` is how the person calls himself on WhatsApp."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.from_,
        "To": message.to,
        "Body": message.body,
        "NumMedia": str(len(message.media)),
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": API_VERSION,
    }
    if message.messaging_service_sid:
        form["MessagingServiceSid"] = message.messaging_service_sid
    for number, attachment in enumerate(message.media):
        form[f"MediaUrl{number}"] = media_url(message, attachment)
        form[f"MediaContentType{number}"] = attachment.content_type
    form |= _of_whatsapp(message, name, button, replied_to) if message.is_whatsapp else _places(message)
    return tuple(form.items())


def status_form(message: Message, install_sid: str) -> Form:
    """Return the parameters of a status callback. `install_sid` is the WhatsApp sender's (XE…)."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
        "From": message.from_,
        "To": message.to,
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
    }
    if message.messaging_service_sid:
        form["MessagingServiceSid"] = message.messaging_service_sid
    if message.error_code is not None:
        form |= {"ErrorCode": str(message.error_code), "ErrorMessage": message.error_message or ""}
    if message.is_whatsapp:
        form |= {
            "ChannelPrefix": "whatsapp",
            "ChannelInstallSid": install_sid,
            "ChannelToAddress": message.to.removeprefix(WHATSAPP),
        }
        if message.status in {"read", "delivered"}:
            form["EventType"] = message.status.upper()
    return tuple(form.items())


def _of_whatsapp(message: Message, name: str, button: Button | None, replied_to: str) -> dict[str, str]:
    kind = message.media[0].content_type.partition("/")[0] if message.media else "text"
    form = {
        "ProfileName": name,
        "WaId": message.from_.removeprefix(f"{WHATSAPP}+"),
        "MessageType": "button" if button else {"application": "document"}.get(kind, kind),
        "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": {"ProfileName": name}}}),
    }
    if button is not None:
        form |= {"ButtonText": button.text, "ButtonPayload": button.payload, "ButtonType": "REPLY"}
    if replied_to:
        form["OriginalRepliedMessageSid"] = replied_to
    return form


def _places(message: Message) -> dict[str, str]:
    form = {"FromCountry": country_of(message.from_), "ToCountry": country_of(message.to)}
    for side in ("From", "To"):
        form |= {f"{side}City": "", f"{side}State": "", f"{side}Zip": ""}
    return form
