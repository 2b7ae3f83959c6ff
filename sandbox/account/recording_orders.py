"""What to record of a call, as a request may order it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.account import parameters
from sandbox.account.exchange import Params
from sandbox.account.parameters import Rule

RecordingSource = Literal["StartCallRecordingAPI", "StartCallRecordingTwiML", "OutboundAPI", "RecordVerb"]


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """What to record of a call, and who is told. Twilio: `completed` is the default event."""

    channels: int = 1
    track: str = "both"
    source: RecordingSource = "StartCallRecordingAPI"
    callback: str | None = None
    callback_method: str = "POST"
    callback_events: tuple[str, ...] = ("completed",)


def read_recording_order(params: Params, source: RecordingSource = "StartCallRecordingAPI") -> RecordingOrder:
    """Check the parameters of a recording. Raises ApiError."""
    single = {name: values[-1] for name, values in params.items() if values}
    values = parameters.read(single, _RULES)
    events = " ".join(params.get("RecordingStatusCallbackEvent", ())).split() or ["completed"]
    for event in events:
        parameters.one_of("in-progress", "completed", "absent")("RecordingStatusCallbackEvent", event)
    return RecordingOrder(
        channels=2 if values.get("recording_channels") == "dual" else 1,
        track=str(values.get("recording_track", "both")),
        source=source,
        callback=str(values.get("recording_status_callback") or "") or None,
        callback_method=str(values.get("recording_status_callback_method", "POST")),
        callback_events=tuple(events),
    )


_RULES: Mapping[str, Rule] = {
    "RecordingChannels": parameters.one_of("mono", "dual"),
    "RecordingTrack": parameters.one_of("inbound", "outbound", "both"),
    "RecordingStatusCallback": parameters.url(21502),
    "RecordingStatusCallbackMethod": parameters.method(),
    "Trim": parameters.one_of("trim-silence", "do-not-trim"),
}
