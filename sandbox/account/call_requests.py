"""What a request to create or change a call may hold. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.account.detection import MachineDetection, read_detection
from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Params
from sandbox.account.formats import is_e164, is_sid, is_web_url
from sandbox.account.recording_orders import RecordingOrder, read_recording_order

CALLBACK_EVENTS = ("initiated", "ringing", "answered", "completed")

MAX_TWIML = 4000
MAX_RING_SECONDS = 600
DEFAULT_RING_SECONDS = 60
MAX_SEND_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Instructions:
    """What controls a call: a document's URL (and what to do when it fails), or the document itself."""

    url: str | None = None
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    twiml: str | None = None
    application_sid: str | None = None


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A checked `POST /Calls.json`. `ring_seconds` and `time_limit_seconds` are in seconds."""

    from_: str
    to: str
    instructions: Instructions
    status_callback: str | None
    status_callback_method: str
    status_callback_events: tuple[str, ...]
    ring_seconds: int
    time_limit_seconds: int | None
    detection: MachineDetection | None = None
    send_digits: str = ""
    recording: RecordingOrder | None = None


@dataclass(frozen=True, slots=True)
class CallUpdate:
    """A checked `POST /Calls/{CA}.json`: an end, or a new document, or another time limit, or nothing."""

    ends: bool = False
    instructions: Instructions | None = None
    time_limit_seconds: int | None = None


def read_call_request(
    form: Params, owned: frozenset[str], instructions: Instructions | None = None
) -> CallRequest:
    """Check the body of a call creation; `owned` are the numbers that may call. Raises ApiError.

    `instructions` are for calls whose documents the body does not name.
    """
    single = {name: values[-1] for name, values in form.items() if values}
    events = tuple(" ".join(form.get("StatusCallbackEvent", ())).split()) or ("completed",)
    for event in events:
        if event not in CALLBACK_EVENTS:
            raise invalid_parameter("StatusCallbackEvent", f"must be one of {', '.join(CALLBACK_EVENTS)}")
    instructions = instructions or _instructions(single)
    if instructions is None:
        raise ApiError(400, 21205, "Url parameter is required")
    return CallRequest(
        from_=_from(single, owned),
        to=_to(single),
        instructions=instructions,
        status_callback=_callback(single),
        status_callback_method=_method(single, "StatusCallbackMethod"),
        status_callback_events=events,
        ring_seconds=_seconds(single, "Timeout", MAX_RING_SECONDS) or DEFAULT_RING_SECONDS,
        time_limit_seconds=_seconds(single, "TimeLimit", 86_400),
        detection=read_detection(single),
        send_digits=_send_digits(single),
        recording=read_recording_order(form, "OutboundAPI") if single.get("Record") == "true" else None,
    )


def read_call_update(form: Mapping[str, str], state: str) -> CallUpdate:
    """Check the body of a change to a live call of this status. Raises ApiError (21220 by its state)."""
    status = form.get("Status")
    if status == "completed":
        return CallUpdate(ends=True)
    if status == "canceled":
        if state == "in-progress":
            raise ApiError(400, 21220, "Invalid call state: only a queued or ringing call can be canceled")
        return CallUpdate(ends=True)
    if status is not None:
        raise invalid_parameter("Status", "must be completed or canceled")
    if "Url" in form and "Twiml" in form:
        raise ApiError(400, 20001, "Url and Twiml are mutually exclusive")
    instructions = _instructions(form)
    if instructions is not None and state != "in-progress":
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    return CallUpdate(instructions=instructions, time_limit_seconds=_seconds(form, "TimeLimit", 86_400))


def _instructions(form: Mapping[str, str]) -> Instructions | None:
    """Read what is to control the call. Twilio: if both Url and Twiml are given, Twiml is ignored."""
    if url := form.get("Url"):
        if not is_web_url(url):
            raise ApiError(400, 21205, f"Url is not a valid URL: {url}")
        return Instructions(
            url=url,
            method=_method(form, "Method"),
            fallback_url=form.get("FallbackUrl") or None,
            fallback_method=_method(form, "FallbackMethod"),
        )
    if twiml := form.get("Twiml"):
        if len(twiml) > MAX_TWIML:
            raise invalid_parameter("Twiml", f"must be at most {MAX_TWIML} characters")
        return Instructions(twiml=twiml)
    if application := form.get("ApplicationSid"):
        if not is_sid(application, "AP"):
            raise ApiError(400, 21218, f"Invalid ApplicationSid: {application}")
        return Instructions(application_sid=application)
    return None


def _to(form: Mapping[str, str]) -> str:
    to = form.get("To", "")
    if not to:
        raise ApiError(400, 21201, "No 'To' number is specified")
    if not is_e164(to) or to == form.get("From"):
        raise ApiError(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    return to


def _from(form: Mapping[str, str], owned: frozenset[str]) -> str:
    caller = form.get("From", "")
    if not caller:
        raise ApiError(400, 21213, "No 'From' number is specified")
    if not is_e164(caller):
        raise ApiError(400, 21212, f"The 'From' number {caller} is not a valid phone number")
    if caller not in owned:
        raise ApiError(400, 21210, f"The source phone number provided, {caller}, is not yet verified")
    return caller


def _callback(form: Mapping[str, str]) -> str | None:
    url = form.get("StatusCallback") or None
    if url is not None and not is_web_url(url):
        raise ApiError(400, 21502, "StatusCallback is not valid")
    return url


def _method(form: Mapping[str, str], name: str) -> str:
    method = form.get(name, "POST")
    if method not in {"GET", "POST"}:
        raise ApiError(400, 21209, f"{name} is not valid")
    return method


def _seconds(form: Mapping[str, str], name: str, maximum: int) -> int | None:
    value = form.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or int(value) > maximum:
        raise ApiError(400, 21208, f"{name} is not valid")
    return int(value)


def _send_digits(form: Mapping[str, str]) -> str:
    digits = form.get("SendDigits", "").lower()
    if len(digits) > MAX_SEND_DIGITS or set(digits) - set("0123456789*#w"):
        raise invalid_parameter("SendDigits", "must be at most 32 of 0-9, *, # and w")
    return digits
