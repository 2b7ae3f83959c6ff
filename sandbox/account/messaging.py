"""Messaging Services (v1): where messages to the numbers and senders of a service go.

Twilio: a service's `inbound_request_url` goes before a number's own `sms_url` unless
`use_inbound_webhook_on_number` is set; null means that inbound messages are not received at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sandbox.account import parameters
from sandbox.account.errors import ApiError, not_found
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import country_of, iso8601, new_sid
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.account.numbers import PhoneNumber
from sandbox.account.paging import meta_page
from sandbox.account.parameters import Rule

_BASE = "https://messaging.twilio.com/v1/Services"
_LINKS = {
    "phone_numbers": "PhoneNumbers",
    "short_codes": "ShortCodes",
    "alpha_senders": "AlphaSenders",
    "channel_senders": "ChannelSenders",
    "destination_alpha_senders": "DestinationAlphaSenders",
    "messages": "Messages",
    "us_app_to_person": "Compliance/Usa2p",
    "us_app_to_person_usecases": "Compliance/Usa2p/Usecases",
}


@dataclass(frozen=True, slots=True)
class MessagingService:
    """One service. `phone_numbers` and `channel_senders` are the SIDs (PN…, XE…) of its members."""

    friendly_name: str
    sid: str = ""
    inbound_request_url: str | None = None
    inbound_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    use_inbound_webhook_on_number: bool = False
    sticky_sender: bool = True
    mms_converter: bool = True
    smart_encoding: bool = True
    scan_message_content: str = "inherit"
    fallback_to_long_code: bool = True
    area_code_geomatch: bool = True
    synchronous_validation: bool = False
    validity_period: int = 36000
    usecase: str = "undeclared"
    phone_numbers: tuple[str, ...] = ()
    channel_senders: tuple[str, ...] = ()
    account_sid: str = ""
    region: str = DEFAULT_REGION
    date_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    date_updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        url = f"{_BASE}/{self.sid}"
        answered = {name: getattr(self, name) for name in _ANSWERED}
        return answered | {
            "us_app_to_person_registered": False,
            "date_created": iso8601(self.date_created),
            "date_updated": iso8601(self.date_updated),
            "url": url,
            "links": {name: f"{url}/{path}" for name, path in _LINKS.items()},
        }


@dataclass(frozen=True, slots=True)
class _Member:
    """A number or sender as the lists of its service show it."""

    sid: str
    answered: Mapping[str, object]

    def json(self) -> dict[str, object]:
        return dict(self.answered)


def service_list(asked: Asked) -> Answer:
    """Answer `/v1/Services`."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "GET":
        shown = [one for one in reversed(account.messaging_services.values()) if one.region == asked.region]
        return Answer(200, meta_page("services", asked.url, shown, asked.single))
    form = parameters.read(asked.single, _RULES)
    if "friendly_name" not in form:
        raise ApiError(400, 20001, "Missing required parameter FriendlyName in the post body")
    now = account.clock()
    blank = MessagingService(
        "", new_sid("MG"), account_sid=account.sid, region=asked.region, date_created=now, date_updated=now
    )
    made = replace(blank, **form)  # type: ignore[arg-type]  # keys and types come from _RULES
    account.messaging_services[made.sid] = made
    return Answer(201, made.json())


def service(asked: Asked) -> Answer:
    """Answer `/v1/Services/{MG}`."""
    asked.only("GET", "POST", "DELETE")
    account = asked.account
    record = _service(asked)
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        del account.messaging_services[record.sid]
        return Answer(204, None)
    account.before_change(record.sid)
    record = _service(asked)
    changes = parameters.read(asked.single, _RULES)
    after = replace(record, **changes, date_updated=account.clock())  # type: ignore[arg-type]  # as above
    account.messaging_services[after.sid] = after
    account.record_update("messaging-service", record.json(), after.json(), asked.actor)
    return Answer(200, after.json())


