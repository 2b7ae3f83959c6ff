"""What Twilio is asked for when a call is placed. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.line import LIMIT_MARGIN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.outbound.orders import DialOrder
    from schemas import Agent, Service

LONGEST_DOCUMENT: Final = 4000
"""Twilio: characters of TwiML that may come with a call."""
PROGRESS: Final = ("initiated", "ringing", "answered", "completed")


def call_parameters(
    order: DialOrder, agent: Agent, service: Service, document: str | None = None
) -> Mapping[str, str | int | bool | Sequence[str]]:
    """Return the parameters of the request, besides `To` and `From`.

    With a `document` that is not too long Twilio has what controls the call, and asks nobody when it is
    answered. Twilio ends the call a little after its own limit, should nobody of ours.
    """

    def url(path: str) -> str:
        return f"{service.public_url}/voice/{agent.name}{path}?attempt={order.attempt}"

    asked: dict[str, str | int | bool | Sequence[str]] = {
        "StatusCallback": url("/status"),
        "StatusCallbackEvent": PROGRESS,
        "Timeout": order.ring_seconds,
        "TimeLimit": (order.most_seconds or agent.max_call_seconds) + LIMIT_MARGIN_SECONDS,
    }
    if document is not None and len(document) <= LONGEST_DOCUMENT:
        asked["Twiml"] = document
    else:
        asked["Url"] = url("")
        asked["FallbackUrl"] = service.fallback_url or url("/fallback")
    if order.send_digits:
        asked["SendDigits"] = order.send_digits
    if order.machine_detection:
        leaves_message = order.voicemail == "message"
        asked["MachineDetection"] = "DetectMessageEnd" if leaves_message else "Enable"
        asked["AsyncAmd"] = True
        asked["AsyncAmdStatusCallback"] = url("/amd")
    return asked
