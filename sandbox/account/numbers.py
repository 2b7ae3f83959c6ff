"""IncomingPhoneNumbers: one record per number and Region, and what an update may do to it.

Twilio: unset values are a mixture of null and "", an empty string clears a field, an omitted one
stays, an unknown one is ignored. `trunk_sid` and `voice_application_sid` exclude each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime

from sandbox.account import parameters
from sandbox.account.errors import ApiError
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, is_e164, national, rfc2822, stable_sid
from sandbox.account.paging import page
from sandbox.account.parameters import Rule

# What a bought number is configured with, until somebody changes it.
DEMO_VOICE_URL = "https://demo.twilio.com/welcome/voice/"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a number can do."""

    voice: bool = True
    sms: bool = True
    mms: bool = True
    fax: bool = False


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One IncomingPhoneNumber as one Region has it. Field names are those of the API's answer."""

    account_sid: str
    phone_number: str
    sid: str = ""
    friendly_name: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    voice_url: str | None = None
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    voice_fallback_method: str = "POST"
    voice_caller_id_lookup: bool = False
    voice_application_sid: str | None = ""
    voice_receive_mode: str = "voice"
    trunk_sid: str | None = None
    status_callback: str | None = ""
    status_callback_method: str = "POST"
    sms_url: str | None = ""
    sms_method: str = "POST"
    sms_fallback_url: str | None = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str | None = ""
    address_sid: str | None = None
    identity_sid: str | None = None
    bundle_sid: str | None = None
    emergency_status: str = "Inactive"
    emergency_address_sid: str | None = None
    date_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    date_updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def new(cls, account_sid: str, phone_number: str) -> PhoneNumber:
        """Return a number as it is before anybody has configured it, under its stable SID."""
        return cls(
            account_sid=account_sid,
            phone_number=phone_number,
            sid=stable_sid("PN", f"{account_sid}/{phone_number}"),
            friendly_name=national(phone_number),
        )

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        values: dict[str, object] = {name: getattr(self, name) for name in _ANSWERED}
        values["capabilities"] = asdict(self.capabilities)
        values["date_created"] = rfc2822(self.date_created)
        values["date_updated"] = rfc2822(self.date_updated)
        return values | {
            "api_version": API_VERSION,
            "beta": False,
            "address_requirements": "none",
            "emergency_address_status": "unregistered",
            "origin": "twilio",
            "status": "in-use",
            "type": "local",
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/IncomingPhoneNumbers/{self.sid}.json",
        }


_ANSWERED = tuple(one.name for one in fields(PhoneNumber))


def number_list(asked: Asked) -> Answer:
    """Answer `/IncomingPhoneNumbers.json`: a list with filters, or a number that is bought."""
    asked.only("GET", "POST")
    if asked.method == "POST":
        return Answer(201, _buy(asked).json())
    filters = asked.single
    shown = [one for one in asked.account.numbers(asked.region) if matches(one, filters)]
    return Answer(200, page("incoming_phone_numbers", asked.path, shown, filters))


def number(asked: Asked) -> Answer:
    """Answer `/IncomingPhoneNumbers/{PN}.json`."""
    asked.only("GET", "POST", "DELETE")
    account = asked.account
    found = account.find(asked.name, asked.region)
    record = asked.found(found if found is not None and found.sid == asked.name else None)
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        account.release(record.sid)
        account.record_event("phone-number.deleted", record.sid, asked.actor)
        return Answer(204, None)
    if account.faults.before_update is not None:
        account.faults.before_update(record)
    account.before_change(record.sid)
    record = account.number(record.phone_number, asked.region)
    after = updated(record, asked.single, _applications(asked), account.clock())
    account.put(after, asked.region)
    answered = after.json()
    account.record_update("phone-number", record.json(), answered, asked.actor)
    return Answer(200, answered)


def _buy(asked: Asked) -> PhoneNumber:
    """Buy a number, with the magic numbers of Twilio's test credentials."""
    form = asked.single
    wanted = form.get("PhoneNumber", "")
    if not wanted and form.get("AreaCode"):
        if form["AreaCode"] == "533":
            raise ApiError(400, 21452, f"No phone numbers found in area code {form['AreaCode']}")
        taken = len(asked.account.numbers()) + 1
        wanted = f"+1{form['AreaCode']}555{taken:04d}"
    if not is_e164(wanted) or wanted == "+15005550001":
        raise ApiError(400, 21421, f"{wanted} is not a valid number")
    if wanted == "+15005550000" or asked.account.find(wanted):
        raise ApiError(400, 21422, f"{wanted} is not available")
    blank = PhoneNumber.new(asked.account.sid, wanted)
    given = {"VoiceUrl": DEMO_VOICE_URL} | form
    record = updated(blank, given, _applications(asked), asked.account.clock())
    asked.account.add(record, asked.region)
    asked.account.record_event("phone-number.created", record.sid, asked.actor)
    return record


