"""Answering machine detection as a request may order it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.account import parameters
from sandbox.account.parameters import Rule

DetectionMode = Literal["Enable", "DetectMessageEnd"]


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """Find out who answers. Without a callback the call waits for the result; with one it goes on."""

    mode: DetectionMode = "Enable"
    timeout_s: int = 30
    callback: str | None = None
    callback_method: str = "POST"
    waits: bool = True


def read_detection(form: Mapping[str, str]) -> MachineDetection | None:
    """Check the parameters of a call's creation; None where detection is not ordered. Raises ApiError."""
    if not form.get("MachineDetection"):
        return None
    values = parameters.read(form, _RULES)
    return MachineDetection(
        mode="DetectMessageEnd" if values["machine_detection"] == "DetectMessageEnd" else "Enable",
        timeout_s=int(str(values.get("machine_detection_timeout", 30))),
        callback=str(values.get("async_amd_status_callback") or "") or None,
        callback_method=str(values.get("async_amd_status_callback_method", "POST")),
        waits=values.get("async_amd") is not True,
    )


_RULES: Mapping[str, Rule] = {
    "MachineDetection": parameters.one_of("Enable", "DetectMessageEnd"),
    "MachineDetectionTimeout": parameters.whole_number(3, 59),
    "MachineDetectionSpeechThreshold": parameters.whole_number(1000, 6000),
    "MachineDetectionSpeechEndThreshold": parameters.whole_number(500, 5000),
    "MachineDetectionSilenceTimeout": parameters.whole_number(2000, 10_000),
    "AsyncAmd": parameters.boolean,
    "AsyncAmdStatusCallback": parameters.url(21502),
    "AsyncAmdStatusCallbackMethod": parameters.method(),
}