def service_numbers(asked: Asked) -> Answer:
    """Answer `/v1/Services/{MG}/PhoneNumbers`: its numbers, or one more."""
    asked.only("GET", "POST")
    record = _service(asked)
    if asked.method == "GET":
        owned = (sid for sid in record.phone_numbers if asked.account.find(sid, asked.region) is not None)
        shown = [_number_of(asked, record, sid) for sid in owned]
        return Answer(200, meta_page("phone_numbers", asked.url, shown, asked.single))
    sid = asked.single.get("PhoneNumberSid", "")
    if asked.account.find(sid, asked.region) is None:
        raise not_found(asked.path)
    for other in asked.account.messaging_services.values():
        if sid in other.phone_numbers:
            code = 21710 if other.sid == record.sid else 21712
            raise ApiError(409, code, "Phone Number or Short Code is in a Messaging Service already")
    asked.account.messaging_services[record.sid] = replace(record, phone_numbers=(*record.phone_numbers, sid))
    return Answer(201, _number_of(asked, record, sid).json())


def service_number(asked: Asked) -> Answer:
    """Answer `/v1/Services/{MG}/PhoneNumbers/{PN}`."""
    asked.only("GET", "DELETE")
    record, sid = _service(asked), asked.names["member"]
    if sid not in record.phone_numbers:
        raise not_found(asked.path)
    if asked.method == "GET":
        return Answer(200, _number_of(asked, record, sid).json())
    left = tuple(one for one in record.phone_numbers if one != sid)
    asked.account.messaging_services[record.sid] = replace(record, phone_numbers=left)
    return Answer(204, None)


def service_senders(asked: Asked) -> Answer:
    """Answer `GET /v1/Services/{MG}/ChannelSenders`."""
    asked.only("GET")
    record = _service(asked)
    senders = (asked.account.senders.get(sid) for sid in record.channel_senders)
    shown = [_sender_of(asked, record, one.sid, one.sender_id) for one in senders if one is not None]
    return Answer(200, meta_page("senders", asked.url, shown, asked.single))


def _service(asked: Asked) -> MessagingService:
    record = asked.account.messaging_services.get(asked.name)
    return asked.found(record if record is not None and record.region == asked.region else None)


def _number_of(asked: Asked, record: MessagingService, sid: str) -> _Member:
    """Show a number as a member. Twilio: its capabilities are a list here."""
    number = asked.found(asked.account.find(sid, asked.region))
    return _Member(
        sid,
        {
            "sid": sid,
            "account_sid": number.account_sid,
            "service_sid": record.sid,
            "date_created": iso8601(number.date_created),
            "date_updated": iso8601(number.date_updated),
            "phone_number": number.phone_number,
            "country_code": country_of(number.phone_number),
            "capabilities": _capabilities(number),
            "url": f"{_BASE}/{record.sid}/PhoneNumbers/{sid}",
        },
    )


def _sender_of(asked: Asked, record: MessagingService, sid: str, sender_id: str) -> _Member:
    return _Member(
        sid,
        {
            "sid": sid,
            "account_sid": asked.account.sid,
            "messaging_service_sid": record.sid,
            "sender": sender_id,
            "sender_type": "WhatsApp",
            "country_code": country_of(sender_id.partition(":")[2]),
            "date_created": iso8601(record.date_created),
            "date_updated": iso8601(record.date_updated),
            "url": f"{_BASE}/{record.sid}/ChannelSenders/{sid}",
        },
    )


def _capabilities(number: PhoneNumber) -> list[str]:
    can = number.capabilities
    return [
        name
        for name, has in (("Voice", can.voice), ("SMS", can.sms), ("MMS", can.mms), ("Fax", can.fax))
        if has
    ]


_RULES: Mapping[str, Rule] = {
    "FriendlyName": parameters.friendly_name,
    "InboundRequestUrl": parameters.url(),
    "InboundMethod": parameters.method(),
    "FallbackUrl": parameters.url(),
    "FallbackMethod": parameters.method(),
    "StatusCallback": parameters.url(),
    "UseInboundWebhookOnNumber": parameters.boolean,
    "StickySender": parameters.boolean,
    "MmsConverter": parameters.boolean,
    "SmartEncoding": parameters.boolean,
    "ScanMessageContent": parameters.one_of("inherit", "enable", "disable"),
    "FallbackToLongCode": parameters.boolean,
    "AreaCodeGeomatch": parameters.boolean,
    "SynchronousValidation": parameters.boolean,
    "ValidityPeriod": parameters.whole_number(1, 36000),
    "Usecase": parameters.text,
}

_ANSWERED = ("sid", "account_sid", *(parameters.snake(name) for name in _RULES))
