"""Who answered, as answering machine detection finds out: what a phone is, and after how long. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.account.detection import MachineDetection
from sandbox.network.flow import Extra
from sandbox.network.phones import Phone

# How long Twilio listens, roughly: a short greeting and a pause, or a long one; the beep is the phone's.
HUMAN_MS = 1600
MACHINE_MS = 2800
FAX_MS = 2000


@dataclass(frozen=True, slots=True)
class Detected:
    """Who answered, `ms` after the answer."""

    answered_by: str
    ms: int

    def form(self) -> Extra:
        """Return the parameters that name it."""
        return ("AnsweredBy", self.answered_by), ("MachineDetectionDuration", str(self.ms))


def detect(phone: Phone, order: MachineDetection) -> Detected:
    """Return what detection finds on this phone. Past its time-out it is `unknown`."""
    limit = order.timeout_s * 1000
    found = _found(phone, order)
    return found if found.ms <= limit else Detected("unknown", limit)


def _found(phone: Phone, order: MachineDetection) -> Detected:
    match phone.who:
        case "human":
            return Detected("human", phone.detected_ms or HUMAN_MS)
        case "fax":
            return Detected("fax", phone.detected_ms or FAX_MS)
        case "machine" if order.mode == "DetectMessageEnd":
            return Detected("machine_end_beep", phone.detected_ms or phone.greeting_ms or MACHINE_MS)
        case "machine":
            return Detected("machine_start", phone.detected_ms or MACHINE_MS)
        case _:
            return Detected("unknown", order.timeout_s * 1000)
