"""What Twilio says about a call in its webhooks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runtime.legs.relay_outcome import SessionOutcome
from runtime.signature import Parameters

LONGEST_URL = 500


class NotAWebhookError(ValueError):
    """The request has not what every voice webhook has."""


@dataclass(frozen=True, slots=True)
class VoiceWebhook:
    """The parameters that the runtime uses. Twilio: voice requests, form fields or query.

    `caller` is E.164, `anonymous`, `client:…`, `sip:…` or free text, as Twilio gave it; `status` is the
    CallStatus; `duration_seconds` comes with the status callback of an ended call, `recording` with that of
    a recording: its URL with its length in seconds as a media fragment, or why there is none. `dial_status`
    is the DialCallStatus after a `<Dial>`, `relay` what became of a ConversationRelay.

    Of a call that we placed, `caller` is whom we have called, and `called` our number; `attempt` names it.
    `sip_code` and `error_code` say why it was not answered.
    """

    call_sid: str
    caller: str
    called: str
    caller_country: str | None
    status: str
    duration_seconds: int | None
    recording: str | None = None
    dial_status: str | None = None
    relay: SessionOutcome | None = None
    attempt: str | None = None
    sip_code: int | None = None
    error_code: int | None = None

    @classmethod
    def read(cls, parameters: Parameters, attempt: str | None = None) -> VoiceWebhook:
        """Read a request's parameters; unknown ones are ignored. Raises `NotAWebhookError`.

        `attempt` is what the URL says about the call.
        """
        call_sid = parameters.get("CallSid", "")
        if not call_sid or len(call_sid) > 64:
            raise NotAWebhookError("the request names no call (CallSid)")
        is_ours = parameters.get("Direction", "").startswith("outbound")
        them, us = ("To", "From") if is_ours else ("From", "To")
        return cls(
            call_sid=call_sid,
            caller=parameters.get(them, ""),
            called=parameters.get(us, ""),
            caller_country=parameters.get(f"{them}Country") or None,
            status=parameters.get("CallStatus", ""),
            duration_seconds=_number(parameters, "CallDuration"),
            recording=_recording(parameters),
            dial_status=parameters.get("DialCallStatus") or None,
            relay=SessionOutcome.read(parameters),
            attempt=attempt,
            sip_code=_number(parameters, "SipResponseCode"),
            error_code=_number(parameters, "ErrorCode"),
        )


def _number(parameters: Parameters, name: str) -> int | None:
    found = re.fullmatch(r"[0-9]{1,9}", parameters.get(name, ""))
    return int(found[0]) if found else None


def _recording(parameters: Parameters) -> str | None:
    """Read what a recording's callback tells. Twilio: its URL names the recording and has no extension."""
    status, url = parameters.get("RecordingStatus", ""), parameters.get("RecordingUrl", "")
    if status == "absent":
        return "not recorded: there was nothing to be recorded"
    if status != "completed" or not url.startswith(("https://", "http://")) or len(url) > LONGEST_URL:
        return None
    length = re.fullmatch(r"[0-9]{1,9}", parameters.get("RecordingDuration", ""))
    return f"{url}#t=0,{length[0]}" if length else url
