"""IncomingPhoneNumbers: one record per number and Region, and what an update may do to it.

Twilio: unset values are a mixture of null and "", an empty string clears a field, an omitted one
stays, an unknown one is ignored. `trunk_sid` and `voice_application_sid` exclude each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.formats import API_VERSION, is_sid, is_web_url, national, rfc2822, stable_sid

MAX_FRIENDLY_NAME = 64
MAX_URL = 4000


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
        values: dict[str, object] = asdict(self)
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
    changes: dict[str, object] = {}
    for name, value in form.items():
        rule = _RULES.get(name)
        if rule is not None:
            changes[_snake(name)] = rule(name, value)
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


def _url(name: str, value: str) -> str:
    if value and (not is_web_url(value) or len(value) > MAX_URL):
        raise ApiError(400, 21402, f"{name} is not valid")
    return value


def _callback_url(name: str, value: str) -> str:
    if value and (not is_web_url(value) or len(value) > MAX_URL):
        raise ApiError(400, 21502, f"{name} is not valid")
    return value


def _method(name: str, value: str) -> str:
    if value not in {"GET", "POST"}:
        raise ApiError(400, 21403, f"{name} is not valid")
    return value


def _friendly_name(name: str, value: str) -> str:
    if not 1 <= len(value) <= MAX_FRIENDLY_NAME:
        raise ApiError(400, 20002, f"{name} must be between 1 and {MAX_FRIENDLY_NAME} characters")
    return value


def _boolean(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise invalid_parameter(name, "must be true or false")
    return value == "true"


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def rule(name: str, value: str) -> str:
        if value not in allowed:
            raise invalid_parameter(name, f"must be one of {', '.join(allowed)}")
        return value

    return rule


def _sid(prefix: str) -> Callable[[str, str], str | None]:
    def rule(name: str, value: str) -> str | None:
        if value and not is_sid(value, prefix):
            raise invalid_parameter(name, f"must be a SID of the form {prefix}…, or empty")
        return value or None

    return rule


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_RULES: Mapping[str, Callable[[str, str], object]] = {
    "FriendlyName": _friendly_name,
    "VoiceUrl": _url,
    "VoiceMethod": _method,
    "VoiceFallbackUrl": _url,
    "VoiceFallbackMethod": _method,
    "VoiceCallerIdLookup": _boolean,
    "VoiceApplicationSid": _sid("AP"),
    "VoiceReceiveMode": _one_of("voice", "fax"),
    "TrunkSid": _sid("TK"),
    "StatusCallback": _callback_url,
    "StatusCallbackMethod": _method,
    "SmsUrl": _url,
    "SmsMethod": _method,
    "SmsFallbackUrl": _url,
    "SmsFallbackMethod": _method,
    "SmsApplicationSid": _sid("AP"),
    "AddressSid": _sid("AD"),
    "IdentitySid": _sid("RI"),
    "BundleSid": _sid("BU"),
    "EmergencyStatus": _one_of("Active", "Inactive"),
    "EmergencyAddressSid": _sid("AD"),
}