def _applications(asked: Asked) -> frozenset[str]:
    """Return the applications that a number of this Region can be given."""
    return frozenset(one.sid for one in asked.account.applications.values() if one.region == asked.region)


def updated(
    record: PhoneNumber,
    form: Mapping[str, str],
    known_applications: frozenset[str],
    now: datetime,
) -> PhoneNumber:
    """Return `record` with the parameters of an update applied, all or none.

    `form` is the request's body by PascalCase name. Raises ApiError with Twilio's code for the first
    parameter that is refused.
    """
    changes = parameters.read(form, _RULES)
    account = form.get("AccountSid", record.account_sid)
    if account != record.account_sid:
        raise ApiError(400, 21470, "The number cannot be moved: the sandbox has one account")
    _check_applications(changes, known_applications)
    _keep_one_driver(changes)
    after = replace(record, **changes, date_updated=now)  # type: ignore[arg-type]  # keys and types come from _RULES
    _check_fallbacks(after, changes)
    if changes.keys() & {"sms_url", "sms_fallback_url", "sms_application_sid"}:
        _check_sms(after)
    return after


def matches(record: PhoneNumber, filters: Mapping[str, str]) -> bool:
    """Tell whether a list with these filters shows the number.

    `PhoneNumber` matches any part, with `*` for any run of characters; `FriendlyName` matches exactly.
    """
    wanted = filters.get("PhoneNumber")
    if wanted:
        pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
        if re.search(pattern, record.phone_number) is None:
            return False
    name = filters.get("FriendlyName")
    if name and name != record.friendly_name:
        return False
    return filters.get("Beta") != "true" and filters.get("Origin", "twilio") == "twilio"


def _check_applications(changes: Mapping[str, object], known: frozenset[str]) -> None:
    for name in ("voice_application_sid", "sms_application_sid"):
        sid = changes.get(name)
        if isinstance(sid, str) and sid and sid not in known:
            raise ApiError(400, 21420, f"The application {sid} is not accessible")


def _keep_one_driver(changes: dict[str, object]) -> None:
    """Let a trunk end an application and the other way round (a trunk wins when both are given)."""
    if changes.get("trunk_sid"):
        changes["voice_application_sid"] = ""
    elif changes.get("voice_application_sid"):
        changes["trunk_sid"] = None


def _check_fallbacks(after: PhoneNumber, changes: Mapping[str, object]) -> None:
    if (
        changes.keys() & {"voice_url", "voice_fallback_url"}
        and after.voice_fallback_url
        and not after.voice_url
    ):
        raise ApiError(400, 21405, "Cannot set VoiceFallbackUrl without setting VoiceUrl")
    if changes.keys() & {"sms_url", "sms_fallback_url"} and after.sms_fallback_url and not after.sms_url:
        raise ApiError(400, 21406, "Cannot set SmsFallbackUrl without setting SmsUrl")


def _check_sms(after: PhoneNumber) -> None:
    if not after.capabilities.sms and (after.sms_url or after.sms_fallback_url or after.sms_application_sid):
        raise ApiError(400, 21407, "This Phone Number type does not support SMS")


_RULES: Mapping[str, Rule] = {
    "FriendlyName": parameters.friendly_name,
    "VoiceUrl": parameters.url(21402, cleared=""),
    "VoiceMethod": parameters.method(21403),
    "VoiceFallbackUrl": parameters.url(21402, cleared=""),
    "VoiceFallbackMethod": parameters.method(21403),
    "VoiceCallerIdLookup": parameters.boolean,
    "VoiceApplicationSid": parameters.sid("AP"),
    "VoiceReceiveMode": parameters.one_of("voice", "fax"),
    "TrunkSid": parameters.sid("TK"),
    "StatusCallback": parameters.url(21502, cleared=""),
    "StatusCallbackMethod": parameters.method(21403),
    "SmsUrl": parameters.url(21402, cleared=""),
    "SmsMethod": parameters.method(21403),
    "SmsFallbackUrl": parameters.url(21402, cleared=""),
    "SmsFallbackMethod": parameters.method(21403),
    "SmsApplicationSid": parameters.sid("AP"),
    "AddressSid": parameters.sid("AD"),
    "IdentitySid": parameters.sid("RI"),
    "BundleSid": parameters.sid("BU"),
    "EmergencyStatus": parameters.one_of("Active", "Inactive"),
    "EmergencyAddressSid": parameters.sid("AD"),
}

EDITABLE = frozenset(parameters.snake(name) for name in _RULES)
"""The fields that an update can change."""
