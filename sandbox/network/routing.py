"""Which documents answer a number, and the parameters of the requests for them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.account.account import Account
from sandbox.account.applications import Application
from sandbox.account.call_requests import Instructions
from sandbox.account.calls import Call, CallStatus
from sandbox.account.formats import API_VERSION, rfc2822
from sandbox.account.numbers import PhoneNumber
from sandbox.network.flow import Target
from sandbox.network.verbs import Callback
from sandbox.network.webhooks import Form

# Calling codes of the countries in the examples; Twilio knows them all.
_COUNTRIES = {"+1": "US", "+31": "NL", "+33": "FR", "+353": "IE", "+44": "GB", "+49": "DE", "+61": "AU"}


@dataclass(frozen=True, slots=True)
class Route:
    """What drives a call."""

    target: Target
    callback: Callback | None = None
    application_sid: str | None = None
    caller_name: bool = False


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Why a call to a number cannot be answered."""

    reason: str


def route_inbound(record: PhoneNumber, account: Account) -> Route | NoRoute:
    """Return what answers a call to a number. Twilio: trunk before application before voice URL."""
    if record.trunk_sid:
        return NoRoute(f"{record.phone_number} is driven by the trunk {record.trunk_sid}")
    driver: PhoneNumber | Application = record
    application_sid = record.voice_application_sid or None
    if application_sid is not None:
        application = account.applications.get(application_sid)
        if application is None:
            return NoRoute(f"{record.phone_number} is driven by {application_sid}, which does not exist")
        driver = application
    if not driver.voice_url:
        return NoRoute(f"{record.phone_number} has no voice URL")
    return Route(_target(driver), _callback(driver), application_sid, record.voice_caller_id_lookup)


def route_outbound(instructions: Instructions, callback: Callback | None, account: Account) -> Route:
    """Return what drives a call that was created by a request; its application must exist."""
    if instructions.application_sid is not None:
        application = account.applications[instructions.application_sid]
        return Route(_target(application), _callback(application), application.sid)
    return Route(target_of(instructions), callback)


def target_of(instructions: Instructions) -> Target:
    """Return the documents that a request gave to a call."""
    return Target(
        url=instructions.url or "",
        method=instructions.method,
        fallback_url=instructions.fallback_url,
        fallback_method=instructions.fallback_method,
        twiml=instructions.twiml,
    )


def voice_form(call: Call, status: CallStatus, application_sid: str | None = None) -> Form:
    """Return the parameters that every request about a call has, the older copies included."""
    from_country, to_country = country_of(call.from_), country_of(call.to)
    form = {
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        "From": call.from_,
        "To": call.to,
        "Caller": call.from_,
        "Called": call.to,
        "CallStatus": status,
        "ApiVersion": API_VERSION,
        "Direction": call.direction,
        "FromCountry": from_country,
        "CallerCountry": from_country,
        "ToCountry": to_country,
        "CalledCountry": to_country,
    }
    for side in ("From", "Caller", "To", "Called"):
        form |= {f"{side}City": "", f"{side}State": "", f"{side}Zip": ""}
    if call.direction == "inbound":
        form["StirVerstat"] = "TN-Validation-Passed-A"
    if call.caller_name:
        form["CallerName"] = call.caller_name
    if call.parent_call_sid:
        form["ParentCallSid"] = call.parent_call_sid
    if application_sid:
        form["ApplicationSid"] = application_sid
    return tuple(form.items())


def progress_form(call: Call, status: str, sequence: int, application_sid: str | None = None) -> Form:
    """Return the parameters of a status callback; `sequence` counts the callbacks of a call from 0."""
    form = dict(voice_form(call, call.status, application_sid))
    form |= {
        "CallStatus": status,
        "Timestamp": rfc2822(datetime.now(UTC)),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
    }
    if not call.live:
        seconds = call.duration_seconds
        form |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
    return tuple(form.items())


def country_of(number: str) -> str:
    """Return the country of a number in E.164, empty when it is not known."""
    return next((country for code, country in _COUNTRIES.items() if number.startswith(code)), "")


def _target(driver: PhoneNumber | Application) -> Target:
    return Target(
        url=driver.voice_url or "",
        method=driver.voice_method,
        fallback_url=driver.voice_fallback_url or None,
        fallback_method=driver.voice_fallback_method,
    )


def _callback(driver: PhoneNumber | Application) -> Callback | None:
    if not driver.status_callback:
        return None
    return Callback(driver.status_callback, driver.status_callback_method)
