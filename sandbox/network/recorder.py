"""Records one call as it is asked to, and tells of every recording when it ends."""

from __future__ import annotations

from sandbox.account.recording_orders import RecordingOrder
from sandbox.account.recordings import Recording
from sandbox.network.call_recording import CallRecording
from sandbox.network.phone_call import PhoneCall
from sandbox.network.surroundings import Surroundings
from sandbox.network.verbs import Callback
from sandbox.speech.ulaw import BYTES_PER_MS


class Recorder:
    """The recordings of a call, any number at once."""

    def __init__(self, phone: PhoneCall, around: Surroundings) -> None:
        self._phone = phone
        self._around = around
        self._running: dict[str, CallRecording] = {}

    def start(self, order: RecordingOrder) -> Recording:
        """Begin a recording now."""
        record = Recording(
            self._around.account.sid, self._phone.sid, order.channels, order.source, order.track
        )
        self._around.account.recordings[record.sid] = record
        self._running[record.sid] = CallRecording(record, order, self._now())
        self._tell(self._running[record.sid], "in-progress")
        return record

    def change(self, sid: str, status: str, *, skips: bool = False) -> None:
        """Pause (`paused`), go on (`in-progress`) or stop (`stopped`)."""
        recording = self._running[sid]
        if status == "stopped":
            self._finish(recording)
        elif status == "paused":
            recording.turn("skipped" if skips else "silence", self._now())
        else:
            recording.turn("sound", self._now())

    def finish(self) -> None:
        """End all recordings: the call has ended."""
        for recording in tuple(self._running.values()):
            self._finish(recording)

    def _finish(self, recording: CallRecording) -> None:
        del self._running[recording.record.sid]
        recording.finish(self._now(), self._phone.line)
        self._tell(recording, recording.record.status)

    def _tell(self, recording: CallRecording, event: str) -> None:
        order = recording.order
        if order.callback is not None and event in order.callback_events:
            callback = Callback(order.callback, order.callback_method)
            self._around.exchange.post(self._phone.sid, callback, recording.form(), self._around)

    def _now(self) -> int:
        """Return the line's position in whole samples."""
        return int(self._phone.line_ms() * BYTES_PER_MS) if self._phone.answered_at_ms is not None else 0
